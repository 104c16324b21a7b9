/* The whole test framework of the conformance programs. A program asserts what Linux does; it runs on the host first and
 * must pass there, then in the sandbox on every platform. Exit code 0: all passed. 77: skipped, with the reason on
 * standard output. Anything else: failed, and every failed line is on standard output.
 */
#ifndef TEST_H
#define TEST_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures;

/* The condition holds. */
#define CHECK(cond)                                                                                                    \
  do {                                                                                                                 \
    if (!(cond)) {                                                                                                     \
      printf("%s:%d: %s: failed: %s (errno %d, %s)\n", __FILE__, __LINE__, __func__, #cond, errno, strerror(errno));   \
      fflush(stdout);                                                                                                  \
      failures++;                                                                                                      \
    }                                                                                                                  \
  } while (0)

/* Both are the same number. */
#define EQ(want, got)                                                                                                  \
  do {                                                                                                                 \
    long long w_ = (long long)(want), g_ = (long long)(got);                                                           \
    if (w_ != g_) {                                                                                                    \
      printf("%s:%d: %s: %s: want %lld, got %lld (errno %d, %s)\n", __FILE__, __LINE__, __func__, #got, w_, g_, errno, \
             strerror(errno));                                                                                         \
      fflush(stdout);                                                                                                  \
      failures++;                                                                                                      \
    }                                                                                                                  \
  } while (0)

/* The call returns -1 with errno WANT. */
#define FAILS(want, call)                                                                                              \
  do {                                                                                                                 \
    errno = 0;                                                                                                         \
    long long r_ = (long long)(call);                                                                                  \
    if (r_ != -1 || errno != (want)) {                                                                                 \
      printf("%s:%d: %s: %s: want -1 with errno %d, got %lld with errno %d (%s)\n", __FILE__, __LINE__, __func__,      \
             #call, (want), r_, errno, strerror(errno));                                                               \
      fflush(stdout);                                                                                                  \
      failures++;                                                                                                      \
    }                                                                                                                  \
  } while (0)

/* The call returns something else than -1; its value. */
#define OK(call)                                                                                                       \
  ({                                                                                                                   \
    errno = 0;                                                                                                         \
    long long r_ = (long long)(call);                                                                                  \
    if (r_ == -1) {                                                                                                    \
      printf("%s:%d: %s: %s: failed with errno %d (%s)\n", __FILE__, __LINE__, __func__, #call, errno,                 \
             strerror(errno));                                                                                         \
      fflush(stdout);                                                                                                  \
      failures++;                                                                                                      \
    }                                                                                                                  \
    r_;                                                                                                                \
  })

#define SKIP(reason)                                                                                                   \
  do {                                                                                                                 \
    printf("skipped: %s\n", reason);                                                                                   \
    exit(77);                                                                                                          \
  } while (0)

/* A wild pointer: not mapped in any program, which the compiler must not see. */
#define BAD                                                                                                            \
  ({                                                                                                                   \
    void *bad_ = (void *)0x10;                                                                                         \
    __asm__("" : "+r"(bad_));                                                                                          \
    bad_;                                                                                                              \
  })

/* The end of main. */
#define DONE() return failures == 0 ? 0 : 1

#endif
