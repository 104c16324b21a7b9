/* man 2 settimeofday, clock_settime, adjtimex: what is refused. Nothing here changes a clock: who could is asked only
 * with arguments that cannot be, and what could be is asked by a user. Runs as root. */
#include "test.h"
#include <sys/time.h>
#include <sys/timex.h>

static void invalid(void) {
  struct timeval tv = {0, -1}, tv2 = {0, 2000000}, old = {-1, 0};
  FAILS(EINVAL, settimeofday(&tv, NULL));
  FAILS(EINVAL, settimeofday(&tv2, NULL));
  FAILS(EINVAL, settimeofday(&old, NULL));
  FAILS(EFAULT, syscall(SYS_settimeofday, BAD, NULL));
  FAILS(EFAULT, syscall(SYS_settimeofday, NULL, BAD));
  EQ(0, syscall(SYS_settimeofday, NULL, NULL));
  struct timezone tz = {20 * 60, 0};
  FAILS(EINVAL, syscall(SYS_settimeofday, NULL, &tz));

  struct timespec ts = {0, -1}, ts2 = {0, 1000000000}, neg = {-1, 0}, now;
  FAILS(EINVAL, clock_settime(CLOCK_REALTIME, &ts));
  FAILS(EINVAL, clock_settime(CLOCK_REALTIME, &ts2));
  FAILS(EINVAL, clock_settime(CLOCK_REALTIME, &neg));
  FAILS(EFAULT, syscall(SYS_clock_settime, CLOCK_REALTIME, BAD));
  clock_gettime(CLOCK_MONOTONIC, &now);
  FAILS(EINVAL, clock_settime(CLOCK_MONOTONIC, &now));
  FAILS(EINVAL, clock_settime(CLOCK_BOOTTIME, &now));
  FAILS(EINVAL, clock_settime(99, &now));

  struct timex tx = {.modes = ADJ_TICK, .tick = 1};
  FAILS(EINVAL, adjtimex(&tx));
  FAILS(EFAULT, syscall(SYS_adjtimex, BAD));
  FAILS(EFAULT, syscall(SYS_clock_adjtime, CLOCK_REALTIME, BAD));
  tx.modes = 0;
  FAILS(EINVAL, clock_adjtime(99, &tx));
  FAILS(EOPNOTSUPP, clock_adjtime(CLOCK_MONOTONIC, &tx));
  FAILS(EOPNOTSUPP, clock_adjtime(CLOCK_BOOTTIME, &tx));
  FAILS(EOPNOTSUPP, clock_adjtime(CLOCK_PROCESS_CPUTIME_ID, &tx));
}

static void reading(void) {
  struct timex tx = {.modes = 0}, ty = {.modes = 0};
  struct timespec before, after;
  clock_gettime(CLOCK_REALTIME, &before);
  long state = OK(adjtimex(&tx));
  clock_gettime(CLOCK_REALTIME, &after);
  CHECK(state >= TIME_OK && state <= TIME_ERROR);
  CHECK(tx.tick > 9000 && tx.tick < 11000);
  CHECK(tx.time.tv_sec >= before.tv_sec && tx.time.tv_sec <= after.tv_sec);
  EQ(state, OK(clock_adjtime(CLOCK_REALTIME, &ty)));
  EQ(tx.tick, ty.tick);
  EQ(tx.status, ty.status);
  tx.modes = ADJ_OFFSET_SS_READ;
  OK(adjtimex(&tx));
}

static void as_user(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    int before = failures;
    if (setgid(1234) || setuid(1234)) _exit(1);
    struct timeval tv, bad = {0, -1};
    gettimeofday(&tv, NULL);
    FAILS(EPERM, settimeofday(&tv, NULL));
    FAILS(EINVAL, settimeofday(&bad, NULL));
    struct timespec ts, ts2 = {0, -1};
    clock_gettime(CLOCK_REALTIME, &ts);
    FAILS(EPERM, clock_settime(CLOCK_REALTIME, &ts));
    FAILS(EINVAL, clock_settime(CLOCK_MONOTONIC, &ts));
    CHECK(clock_settime(CLOCK_REALTIME, &ts2) == -1);
    struct timex tx = {.modes = ADJ_TICK, .tick = 10000};
    FAILS(EPERM, adjtimex(&tx));
    tx.modes = ADJ_OFFSET_SINGLESHOT;
    FAILS(EPERM, clock_adjtime(CLOCK_REALTIME, &tx));
    tx.modes = 0;
    OK(adjtimex(&tx));
    OK(clock_adjtime(CLOCK_REALTIME, &tx));
    _exit(failures != before);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
}

int main(void) {
  invalid();
  reading();
  as_user();
  DONE();
}
