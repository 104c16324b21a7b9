/* Alternate signal stacks: man 2 sigaltstack. */
#include "test.h"
#include <setjmp.h>
#include <sys/auxv.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

static char stack[64 * 1024] __attribute__((aligned(16)));
static volatile int on_stack, flags_inside;

static void handler(int sig) {
  char here;
  stack_t now;
  (void)sig;
  on_stack = &here >= stack && &here < stack + sizeof stack;
  sigaltstack(NULL, &now);
  flags_inside = now.ss_flags;
}

static void arguments(void) {
  stack_t ss = {.ss_sp = stack, .ss_size = 1024};
  FAILS(ENOMEM, sigaltstack(&ss, NULL));
  ss.ss_size = sizeof stack;
  ss.ss_flags = 8;
  FAILS(EINVAL, sigaltstack(&ss, NULL));
  FAILS(EFAULT, syscall(SYS_sigaltstack, BAD, NULL));
  FAILS(EFAULT, syscall(SYS_sigaltstack, NULL, BAD));
  OK(sigaltstack(NULL, &ss));
  EQ(SS_DISABLE, ss.ss_flags);
}

static void used(void) {
  stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack}, old;
  struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  OK(sigaltstack(&ss, NULL));
  OK(sigaction(SIGUSR1, &sa, NULL));
  raise(SIGUSR1);
  EQ(1, on_stack);
  EQ(SS_ONSTACK, flags_inside);
  OK(sigaltstack(NULL, &old));
  EQ(0, old.ss_flags);
  CHECK(old.ss_sp == stack);
  sa.sa_flags = 0;
  OK(sigaction(SIGUSR1, &sa, NULL));
  raise(SIGUSR1);
  EQ(0, on_stack);
}

static volatile int change_errno;
static void change(int sig) {
  stack_t ss = {.ss_flags = SS_DISABLE};
  (void)sig;
  change_errno = sigaltstack(&ss, NULL) == 0 ? 0 : errno;
}

static void busy(void) {
  struct sigaction sa = {.sa_handler = change, .sa_flags = SA_ONSTACK};
  OK(sigaction(SIGUSR1, &sa, NULL));
  raise(SIGUSR1);
  EQ(EPERM, change_errno);
}

static void autodisarm(void) {
  stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack, .ss_flags = SS_AUTODISARM}, old;
  struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  OK(sigaltstack(&ss, NULL));
  OK(sigaction(SIGUSR1, &sa, NULL));
  raise(SIGUSR1);
  EQ(1, on_stack);
  EQ(SS_DISABLE, flags_inside);
  OK(sigaltstack(NULL, &old));
  EQ((int)SS_AUTODISARM, old.ss_flags);
}

static sigjmp_buf jump;
static void overflow_handler(int sig) {
  (void)sig;
  siglongjmp(jump, 1);
}

__attribute__((noinline)) static int recurse(volatile char *p) {
  volatile char big[4096];
  big[0] = p ? p[0] : 0;
  if (big[0] == 1) return 0;
  return recurse(big) + big[100];
}

static void overflow(void) {
  stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction sa = {.sa_handler = overflow_handler, .sa_flags = SA_ONSTACK};
  OK(sigaltstack(&ss, NULL));
  OK(sigaction(SIGSEGV, &sa, NULL));
  int caught = sigsetjmp(jump, 1);
  if (!caught) recurse(NULL);
  EQ(1, caught);
}

int main(void) {
  arguments();
  used();
  busy();
  autodisarm();
  overflow();
  DONE();
}
