/* Clocks, sleeping, POSIX timers: man 2 clock_gettime, man 2 clock_nanosleep, man 2 timer_create. */
#include "test.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/times.h>

static long long now_ns(clockid_t c) {
  struct timespec t;
  OK(clock_gettime(c, &t));
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void clocks(void) {
  clockid_t ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
                     CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI};
  struct timespec t;
  for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++) {
    OK(syscall(SYS_clock_gettime, ids[i], &t));
    CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    OK(clock_getres(ids[i], &t));
    CHECK(t.tv_sec == 0 && t.tv_nsec >= 1);
    FAILS(EFAULT, syscall(SYS_clock_gettime, ids[i], BAD));
  }
  OK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
  FAILS(EINVAL, syscall(SYS_clock_gettime, 99, &t));
  FAILS(EINVAL, syscall(SYS_clock_gettime, -99, &t));
  FAILS(EINVAL, syscall(SYS_clock_settime, CLOCK_MONOTONIC, &t));
  long long a = now_ns(CLOCK_MONOTONIC);
  for (int i = 0; i < 1000; i++) {
    long long b = now_ns(CLOCK_MONOTONIC);
    CHECK(b >= a);
    a = b;
  }
  /* The system call and the vDSO tell the same time. */
  for (int i = 0; i < 100; i++) {
    struct timespec k;
    long long before = now_ns(CLOCK_MONOTONIC);
    OK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &k));
    long long after = now_ns(CLOCK_MONOTONIC), kernel = k.tv_sec * 1000000000ll + k.tv_nsec;
    CHECK(before <= kernel && kernel <= after);
  }
  struct timeval tv;
  OK(gettimeofday(&tv, NULL));
  CHECK(llabs(tv.tv_sec - (long long)time(NULL)) <= 1);
  FAILS(EFAULT, syscall(SYS_gettimeofday, BAD, NULL));
  FAILS(EFAULT, syscall(SYS_time, BAD));
  struct tms tms;
  CHECK(times(&tms) > 0);
  FAILS(EFAULT, syscall(SYS_times, BAD));
  clockid_t of;
  EQ(0, clock_getcpuclockid(0, &of));
  OK(clock_gettime(of, &t));
  EQ(0, pthread_getcpuclockid(pthread_self(), &of));
  OK(clock_gettime(of, &t));
  struct timex tx = {0};
  CHECK(adjtimex(&tx) >= 0);
}

static void spin(int ms) {
  long long end = now_ns(CLOCK_MONOTONIC) + ms * 1000000ll;
  while (now_ns(CLOCK_MONOTONIC) < end)
    ;
}

static void cpu_time(void) {
  long long a = now_ns(CLOCK_PROCESS_CPUTIME_ID), b = now_ns(CLOCK_THREAD_CPUTIME_ID);
  spin(50);
  CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) - a >= 10000000);
  CHECK(now_ns(CLOCK_THREAD_CPUTIME_ID) - b >= 10000000);
  a = now_ns(CLOCK_PROCESS_CPUTIME_ID);
  usleep(50000);
  CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) - a < 40000000);
  struct rusage ru;
  OK(getrusage(RUSAGE_SELF, &ru));
  CHECK(ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec + ru.ru_stime.tv_sec * 1000000 + ru.ru_stime.tv_usec > 10000);
  OK(getrusage(RUSAGE_THREAD, &ru));
  FAILS(EINVAL, getrusage((enum __rusage_who)7, &ru));
  FAILS(EFAULT, syscall(SYS_getrusage, RUSAGE_SELF, BAD));
}

