/* man 2 signalfd. */
#include "test.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

int main(void) {
  sigset_t set;
  struct signalfd_siginfo si[4];
  sigemptyset(&set);
  FAILS(EINVAL, signalfd(-1, &set, 1));
  FAILS(EINVAL, syscall(SYS_signalfd4, -1, &set, 4, 0));
  FAILS(EFAULT, syscall(SYS_signalfd4, -1, BAD, 8, 0));
  FAILS(EBADF, signalfd(99, &set, 0));
  FAILS(EINVAL, signalfd(0, &set, 0));
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGRTMIN);
  OK(sigprocmask(SIG_BLOCK, &set, NULL));
  sigaddset(&set, SIGKILL);
  int fd = OK(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  FAILS(EAGAIN, read(fd, si, sizeof si));
  FAILS(EINVAL, read(fd, si, 100));
  struct pollfd p = {fd, POLLIN, 0};
  EQ(0, poll(&p, 1, 0));
  OK(kill(getpid(), SIGUSR1));
  OK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5}));
  OK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 6}));
  EQ(1, poll(&p, 1, 0));
  EQ(3 * sizeof *si, read(fd, si, sizeof si));
  EQ(SIGUSR1, si[0].ssi_signo);
  EQ(SI_USER, si[0].ssi_code);
  EQ(getpid(), si[0].ssi_pid);
  EQ(SIGRTMIN, si[1].ssi_signo);
  EQ(5, si[1].ssi_int);
  EQ(6, si[2].ssi_int);
  FAILS(EAGAIN, read(fd, si, sizeof si));
  pid_t c = OK(fork());
  if (c == 0) {
    usleep(30000);
    _exit(9);
  }
  EQ(1, poll(&p, 1, 2000));
  EQ(sizeof *si, read(fd, si, sizeof si));
  EQ(SIGCHLD, si[0].ssi_signo);
  EQ(c, si[0].ssi_pid);
  EQ(9, si[0].ssi_status);
  EQ(CLD_EXITED, si[0].ssi_code);
  EQ(c, waitpid(c, NULL, 0));
  int ep = OK(epoll_create1(0));
  struct epoll_event ev = {EPOLLIN, {0}};
  OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
  EQ(0, epoll_wait(ep, &ev, 1, 0));
  OK(kill(getpid(), SIGUSR1));
  EQ(1, epoll_wait(ep, &ev, 1, 1000));
  EQ(sizeof *si, read(fd, si, sizeof si));
  /* Another set for the same descriptor. */
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  EQ(fd, signalfd(fd, &set, 0));
  OK(kill(getpid(), SIGUSR1));
  FAILS(EAGAIN, read(fd, si, sizeof si));
  signal(SIGUSR1, SIG_IGN);
  /* Blocking. */
  int fd2 = OK(signalfd(-1, &set, 0));
  pid_t self = getpid();
  c = OK(fork());
  if (c == 0) {
    usleep(30000);
    sigqueue(self, SIGRTMIN, (union sigval){.sival_int = 8});
    _exit(0);
  }
  EQ(sizeof *si, read(fd2, si, sizeof si));
  EQ(8, si[0].ssi_int);
  EQ(c, waitpid(c, NULL, 0));
  DONE();
}
