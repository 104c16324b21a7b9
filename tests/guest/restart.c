/* Interrupted calls: man 7 signal, "Interruption of system calls and library functions by signal handlers". */
#include "test.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/time.h>

static volatile int count;
static void on_alarm(int sig) {
  (void)sig;
  count++;
}

static void arm(int flags) {
  struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = flags};
  OK(sigaction(SIGALRM, &sa, NULL));
  struct itimerval it = {.it_value = {0, 30000}};
  count = 0;
  OK(setitimer(ITIMER_REAL, &it, NULL));
}

static int fds[2];

/* Writes a byte in 120 ms. */
static pid_t writer(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    usleep(120000);
    if (write(fds[1], "x", 1) != 1) _exit(1);
    _exit(0);
  }
  return p;
}

static void reading(void) {
  char c;
  arm(0);
  FAILS(EINTR, read(fds[0], &c, 1));
  EQ(1, count);
  pid_t p = writer();
  arm(SA_RESTART);
  EQ(1, read(fds[0], &c, 1));
  EQ(1, count);
  EQ(p, waitpid(p, NULL, 0));
}

static void waiting(void) {
  pid_t p = writer();
  arm(0);
  FAILS(EINTR, waitpid(p, NULL, 0));
  arm(SA_RESTART);
  EQ(p, waitpid(p, NULL, 0));
  EQ(1, count);
  char c;
  EQ(1, read(fds[0], &c, 1));
}

static void never_restarted(void) {
  struct pollfd pfd = {fds[0], POLLIN, 0};
  arm(SA_RESTART);
  FAILS(EINTR, poll(&pfd, 1, 1000));
  arm(SA_RESTART);
  FAILS(EINTR, pause());
  int ep = OK(epoll_create1(0));
  struct epoll_event ev = {EPOLLIN, {0}};
  OK(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev));
  arm(SA_RESTART);
  FAILS(EINTR, epoll_wait(ep, &ev, 1, 1000));
  arm(SA_RESTART);
  struct timespec ts = {1, 0}, rem = {0, 0};
  FAILS(EINTR, nanosleep(&ts, &rem));
  CHECK(rem.tv_sec == 0 && rem.tv_nsec > 500000000);
  close(ep);
}

static void futex_wait(void) {
  int word = 0;
  arm(0);
  FAILS(EINTR, syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0));
  struct timespec ts = {0, 100000000};
  arm(SA_RESTART);
  FAILS(EINTR, syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts, NULL, 0));
}

/* A stop and a continuation are not seen by a sleeper that has no handler. */
static void stop_is_invisible(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    struct timespec ts = {0, 200000000}, a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    if (nanosleep(&ts, NULL)) _exit(1);
    clock_gettime(CLOCK_MONOTONIC, &b);
    long ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    char c;
    if (ms < 199) _exit(2);
    _exit(read(fds[0], &c, 1) == 1 ? 0 : 3);
  }
  for (int i = 0; i < 6; i++) {
    usleep(50000);
    kill(p, SIGSTOP);
    EQ(p, waitpid(p, NULL, WUNTRACED));
    kill(p, SIGCONT);
  }
  EQ(1, write(fds[1], "y", 1));
  int st;
  EQ(p, waitpid(p, &st, 0));
  EQ(0, st);
}

static void ignored_does_not_interrupt(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    signal(SIGUSR1, SIG_IGN);
    struct pollfd pfd = {fds[0], POLLIN, 0};
    _exit(poll(&pfd, 1, 200) == 0 ? 0 : 1);
  }
  usleep(50000);
  kill(p, SIGUSR1);
  kill(p, SIGCHLD);
  int st;
  EQ(p, waitpid(p, &st, 0));
  EQ(0, st);
}

int main(void) {
  OK(pipe(fds));
  reading();
  waiting();
  never_restarted();
  futex_wait();
  stop_is_invisible();
  ignored_does_not_interrupt();
  DONE();
}
