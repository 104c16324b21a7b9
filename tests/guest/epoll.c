/* The epoll calls. */
#include "tmpdir.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int ctl(int ep, int op, int fd, uint32_t events) {
  struct epoll_event e = {.events = events, .data.u64 = 0x1234567800000000ull | (uint32_t)fd};
  return epoll_ctl(ep, op, fd, &e);
}

static void levels(void) {
  int ep = OK(epoll_create1(EPOLL_CLOEXEC)), p[2];
  EQ(FD_CLOEXEC, fcntl(ep, F_GETFD));
  OK(pipe(p));
  struct epoll_event ev[4];
  OK(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN));
  FAILS(EEXIST, ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN));
  EQ(0, epoll_wait(ep, ev, 4, 0));
  EQ(1, write(p[1], "x", 1));
  EQ(1, epoll_wait(ep, ev, 4, -1));
  EQ(EPOLLIN, ev[0].events);
  EQ(0x1234567800000000ull | p[0], ev[0].data.u64);
  EQ(1, epoll_wait(ep, ev, 4, 0));
  char c;
  EQ(1, read(p[0], &c, 1));
  EQ(0, epoll_wait(ep, ev, 4, 0));
  OK(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT));
  EQ(1, epoll_wait(ep, ev, 4, 0));
  EQ(EPOLLOUT, ev[0].events);
  OK(ctl(ep, EPOLL_CTL_MOD, p[1], 0));
  EQ(0, epoll_wait(ep, ev, 4, 0));
  OK(ctl(ep, EPOLL_CTL_DEL, p[1], 0));
  FAILS(ENOENT, ctl(ep, EPOLL_CTL_DEL, p[1], 0));
  FAILS(ENOENT, ctl(ep, EPOLL_CTL_MOD, p[1], 0));
  OK(close(p[1]));
  EQ(1, epoll_wait(ep, ev, 4, 0));
  EQ(EPOLLHUP, ev[0].events);
  OK(close(p[0]));
  EQ(0, epoll_wait(ep, ev, 4, 0));
  OK(close(ep));
}

static void edges(void) {
  int ep = OK(epoll_create1(0)), p[2];
  OK(pipe(p));
  struct epoll_event ev[4];
  OK(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET));
  EQ(1, write(p[1], "x", 1));
  EQ(1, epoll_wait(ep, ev, 4, 0));
  EQ(0, epoll_wait(ep, ev, 4, 0));
  EQ(1, write(p[1], "x", 1));
  EQ(1, epoll_wait(ep, ev, 4, 0));
  EQ(0, epoll_wait(ep, ev, 4, 0));
  OK(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET));
  EQ(1, epoll_wait(ep, ev, 4, 0));
  OK(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
  EQ(1, epoll_wait(ep, ev, 4, 0));
  EQ(0, epoll_wait(ep, ev, 4, 0));
  EQ(1, write(p[1], "x", 1));
  EQ(0, epoll_wait(ep, ev, 4, 0));
  OK(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
  EQ(1, epoll_wait(ep, ev, 4, 0));
  OK(close(p[0]));
  OK(close(p[1]));
  OK(close(ep));
}

static void errors(void) {
  int ep = OK(epoll_create1(0)), p[2];
  OK(pipe(p));
  struct epoll_event ev[4];
  FAILS(EINVAL, epoll_create(0));
  FAILS(EINVAL, epoll_create1(1));
  FAILS(EBADF, ctl(ep, EPOLL_CTL_ADD, 999, EPOLLIN));
  FAILS(EBADF, ctl(999, EPOLL_CTL_ADD, p[0], EPOLLIN));
  FAILS(EINVAL, ctl(p[0], EPOLL_CTL_ADD, p[1], EPOLLIN));
  FAILS(EINVAL, ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN));
  FAILS(EINVAL, ctl(ep, 9, p[0], EPOLLIN));
  FAILS(EFAULT, epoll_ctl(ep, EPOLL_CTL_ADD, p[0], BAD));
  int f = OK(open("f", O_RDWR | O_CREAT, 0600));
  FAILS(EPERM, ctl(ep, EPOLL_CTL_ADD, f, EPOLLIN));
  OK(close(f));
  f = OK(open(".", O_RDONLY));
  FAILS(EPERM, ctl(ep, EPOLL_CTL_ADD, f, EPOLLIN));
  OK(close(f));
  FAILS(EINVAL, epoll_wait(ep, ev, 0, 0));
  FAILS(EINVAL, epoll_wait(ep, ev, -1, 0));
  FAILS(EINVAL, epoll_wait(p[0], ev, 1, 0));
  FAILS(EBADF, epoll_wait(999, ev, 1, 0));
  OK(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT));
  FAILS(EFAULT, epoll_wait(ep, BAD, 1, 0));
  OK(close(p[0]));
  OK(close(p[1]));
  OK(close(ep));
}

