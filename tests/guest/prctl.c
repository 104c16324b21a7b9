/* man 2 prctl, man 2 arch_prctl, man 2 personality, man 2 uname. */
#include "test.h"
#include <asm/prctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/random.h>
#include <sys/utsname.h>

static volatile int got;
static void handler(int sig) { got = sig; }

static void names(void) {
  char name[17] = {0};
  OK(prctl(PR_SET_NAME, "a name that is too long"));
  OK(prctl(PR_GET_NAME, name));
  CHECK(strcmp(name, "a name that is ") == 0);
  FAILS(EFAULT, prctl(PR_SET_NAME, BAD));
  FAILS(EFAULT, prctl(PR_GET_NAME, BAD));
}

static void death_signal(void) {
  int sig = -1, fds[2];
  OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
  OK(prctl(PR_GET_PDEATHSIG, &sig));
  EQ(SIGUSR1, sig);
  FAILS(EINVAL, prctl(PR_SET_PDEATHSIG, 65));
  FAILS(EFAULT, prctl(PR_GET_PDEATHSIG, BAD));
  OK(prctl(PR_SET_PDEATHSIG, 0));
  OK(pipe(fds));
  pid_t p = OK(fork());
  if (p == 0) {
    int ready[2];
    if (pipe(ready)) _exit(9);
    if (fork() == 0) {
      signal(SIGUSR2, handler);
      sigset_t set, old;
      sigemptyset(&set);
      sigaddset(&set, SIGUSR2);
      sigprocmask(SIG_BLOCK, &set, &old);
      prctl(PR_SET_PDEATHSIG, SIGUSR2);
      if (write(ready[1], "r", 1) != 1) _exit(8);
      while (!got) sigsuspend(&old);
      if (write(fds[1], "d", 1) != 1) _exit(7);
      _exit(0);
    }
    char c;
    if (read(ready[0], &c, 1) != 1) _exit(6);
    _exit(0);
  }
  char c = 0;
  EQ(1, read(fds[0], &c, 1));
  EQ('d', c);
  EQ(p, waitpid(p, NULL, 0));
}

static void subreaper(void) {
  int is = -1;
  /* Orphans of what was before may be ours already. */
  while (wait(NULL) > 0) continue;
  OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
  OK(prctl(PR_GET_CHILD_SUBREAPER, &is));
  EQ(1, is);
  pid_t p = OK(fork());
  if (p == 0) {
    if (fork() == 0) {
      usleep(30000);
      _exit(21);
    }
    _exit(20);
  }
  int st, seen = 0;
  while (wait(&st) > 0) seen |= WEXITSTATUS(st) == 20 ? 1 : WEXITSTATUS(st) == 21 ? 2 : 4;
  EQ(3, seen);
  OK(prctl(PR_SET_CHILD_SUBREAPER, 0));
}

static void small_ones(void) {
  EQ(0, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  FAILS(EINVAL, prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
  FAILS(EINVAL, prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
  pid_t p = OK(fork());
  if (p == 0) _exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
  int st;
  EQ(p, waitpid(p, &st, 0));
  EQ(0, st);
  EQ(1, prctl(PR_GET_DUMPABLE));
  OK(prctl(PR_SET_DUMPABLE, 0));
  EQ(0, prctl(PR_GET_DUMPABLE));
  FAILS(EINVAL, prctl(PR_SET_DUMPABLE, 2));
  OK(prctl(PR_SET_DUMPABLE, 1));
  OK(prctl(PR_SET_TIMERSLACK, 12345));
  EQ(12345, prctl(PR_GET_TIMERSLACK));
  OK(prctl(PR_SET_TIMERSLACK, 0));
  EQ(50000, prctl(PR_GET_TIMERSLACK));
  FAILS(EINVAL, prctl(9999, 0, 0, 0, 0));
  EQ(0, prctl(PR_GET_SECCOMP));
  EQ(0, prctl(PR_GET_SECUREBITS));
}

static void segments(void) {
  unsigned long fs = 0, gs = 0, here = 77;
  OK(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
  CHECK(fs != 0);
  OK(syscall(SYS_arch_prctl, ARCH_SET_GS, &here));
  OK(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
  EQ((unsigned long)&here, gs);
  unsigned long v;
  __asm__ volatile("mov %%gs:0, %0" : "=r"(v));
  EQ(77, v);
  OK(syscall(SYS_arch_prctl, ARCH_SET_GS, 0));
  FAILS(EPERM, syscall(SYS_arch_prctl, ARCH_SET_GS, 0xffff800000000000ul));
  FAILS(EFAULT, syscall(SYS_arch_prctl, ARCH_GET_FS, BAD));
  FAILS(EINVAL, syscall(SYS_arch_prctl, 1, 0));
}

static void system_facts(void) {
  struct utsname u;
  OK(uname(&u));
  EQ(0, strcmp(u.sysname, "Linux"));
  EQ(0, strcmp(u.machine, "x86_64"));
  FAILS(EFAULT, syscall(SYS_uname, BAD));
  struct sysinfo si;
  OK(sysinfo(&si));
  CHECK(si.totalram > 0 && si.freeram <= si.totalram && si.mem_unit >= 1 && si.procs > 0);
  FAILS(EFAULT, syscall(SYS_sysinfo, BAD));
  int old = OK(personality(0xffffffff));
  EQ(old, personality(old | ADDR_NO_RANDOMIZE));
  EQ(old | ADDR_NO_RANDOMIZE, personality(old));
  char a[16] = {0}, b[16] = {0}, big[70000];
  EQ(16, getrandom(a, 16, 0));
  EQ(16, getrandom(b, 16, GRND_NONBLOCK));
  CHECK(memcmp(a, b, 16) != 0);
  EQ(sizeof big, getrandom(big, sizeof big, 0));
  FAILS(EINVAL, getrandom(a, 16, 0x100));
  FAILS(EFAULT, syscall(SYS_getrandom, BAD, 16, 0));
}

int main(void) {
  names();
  death_signal();
  subreaper();
  small_ones();
  segments();
  system_facts();
  DONE();
}
