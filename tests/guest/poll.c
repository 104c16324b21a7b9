/* poll(2), ppoll(2), select(2), pselect(2). */
#include "tmpdir.h"
#include <poll.h>
#include <sys/select.h>

static long ms_since(struct timespec *a) {
  struct timespec b;
  clock_gettime(CLOCK_MONOTONIC, &b);
  return (b.tv_sec - a->tv_sec) * 1000 + (b.tv_nsec - a->tv_nsec) / 1000000;
}

static volatile sig_atomic_t got;
static void on_signal(int s) { (void)s, got++; }

static void polls(void) {
  int p[2];
  struct timespec t;
  OK(pipe(p));
  struct pollfd f[4] = {{p[0], POLLIN, 9}, {-5, POLLIN, 9}, {999, POLLIN, 9}, {p[1], 0, 9}};
  EQ(1, poll(f, 4, -1));
  EQ(0, f[0].revents);
  EQ(0, f[1].revents);
  EQ(POLLNVAL, f[2].revents);
  EQ(0, f[3].revents);
  clock_gettime(CLOCK_MONOTONIC, &t);
  EQ(0, poll(f, 1, 30));
  CHECK(ms_since(&t) >= 29);
  EQ(0, poll(NULL, 0, 1));
  int file = OK(open("f", O_RDWR | O_CREAT, 0600));
  struct pollfd r = {file, POLLIN | POLLOUT, 0};
  EQ(1, poll(&r, 1, -1));
  EQ(POLLIN | POLLOUT, r.revents);
  FAILS(EFAULT, poll(BAD, 1, 0));
  FAILS(EINVAL, poll(f, -1, 0));
  OK(close(file));
  pid_t pid = fork();
  if (pid == 0) {
    usleep(20000);
    _exit(write(p[1], "x", 1) != 1);
  }
  EQ(1, poll(f, 1, 5000));
  EQ(POLLIN, f[0].revents);
  OK(waitpid(pid, NULL, 0));
  OK(close(p[0]));
  OK(close(p[1]));
}

static void ppolls(void) {
  struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  OK(sigaction(SIGUSR1, &sa, NULL));
  OK(sigaction(SIGALRM, &sa, NULL));
  sigset_t blocked, none;
  sigemptyset(&none);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  OK(sigprocmask(SIG_BLOCK, &blocked, NULL));
  raise(SIGUSR1);
  EQ(0, got);
  struct timespec ts = {5, 0};
  FAILS(EINTR, ppoll(NULL, 0, &ts, &none));
  EQ(1, got);
  OK(sigprocmask(SIG_UNBLOCK, &blocked, NULL));
  alarm(1);
  FAILS(EINTR, poll(NULL, 0, 5000));
  struct timespec bad = {0, 1000000000};
  FAILS(EINVAL, ppoll(NULL, 0, &bad, NULL));
  FAILS(EFAULT, syscall(SYS_ppoll, NULL, 0, BAD, NULL, 8));
  FAILS(EFAULT, syscall(SYS_ppoll, NULL, 0, NULL, BAD, 8));
  struct timespec left = {0, 20000000};
  EQ(0, syscall(SYS_ppoll, NULL, 0, &left, NULL, 8));
  EQ(0, left.tv_sec + left.tv_nsec);
}

static void selects(void) {
  int p[2];
  OK(pipe(p));
  fd_set r, w, e;
  FD_ZERO(&r);
  FD_ZERO(&w);
  FD_ZERO(&e);
  FD_SET(p[0], &r);
  FD_SET(p[1], &w);
  FD_SET(p[0], &e);
  EQ(1, select(p[1] + 1, &r, &w, &e, NULL));
  CHECK(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w) && !FD_ISSET(p[0], &e));
  EQ(1, write(p[1], "x", 1));
  FD_SET(p[0], &r);
  EQ(2, select(p[1] + 1, &r, &w, NULL, NULL));
  struct timeval tv = {0, 30000};
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  EQ(0, select(0, NULL, NULL, NULL, &tv));
  CHECK(ms_since(&t) >= 29);
  EQ(0, tv.tv_sec + tv.tv_usec);
  FD_ZERO(&r);
  FD_SET(200, &r);
  EQ(200, dup2(0, 200)); /* Linux looks at no more descriptors than its table has had room for */
  close(200);
  FAILS(EBADF, select(201, &r, NULL, NULL, &tv));
  FAILS(EINVAL, select(-1, NULL, NULL, NULL, &tv));
  FAILS(EFAULT, select(10, BAD, NULL, NULL, &tv));
  FAILS(EFAULT, syscall(SYS_select, 0, NULL, NULL, NULL, BAD));
  tv.tv_sec = -1;
  FAILS(EINVAL, select(0, NULL, NULL, NULL, &tv));
  OK(close(p[1]));
  char c;
  EQ(1, read(p[0], &c, 1));
  FD_ZERO(&r);
  FD_SET(p[0], &r);
  EQ(1, select(p[0] + 1, &r, NULL, NULL, NULL));
  struct timespec ts = {0, 1000};
  EQ(0, pselect(0, NULL, NULL, NULL, &ts, NULL));
  alarm(1);
  FAILS(EINTR, select(0, NULL, NULL, NULL, NULL));
  OK(close(p[0]));
}

int main(void) {
  tmpdir_enter();
  polls();
  ppolls();
  selects();
  tmpdir_leave();
  DONE();
}
