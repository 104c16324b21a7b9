/* man 2 timerfd_create. */
#include "test.h"
#include <poll.h>
#include <sys/timerfd.h>

static long long now_ns(clockid_t c) {
  struct timespec t;
  clock_gettime(c, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int main(void) {
  uint64_t n;
  struct itimerspec its = {{0, 0}, {0, 20000000}}, old;
  FAILS(EINVAL, timerfd_create(99, 0));
  FAILS(EINVAL, timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
  FAILS(EINVAL, timerfd_create(CLOCK_MONOTONIC, 1));
  int fd = OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
  FAILS(EAGAIN, read(fd, &n, 8));
  FAILS(EINVAL, read(fd, &n, 7));
  FAILS(EINVAL, write(fd, &n, 8));
  OK(timerfd_settime(fd, 0, &its, NULL));
  OK(timerfd_gettime(fd, &old));
  CHECK(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 20000000);
  struct pollfd p = {fd, POLLIN, 0};
  EQ(0, poll(&p, 1, 0));
  EQ(1, poll(&p, 1, 1000));
  EQ(POLLIN, p.revents);
  EQ(8, read(fd, &n, 8));
  EQ(1, n);
  EQ(0, poll(&p, 1, 0));
  OK(timerfd_gettime(fd, &old));
  EQ(0, old.it_value.tv_nsec);
  /* Periods add up. */
  its.it_interval.tv_nsec = its.it_value.tv_nsec = 5000000;
  OK(timerfd_settime(fd, 0, &its, NULL));
  usleep(52000);
  EQ(8, read(fd, &n, 8));
  CHECK(n >= 9);
  memset(&its, 0, sizeof its);
  OK(timerfd_settime(fd, 0, &its, &old));
  EQ(5000000, old.it_interval.tv_nsec);
  FAILS(EAGAIN, read(fd, &n, 8));
  /* Setting it again forgets expirations. */
  its.it_value.tv_nsec = 1;
  OK(timerfd_settime(fd, 0, &its, NULL));
  usleep(2000);
  memset(&its, 0, sizeof its);
  OK(timerfd_settime(fd, 0, &its, NULL));
  FAILS(EAGAIN, read(fd, &n, 8));
  close(fd);
  /* Blocking and absolute. */
  fd = OK(timerfd_create(CLOCK_REALTIME, 0));
  long long at = now_ns(CLOCK_REALTIME) + 30000000;
  its.it_value = (struct timespec){at / 1000000000, at % 1000000000};
  OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
  EQ(8, read(fd, &n, 8));
  CHECK(now_ns(CLOCK_REALTIME) >= at);
  its.it_value.tv_sec = 1;
  OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
  EQ(8, read(fd, &n, 8));
  EQ(1, n);
  FAILS(EINVAL, timerfd_settime(fd, 8, &its, NULL));
  its.it_value.tv_nsec = -1;
  FAILS(EINVAL, timerfd_settime(fd, 0, &its, NULL));
  FAILS(EFAULT, syscall(SYS_timerfd_settime, fd, 0, BAD, NULL));
  FAILS(EFAULT, syscall(SYS_timerfd_gettime, fd, BAD));
  FAILS(EINVAL, timerfd_gettime(0, &old));
  FAILS(EBADF, timerfd_gettime(-1, &old));
  DONE();
}