static void sleeping(void) {
  struct timespec t = {0, 30000000}, bad = {0, 1000000000}, neg = {-1, 0};
  long long a = now_ns(CLOCK_MONOTONIC);
  OK(nanosleep(&t, NULL));
  CHECK(now_ns(CLOCK_MONOTONIC) - a >= 30000000);
  FAILS(EINVAL, nanosleep(&bad, NULL));
  FAILS(EINVAL, nanosleep(&neg, NULL));
  FAILS(EFAULT, syscall(SYS_nanosleep, BAD, NULL));
  a = now_ns(CLOCK_REALTIME) + 30000000;
  t = (struct timespec){a / 1000000000, a % 1000000000};
  EQ(0, clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
  CHECK(now_ns(CLOCK_REALTIME) >= a);
  t = (struct timespec){1, 0};
  EQ(0, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
  EQ(EINVAL, clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
  EQ(EINVAL, clock_nanosleep(99, 0, &t, NULL));
}

static volatile int count, overruns, value;
static void on_timer(int sig, siginfo_t *si, void *uc) {
  (void)sig;
  (void)uc;
  count++;
  overruns += si->si_overrun;
  value = si->si_value.sival_int;
  if (si->si_code != SI_TIMER) failures++;
}

static void posix_timers(void) {
  struct sigaction sa = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
  OK(sigaction(SIGRTMIN, &sa, NULL));
  struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 55};
  timer_t id;
  OK(timer_create(CLOCK_MONOTONIC, &ev, &id));
  struct itimerspec its = {{0, 0}, {0, 20000000}}, old;
  OK(timer_settime(id, 0, &its, NULL));
  OK(timer_gettime(id, &old));
  CHECK(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 20000000);
  while (!count) pause();
  EQ(1, count);
  EQ(55, value);
  OK(timer_gettime(id, &old));
  EQ(0, old.it_value.tv_nsec);
  /* Periodic, blocked for some periods: one signal, with what was missed. */
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  its.it_value.tv_nsec = its.it_interval.tv_nsec = 5000000;
  count = overruns = 0;
  OK(sigprocmask(SIG_BLOCK, &set, NULL));
  OK(timer_settime(id, 0, &its, NULL));
  usleep(60000);
  OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
  CHECK(count >= 1 && overruns >= 5);
  CHECK(timer_getoverrun(id) >= 0);
  its.it_value.tv_nsec = 0;
  OK(timer_settime(id, 0, &its, &old));
  EQ(5000000, old.it_interval.tv_nsec);
  OK(timer_delete(id));
  FAILS(EINVAL, timer_delete(id));
  FAILS(EINVAL, timer_gettime(id, &old));
  /* Absolute. */
  OK(timer_create(CLOCK_REALTIME, &ev, &id));
  long long at = now_ns(CLOCK_REALTIME) + 20000000;
  its = (struct itimerspec){{0, 0}, {at / 1000000000, at % 1000000000}};
  count = 0;
  OK(timer_settime(id, TIMER_ABSTIME, &its, NULL));
  while (!count) pause();
  CHECK(now_ns(CLOCK_REALTIME) >= at);
  OK(timer_delete(id));
  /* On CPU time. */
  OK(timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &id));
  its = (struct itimerspec){{0, 0}, {0, 20000000}};
  count = 0;
  OK(timer_settime(id, 0, &its, NULL));
  usleep(40000);
  EQ(0, count);
  spin(200);
  EQ(1, count);
  OK(timer_delete(id));
  /* To a thread, and to nobody. */
  ev.sigev_notify = SIGEV_THREAD_ID;
  ev._sigev_un._tid = getpid();
  OK(timer_create(CLOCK_MONOTONIC, &ev, &id));
  OK(timer_delete(id));
  ev._sigev_un._tid = 29999;
  FAILS(EINVAL, timer_create(CLOCK_MONOTONIC, &ev, &id));
  ev.sigev_notify = SIGEV_NONE;
  OK(timer_create(CLOCK_MONOTONIC, &ev, &id));
  OK(timer_delete(id));
  ev.sigev_notify = 77;
  FAILS(EINVAL, syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
  ev.sigev_notify = SIGEV_SIGNAL;
  ev.sigev_signo = 99;
  FAILS(EINVAL, syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
  FAILS(EINVAL, syscall(SYS_timer_create, 99, NULL, &id));
  FAILS(EFAULT, syscall(SYS_timer_create, CLOCK_MONOTONIC, BAD, &id));
  FAILS(EFAULT, syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, BAD));
}

int main(void) {
  clocks();
  cpu_time();
  sleeping();
  posix_timers();
  DONE();
}
