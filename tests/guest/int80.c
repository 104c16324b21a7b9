/* Calls of the 32-bit ABI from a 64-bit program: the 32-bit call is served, or it is SIGSEGV as on a kernel without
 * it. Never is the number taken for that of a 64-bit call. */
#include "test.h"
#include <sys/prctl.h>
#include <ucontext.h>

static void *fault_at;

static void segv(int signo, siginfo_t *info, void *context) {
  (void)signo;
  (void)info;
  ucontext_t *u = context;
  fault_at = (void *)u->uc_mcontext.gregs[REG_RIP];
  u->uc_mcontext.gregs[REG_RIP] += 2;
  u->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
}

static long int80(long number, long b, long c, long d) {
  long r;
  __asm__ volatile("int $0x80" : "=a"(r) : "a"(number), "b"(b), "c"(c), "d"(d) : "memory", "r8", "r9", "r10", "r11");
  return r;
}

int main(void) {
  struct sigaction a = {.sa_sigaction = segv, .sa_flags = SA_SIGINFO};
  OK(sigaction(SIGSEGV, &a, 0));
  long r = int80(20, 0, 0, 0); /* getpid there, writev here */
  if (fault_at) {
    EQ(-ENOSYS, r);
    CHECK(((unsigned char *)fault_at)[0] == 0xcd && ((unsigned char *)fault_at)[1] == 0x80);
  } else {
    EQ(getpid(), r);
  }
  /* 39 is mkdir there and getpid here. */
  fault_at = 0;
  r = int80(39, 0, 0, 0);
  CHECK(r != getpid());
  CHECK(fault_at ? r == -ENOSYS : r == -EFAULT);
  /* 60: umask there, exit here. */
  r = int80(60, 022, 0, 0);
  CHECK(r >= 0 || r == -ENOSYS);
  /* The numbers of the x32 ABI are not known here. */
  FAILS(ENOSYS, syscall(0x40000000 | SYS_getppid));
  EQ(getpid(), syscall(SYS_getpid));
  DONE();
}