static void nested(void) {
  int a = OK(epoll_create1(0)), b = OK(epoll_create1(0)), e = OK(eventfd(0, 0));
  struct epoll_event ev[4];
  OK(ctl(a, EPOLL_CTL_ADD, b, EPOLLIN));
  FAILS(ELOOP, ctl(b, EPOLL_CTL_ADD, a, EPOLLIN));
  OK(ctl(b, EPOLL_CTL_ADD, e, EPOLLIN));
  EQ(0, epoll_wait(a, ev, 4, 0));
  uint64_t one = 1;
  EQ(8, write(e, &one, 8));
  EQ(1, epoll_wait(a, ev, 4, 0));
  EQ((uint32_t)b, ev[0].data.u32);
  EQ(1, epoll_wait(b, ev, 4, 0));
  EQ(8, read(e, &one, 8));
  EQ(0, epoll_wait(a, ev, 4, 0));
  int last = OK(epoll_create1(0)), depth = 1, n = 0;
  int all[10];
  for (; n < 10; n++, depth++) {
    all[n] = OK(epoll_create1(0));
    if (ctl(all[n], EPOLL_CTL_ADD, n ? all[n - 1] : last, EPOLLIN) != 0) {
      EQ(ELOOP, errno);
      break;
    }
  }
  CHECK(n < 10);
  OK(close(a));
  OK(close(b));
  OK(close(e));
}

static void *poke(void *arg) {
  uint64_t one = 1;
  usleep(20000);
  EQ(8, write(*(int *)arg, &one, 8));
  return NULL;
}

static void waiting(void) {
  int ep = OK(epoll_create1(0)), e = OK(eventfd(0, 0));
  struct epoll_event ev[4];
  OK(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN));
  pthread_t t;
  pthread_create(&t, NULL, poke, &e);
  EQ(1, epoll_wait(ep, ev, 4, 5000));
  pthread_join(t, NULL);
  uint64_t v;
  EQ(8, read(e, &v, 8));
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  EQ(0, epoll_wait(ep, ev, 4, 50));
  clock_gettime(CLOCK_MONOTONIC, &b);
  long ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
  CHECK(ms >= 49 && ms < 2000);
  /* A file that is gone from all descriptors is gone from the instance. */
  int d = OK(dup(e));
  OK(close(e));
  uint64_t one = 1;
  EQ(8, write(d, &one, 8));
  EQ(1, epoll_wait(ep, ev, 4, 0));
  OK(close(d));
  EQ(0, epoll_wait(ep, ev, 4, 0));
  OK(close(ep));
}

static volatile sig_atomic_t got;
static void on_usr1(int s) { (void)s, got++; }

static void signals(void) {
  int ep = OK(epoll_create1(0));
  struct epoll_event ev[1];
  struct sigaction sa = {.sa_handler = on_usr1, .sa_flags = SA_RESTART};
  OK(sigaction(SIGUSR1, &sa, NULL));
  OK(sigaction(SIGALRM, &sa, NULL));
  sigset_t blocked, none;
  sigemptyset(&none);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  OK(sigprocmask(SIG_BLOCK, &blocked, NULL));
  raise(SIGUSR1);
  EQ(0, got);
  FAILS(EINTR, epoll_pwait(ep, ev, 1, 5000, &none));
  EQ(1, got);
  sigset_t now;
  OK(sigprocmask(SIG_SETMASK, NULL, &now));
  EQ(1, sigismember(&now, SIGUSR1));
  OK(sigprocmask(SIG_UNBLOCK, &blocked, NULL));
  alarm(1);
  FAILS(EINTR, epoll_wait(ep, ev, 1, 5000));
  FAILS(EINVAL, syscall(SYS_epoll_pwait, ep, ev, 1, 0, &none, 3));
  FAILS(EFAULT, syscall(SYS_epoll_pwait, ep, ev, 1, 0, BAD, 8));
  OK(close(ep));
}

int main(void) {
  tmpdir_enter();
  levels();
  edges();
  errors();
  nested();
  waiting();
  signals();
  tmpdir_leave();
  DONE();
}
