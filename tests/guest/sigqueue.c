/* Real-time signals and waiting for signals: man 7 signal, man 3 sigqueue, man 2 sigtimedwait. */
#include "test.h"
#include <sys/resource.h>

static int order[64], n;
static void on_rt(int sig, siginfo_t *si, void *uc) {
  (void)uc;
  order[n++] = sig * 1000 + si->si_value.sival_int;
}

static void queued_in_order(void) {
  struct sigaction sa = {.sa_sigaction = on_rt, .sa_flags = SA_SIGINFO};
  sigset_t all, old;
  sigfillset(&all);
  /* The lowest number is delivered first; its handler keeps the others off. */
  sa.sa_mask = all;
  for (int i = 0; i < 3; i++) OK(sigaction(SIGRTMIN + i, &sa, NULL));
  OK(sigaction(SIGUSR1, &sa, NULL));
  OK(sigprocmask(SIG_BLOCK, &all, &old));
  for (int v = 0; v < 3; v++) {
    OK(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = v}));
    OK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = v}));
    OK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = v}));
  }
  OK(sigprocmask(SIG_SETMASK, &old, NULL));
  EQ(7, n);
  EQ(SIGUSR1 * 1000, order[0]);
  for (int v = 0; v < 3; v++) {
    EQ(SIGRTMIN * 1000 + v, order[1 + v]);
    EQ((SIGRTMIN + 2) * 1000 + v, order[4 + v]);
  }
}

static void timedwait(void) {
  sigset_t set;
  siginfo_t si;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigaddset(&set, SIGRTMIN + 5);
  OK(sigprocmask(SIG_BLOCK, &set, NULL));
  struct timespec zero = {0, 0}, some = {0, 20000000}, bad = {0, 1000000000};
  FAILS(EAGAIN, sigtimedwait(&set, &si, &zero));
  FAILS(EAGAIN, sigtimedwait(&set, &si, &some));
  FAILS(EINVAL, sigtimedwait(&set, &si, &bad));
  FAILS(EFAULT, syscall(SYS_rt_sigtimedwait, BAD, &si, &zero, 8));
  FAILS(EFAULT, syscall(SYS_rt_sigtimedwait, &set, &si, BAD, 8));
  FAILS(EINVAL, syscall(SYS_rt_sigtimedwait, &set, &si, &zero, 7));
  OK(sigqueue(getpid(), SIGRTMIN + 5, (union sigval){.sival_int = 77}));
  EQ(SIGRTMIN + 5, sigtimedwait(&set, &si, NULL));
  EQ(SI_QUEUE, si.si_code);
  EQ(77, si.si_value.sival_int);
  EQ(getpid(), si.si_pid);
  pid_t parent = getpid();
  pid_t p = OK(fork());
  if (p == 0) {
    usleep(20000);
    kill(parent, SIGUSR2);
    _exit(0);
  }
  EQ(SIGUSR2, sigwaitinfo(&set, &si));
  EQ(p, si.si_pid);
  EQ(p, waitpid(p, NULL, 0));
  FAILS(EAGAIN, sigtimedwait(&set, NULL, &zero));
}

static void forged(void) {
  siginfo_t si;
  memset(&si, 0, sizeof si);
  si.si_code = SI_USER;
  FAILS(EPERM, syscall(SYS_rt_sigqueueinfo, getppid(), SIGCONT, &si));
  si.si_code = SI_TKILL;
  FAILS(EPERM, syscall(SYS_rt_sigqueueinfo, getppid(), SIGCONT, &si));
  FAILS(EFAULT, syscall(SYS_rt_sigqueueinfo, getpid(), SIGCONT, BAD));
  si.si_code = SI_QUEUE;
  FAILS(EINVAL, syscall(SYS_rt_sigqueueinfo, getpid(), 65, &si));
  FAILS(EINVAL, syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGCONT, &si));
  OK(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGCONT, &si));
  /* Oneself may be told anything. */
  si.si_code = SI_KERNEL;
  OK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGCONT, &si));
}

static void limit(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    struct rlimit rl = {4, 4};
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (setresuid(23456, 23456, 23456)) _exit(3);
    if (setrlimit(RLIMIT_SIGPENDING, &rl)) _exit(4);
    int sent = 0;
    while (sent < 10 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0) sent++;
    if (errno != EAGAIN) _exit(5);
    /* Standard signals get through all the same. */
    if (kill(getpid(), SIGUSR1)) _exit(6);
    sigset_t pend;
    sigpending(&pend);
    _exit(sent == 4 && sigismember(&pend, SIGUSR1) ? 0 : 1);
  }
  int st;
  EQ(p, waitpid(p, &st, 0));
  EQ(0, st);
}

int main(void) {
  queued_in_order();
  timedwait();
  forged();
  limit();
  DONE();
}
