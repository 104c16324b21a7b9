/* wait4 and waitid: man 2 wait, man 2 wait4. */
#include "test.h"
#include <linux/wait.h>
#include <sys/resource.h>

static pid_t child(int code) {
  pid_t p = OK(fork());
  if (p == 0) _exit(code);
  return p;
}

static pid_t pausing(void) {
  pid_t p = OK(fork());
  if (p == 0)
    for (;;) pause();
  return p;
}

static void arguments(void) {
  FAILS(ECHILD, wait(NULL));
  FAILS(EINVAL, syscall(SYS_wait4, -1, NULL, 0x100, NULL));
  FAILS(ECHILD, syscall(SYS_wait4, getpid(), NULL, 0, NULL));
  FAILS(ESRCH, syscall(SYS_wait4, INT_MIN, NULL, 0, NULL));
  siginfo_t si;
  FAILS(EINVAL, waitid(P_ALL, 0, &si, 0));
  FAILS(EINVAL, waitid(P_ALL, 0, &si, WEXITED | 0x100));
  FAILS(EINVAL, waitid((idtype_t)9, 0, &si, WEXITED));
  FAILS(ECHILD, waitid(P_ALL, 0, &si, WEXITED));
  FAILS(EINVAL, waitid(P_PID, 0, &si, WEXITED));
  pid_t p = child(1);
  FAILS(EFAULT, wait4(p, BAD, 0, NULL));
  FAILS(ECHILD, waitpid(p, NULL, 0));
}

static void nohang(void) {
  pid_t p = pausing();
  EQ(0, waitpid(p, NULL, WNOHANG));
  siginfo_t si;
  memset(&si, 1, sizeof si);
  OK(waitid(P_PID, p, &si, WEXITED | WNOHANG));
  EQ(0, si.si_pid);
  OK(kill(p, SIGTERM));
  int st;
  EQ(p, waitpid(p, &st, 0));
  CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGTERM);
}

static void nowait(void) {
  pid_t p = child(17);
  siginfo_t si;
  for (int i = 0; i < 2; i++) {
    memset(&si, 0, sizeof si);
    OK(waitid(P_PID, p, &si, WEXITED | WNOWAIT));
    EQ(p, si.si_pid);
    EQ(SIGCHLD, si.si_signo);
    EQ(CLD_EXITED, si.si_code);
    EQ(17, si.si_status);
    EQ(getuid(), si.si_uid);
  }
  int st;
  EQ(p, waitpid(p, &st, 0));
  EQ(17, WEXITSTATUS(st));
}

static void stops(void) {
  pid_t p = pausing();
  int st;
  OK(kill(p, SIGSTOP));
  EQ(p, waitpid(p, &st, WUNTRACED));
  CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
  EQ(0, waitpid(p, &st, WUNTRACED | WNOHANG));
  OK(kill(p, SIGCONT));
  EQ(p, waitpid(p, &st, WCONTINUED));
  CHECK(WIFCONTINUED(st));
  EQ(0, waitpid(p, &st, WCONTINUED | WNOHANG));
  OK(kill(p, SIGSTOP));
  siginfo_t si;
  OK(waitid(P_PID, p, &si, WSTOPPED | WNOWAIT));
  EQ(CLD_STOPPED, si.si_code);
  EQ(SIGSTOP, si.si_status);
  OK(waitid(P_PID, p, &si, WSTOPPED));
  OK(kill(p, SIGCONT));
  OK(waitid(P_PID, p, &si, WCONTINUED));
  EQ(CLD_CONTINUED, si.si_code);
  /* A stopped process still dies. */
  OK(kill(p, SIGSTOP));
  EQ(p, waitpid(p, &st, WUNTRACED));
  OK(kill(p, SIGKILL));
  EQ(p, waitpid(p, &st, 0));
  CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
}

static void groups(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    setpgid(0, 0);
    _exit(5);
  }
  setpgid(p, p);
  int st;
  FAILS(ECHILD, waitpid(0, &st, 0));
  EQ(p, waitpid(-p, &st, 0));
  EQ(5, WEXITSTATUS(st));
  p = child(6);
  EQ(p, waitpid(0, &st, 0));
  EQ(6, WEXITSTATUS(st));
}

static void usage(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    volatile unsigned long n = 0;
    struct timespec t;
    do {
      for (int i = 0; i < 100000; i++) n += i;
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    } while (t.tv_sec == 0 && t.tv_nsec < 50000000);
    _exit(0);
  }
  struct rusage ru;
  int st;
  EQ(p, wait4(p, &st, 0, &ru));
  CHECK(ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec > 10000);
  OK(getrusage(RUSAGE_CHILDREN, &ru));
  CHECK(ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec > 10000);
}

static volatile sig_atomic_t chld;
static siginfo_t last;
static void on_chld(int sig, siginfo_t *si, void *uc) {
  (void)sig;
  (void)uc;
  chld++;
  last = *si;
}

static void sigchld(void) {
  struct sigaction sa = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_RESTART};
  OK(sigaction(SIGCHLD, &sa, NULL));
  pid_t p = child(33);
  int st;
  EQ(p, waitpid(p, &st, 0));
  EQ(1, chld);
  EQ(p, last.si_pid);
  EQ(CLD_EXITED, last.si_code);
  EQ(33, last.si_status);
  /* No signal for stops when not wanted. */
  sa.sa_flags |= SA_NOCLDSTOP;
  OK(sigaction(SIGCHLD, &sa, NULL));
  chld = 0;
  p = pausing();
  OK(kill(p, SIGSTOP));
  EQ(p, waitpid(p, &st, WUNTRACED));
  EQ(0, chld);
  OK(kill(p, SIGKILL));
  EQ(p, waitpid(p, &st, 0));
  EQ(1, chld);
  EQ(CLD_KILLED, last.si_code);
  EQ(SIGKILL, last.si_status);
  /* Ignored: no zombies. */
  signal(SIGCHLD, SIG_IGN);
  p = child(1);
  FAILS(ECHILD, waitpid(p, &st, 0));
  sa.sa_flags = SA_SIGINFO | SA_NOCLDWAIT | SA_RESTART;
  OK(sigaction(SIGCHLD, &sa, NULL));
  chld = 0;
  p = child(1);
  FAILS(ECHILD, waitpid(p, &st, 0));
  EQ(1, chld);
  signal(SIGCHLD, SIG_DFL);
}

static void by_pidfd(void) {
  pid_t p = child(44);
  int fd = OK(syscall(SYS_pidfd_open, p, 0));
  siginfo_t si;
  OK(waitid((idtype_t)P_PIDFD, fd, &si, WEXITED));
  EQ(p, si.si_pid);
  EQ(44, si.si_status);
  FAILS(ECHILD, waitid((idtype_t)P_PIDFD, fd, &si, WEXITED));
  close(fd);
  FAILS(EBADF, waitid((idtype_t)P_PIDFD, fd, &si, WEXITED));
}

int main(void) {
  arguments();
  nohang();
  nowait();
  stops();
  groups();
  usage();
  sigchld();
  by_pidfd();
  DONE();
}
