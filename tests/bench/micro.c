/* Micro benchmarks of single kernel operations. Prints one line a row: its name, a tab, nanoseconds an operation (the
 * best of several rounds, so that a noisy machine tells as much as a quiet one). Arguments: rows to run; none: all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, PAGE = 4096, REGION = 64 << 20, BLOCK = 64 << 10 };

static int argument_count;
static char **arguments;
static const char *self;
static char *block;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void die(const char *what) {
  fprintf(stderr, "micro: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int wanted(const char *row) {
  if (argument_count == 0) return 1;
  for (int i = 0; i < argument_count; i++)
    if (strcmp(arguments[i], row) == 0) return 1;
  return 0;
}

/* Runs BODY COUNT times a round and prints the best round. */
#define ROW(name, count, body)                                     \
  if (wanted(name)) {                                              \
    double best = 1e18;                                            \
    for (int round_ = 0; round_ < ROUNDS; round_++) {              \
      double start_ = now();                                       \
      for (int i_ = 0; i_ < (count); i_++) { body; }               \
      double each_ = (now() - start_) / (count);                   \
      if (each_ < best) best = each_;                              \
    }                                                              \
    printf("%s\t%.1f\n", name, best);                              \
    fflush(stdout);                                                \
  }

static void files(const char *label, const char *dir) {
  char path[256], name[64];
  snprintf(path, sizeof path, "%s/micro-bench-file", dir);
  int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
  if (fd < 0) die(path);
  if (pwrite(fd, block, BLOCK, 0) != BLOCK) die("pwrite");
  snprintf(name, sizeof name, "pread 1 B, %s", label);
  ROW(name, 2000, if (pread(fd, block, 1, 100) != 1) die(name));
  snprintf(name, sizeof name, "pwrite 1 B, %s", label);
  ROW(name, 2000, if (pwrite(fd, block, 1, 100) != 1) die(name));
  snprintf(name, sizeof name, "pread 64 KiB, %s", label);
  ROW(name, 1000, if (pread(fd, block, BLOCK, 0) != BLOCK) die(name));
  snprintf(name, sizeof name, "pwrite 64 KiB, %s", label);
  ROW(name, 1000, if (pwrite(fd, block, BLOCK, 0) != BLOCK) die(name));
  snprintf(name, sizeof name, "open+close, %s", label);
  ROW(name, 1000, int f = open(path, O_RDONLY); if (f < 0) die(name); close(f));
  struct stat st;
  snprintf(name, sizeof name, "stat, %s", label);
  ROW(name, 1000, if (stat(path, &st) != 0) die(name));
  close(fd);
  unlink(path);
}

/* What a program does that asks the kernel nothing: a sieve, sums in floating point. Its result is used. */
static long compute(void) {
  enum { SIZE = 1 << 16 };
  static unsigned char composite[SIZE];
  memset(composite, 0, sizeof composite);
  long sum = 0;
  double series = 0;
  for (long i = 2; i < SIZE; i++) {
    if (!composite[i]) {
      sum += i;
      series += 1.0 / (double)i;
    }
    for (long j = i * i; j < SIZE; j += i) composite[j] = 1;
  }
  return sum + (long)(series * 1000);
}

/* Faults that touching a MiB takes; in thousands, for the reader expects nanoseconds. */
static void faults(void) {
  if (!wanted("faults a MiB touched")) return;
  struct rusage before, after;
  char *p = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  getrusage(RUSAGE_SELF, &before);
  for (long i = 0; i < REGION; i += PAGE) *(volatile char *)(p + i) = 1;
  getrusage(RUSAGE_SELF, &after);
  munmap(p, REGION);
  printf("faults a MiB touched\t%.1f\n", (after.ru_minflt - before.ru_minflt) * 1000.0 / (REGION >> 20));
  fflush(stdout);
}

static int ping[2], pong[2];

static void *echo(void *unused) {
  char c;
  while (read(ping[0], &c, 1) == 1)
    if (write(pong[1], &c, 1) != 1) break;
  return unused;
}

static void pipes(void) {
  if (!wanted("pipe ping-pong, threads")) return;
  if (pipe(ping) != 0 || pipe(pong) != 0) die("pipe");
  pthread_t t;
  if (pthread_create(&t, NULL, echo, NULL) != 0) die("pthread_create");
  char c = 0;
  ROW("pipe ping-pong, threads", 500, if (write(ping[1], &c, 1) != 1 || read(pong[0], &c, 1) != 1) die("ping"));
  close(ping[1]);
  pthread_join(t, NULL);
}

static void fork_wait(int exec) {
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    if (exec) {
      execl(self, self, "--nothing", (char *)NULL);
      _exit(127);
    }
    _exit(0);
  }
  int status;
  if (waitpid(pid, &status, 0) != pid || status != 0) die("waitpid");
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--nothing") == 0) return 0;
  self = argv[0];
  argument_count = argc - 1;
  arguments = argv + 1;
  block = malloc(BLOCK);
  memset(block, 1, BLOCK);

  if (wanted("getppid"))
    for (int i = 0; i < 20000; i++) syscall(SYS_getppid); /* a compiler may be warming up underneath */
  ROW("getppid", 5000, syscall(SYS_getppid));
  struct timespec t;
  ROW("clock_gettime, vDSO", 100000, clock_gettime(CLOCK_MONOTONIC, &t));
  files("tmpfs", "/tmp");
  files("root", "/root");
  for (int warm = 0; warm < 500 && wanted("mmap+touch+munmap"); warm++) {
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *p = 1;
    munmap(p, PAGE);
  }
  ROW("mmap+touch+munmap", 500, {
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(volatile char *)p = 1;
    munmap(p, PAGE);
  });
  if (wanted("page touch, 64 MiB region")) {
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
      char *p = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      double start = now();
      for (long i = 0; i < REGION; i += PAGE) *(volatile char *)(p + i) = 1;
      double each = (now() - start) / (REGION / PAGE);
      if (each < best) best = each;
      munmap(p, REGION);
    }
    printf("page touch, 64 MiB region\t%.1f\n", best);
    fflush(stdout);
  }
  faults();
  if (wanted("compute, no system calls")) {
    volatile long result;
    double best = 1e18;
    for (int round = 0; round < 1000; round++) {
      double start = now();
      result = compute();
      double each = now() - start;
      if (each < best) best = each;
    }
    (void)result;
    printf("compute, no system calls\t%.1f\n", best);
    fflush(stdout);
  }
  pipes();
  for (int warm = 0; warm < 50 && wanted("fork+wait"); warm++) fork_wait(0);
  ROW("fork+wait", 50, fork_wait(0));
  for (int warm = 0; warm < 20 && wanted("fork+exec+wait"); warm++) fork_wait(1);
  ROW("fork+exec+wait", 50, fork_wait(1));
  return 0;
}
