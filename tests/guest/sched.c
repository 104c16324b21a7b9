/* man 7 sched, man 2 getpriority, man 2 ioprio_set. Runs as root. */
#include "test.h"
#include <sys/resource.h>

static void policies(void) {
  struct sched_param p = {0};
  EQ(SCHED_OTHER, sched_getscheduler(0));
  OK(sched_getparam(0, &p));
  EQ(0, p.sched_priority);
  p.sched_priority = 5;
  FAILS(EINVAL, sched_setscheduler(0, SCHED_OTHER, &p));
  FAILS(EINVAL, sched_setscheduler(0, 99, &p));
  FAILS(EINVAL, sched_setscheduler(0, -1, &p));
  FAILS(EINVAL, syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, NULL));
  FAILS(EFAULT, syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, BAD));
  FAILS(ESRCH, sched_getscheduler(31111));
  FAILS(EINVAL, sched_getscheduler(-1));
  p.sched_priority = 0;
  OK(sched_setscheduler(0, SCHED_BATCH, &p));
  EQ(SCHED_BATCH, sched_getscheduler(0));
  OK(sched_setscheduler(0, SCHED_OTHER, &p));
  EQ(99, sched_get_priority_max(SCHED_FIFO));
  EQ(1, sched_get_priority_min(SCHED_RR));
  EQ(0, sched_get_priority_max(SCHED_OTHER));
  FAILS(EINVAL, sched_get_priority_max(77));
  struct timespec ts;
  OK(sched_rr_get_interval(0, &ts));
  OK(sched_yield());
}

static void affinity(void) {
  cpu_set_t all, one, now;
  OK(sched_getaffinity(0, sizeof all, &all));
  int cpu = 0;
  while (!CPU_ISSET(cpu, &all)) cpu++;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  OK(sched_setaffinity(0, sizeof one, &one));
  OK(sched_getaffinity(0, sizeof now, &now));
  CHECK(CPU_EQUAL(&one, &now));
  pid_t p = OK(fork());
  if (p == 0) {
    sched_getaffinity(0, sizeof now, &now);
    _exit(CPU_EQUAL(&one, &now) ? 0 : 1);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
  OK(sched_setaffinity(0, sizeof all, &all));
  CPU_ZERO(&one);
  FAILS(EINVAL, sched_setaffinity(0, sizeof one, &one));
  FAILS(EINVAL, syscall(SYS_sched_getaffinity, 0, 1, &now));
  FAILS(EFAULT, syscall(SYS_sched_getaffinity, 0, 128, BAD));
  FAILS(EFAULT, syscall(SYS_sched_setaffinity, 0, 128, BAD));
  unsigned c, n;
  OK(syscall(SYS_getcpu, &c, &n, NULL));
  FAILS(EFAULT, syscall(SYS_getcpu, BAD, NULL, NULL));
  CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
}

static void nice_values(void) {
  errno = 0;
  EQ(0, getpriority(PRIO_PROCESS, 0));
  OK(setpriority(PRIO_PROCESS, 0, 5));
  EQ(5, getpriority(PRIO_PROCESS, 0));
  EQ(20 - 5, syscall(SYS_getpriority, PRIO_PROCESS, 0));
  OK(setpriority(PRIO_PROCESS, 0, 100));
  EQ(19, getpriority(PRIO_PROCESS, 0));
  pid_t p = OK(fork());
  if (p == 0) {
    if (getpriority(PRIO_PROCESS, 0) != 19) _exit(1);
    if (setuid(1000)) _exit(2);
    _exit(setpriority(PRIO_PROCESS, 0, 0) == -1 && errno == EACCES ? 0 : 3);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
  OK(setpriority(PRIO_PROCESS, 0, 0));
  FAILS(EINVAL, setpriority((__priority_which_t)9, 0, 0));
  FAILS(ESRCH, setpriority(PRIO_PROCESS, 31111, 0));
}

static void io(void) {
  OK(syscall(SYS_ioprio_get, 1, 0));
  OK(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 4));
  EQ(2 << 13 | 4, syscall(SYS_ioprio_get, 1, 0));
  FAILS(EINVAL, syscall(SYS_ioprio_set, 1, 0, 5 << 13));
  FAILS(EINVAL, syscall(SYS_ioprio_set, 7, 0, 0));
}

int main(void) {
  policies();
  affinity();
  nice_values();
  io();
  DONE();
}
