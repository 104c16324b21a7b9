/* man 2 setitimer, man 2 alarm, RLIMIT_CPU of man 2 setrlimit. */
#include "test.h"
#include <sys/resource.h>
#include <sys/time.h>

static volatile int count;
static void handler(int sig) {
  (void)sig;
  count++;
}

static void spin_until(int n) {
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  do clock_gettime(CLOCK_MONOTONIC, &b);
  while (count < n && b.tv_sec - a.tv_sec < 5);
}

static void real(void) {
  struct itimerval it = {{0, 10000}, {0, 10000}}, old;
  signal(SIGALRM, handler);
  OK(setitimer(ITIMER_REAL, &it, NULL));
  while (count < 5) pause();
  OK(getitimer(ITIMER_REAL, &old));
  EQ(10000, old.it_interval.tv_usec);
  CHECK(old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 10000);
  memset(&it, 0, sizeof it);
  OK(setitimer(ITIMER_REAL, &it, &old));
  EQ(10000, old.it_interval.tv_usec);
  count = 0;
  usleep(30000);
  EQ(0, count);
}

static void cpu(int which, int sig) {
  struct itimerval it = {{0, 10000}, {0, 10000}};
  signal(sig, handler);
  count = 0;
  OK(setitimer(which, &it, NULL));
  spin_until(3);
  CHECK(count >= 3);
  memset(&it, 0, sizeof it);
  OK(setitimer(which, &it, NULL));
}

static void alarms(void) {
  EQ(0, alarm(100));
  unsigned left = alarm(1);
  CHECK(left == 100 || left == 99);
  count = 0;
  signal(SIGALRM, handler);
  while (!count) pause();
  EQ(0, alarm(0));
  pid_t p = OK(fork());
  if (p == 0) {
    struct itimerval it;
    getitimer(ITIMER_REAL, &it);
    _exit(it.it_value.tv_sec || it.it_value.tv_usec);
  }
  int st;
  EQ(p, waitpid(p, &st, 0));
  EQ(0, st);
}

static void errors(void) {
  struct itimerval it = {{0, 0}, {0, 1000000}};
  FAILS(EINVAL, setitimer(ITIMER_REAL, &it, NULL));
  FAILS(EINVAL, syscall(SYS_setitimer, 7, &it, NULL));
  FAILS(EINVAL, syscall(SYS_getitimer, 7, &it));
  FAILS(EFAULT, syscall(SYS_setitimer, ITIMER_REAL, BAD, NULL));
  FAILS(EFAULT, syscall(SYS_getitimer, ITIMER_REAL, BAD));
}

static void limit(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    struct rlimit rl = {1, 2};
    signal(SIGXCPU, handler);
    setrlimit(RLIMIT_CPU, &rl);
    count = 0;
    for (;;) {
      if (count) {
        signal(SIGXCPU, SIG_DFL);
        rl.rlim_cur = rl.rlim_max = 1;
        setrlimit(RLIMIT_CPU, &rl);
      }
    }
  }
  int st;
  EQ(p, waitpid(p, &st, 0));
  CHECK(WIFSIGNALED(st) && (WTERMSIG(st) == SIGKILL || WTERMSIG(st) == SIGXCPU));
}

int main(void) {
  real();
  cpu(ITIMER_VIRTUAL, SIGVTALRM);
  cpu(ITIMER_PROF, SIGPROF);
  alarms();
  errors();
  limit();
  DONE();
}
