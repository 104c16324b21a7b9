/* man 2 sched_setattr, sched_setparam: sizes, flags, policies, who may. Runs as root. */
#include "test.h"
#include <pthread.h>
#include <sys/resource.h>

struct attr {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t util_min, util_max;
};

#define RESET_ON_FORK 1
#define KEEP_POLICY 8
#define KEEP_PARAMS 16
#define VER0 48

static long set(int pid, struct attr *a, unsigned flags) { return syscall(SYS_sched_setattr, pid, a, flags); }
static long get(int pid, struct attr *a, unsigned size, unsigned flags) {
  return syscall(SYS_sched_getattr, pid, a, size, flags);
}

static void attributes(void) {
  struct attr a = {0}, b = {0};
  OK(get(0, &a, sizeof a, 0));
  CHECK(a.size >= VER0 && a.size <= sizeof a);
  EQ(SCHED_OTHER, a.policy);
  EQ(0, a.nice);
  EQ(0, a.priority);
  OK(get(getpid(), &a, VER0, 0));
  EQ(VER0, a.size);

  a = (struct attr){.size = VER0, .policy = SCHED_BATCH, .nice = 7};
  OK(set(0, &a, 0));
  OK(get(0, &b, VER0, 0));
  EQ(SCHED_BATCH, b.policy);
  EQ(7, b.nice);
  EQ(7, getpriority(PRIO_PROCESS, 0));
  EQ(SCHED_BATCH, sched_getscheduler(0));
  /* Size 0 means the first version. */
  a = (struct attr){.size = 0, .policy = SCHED_OTHER, .nice = 3};
  OK(set(0, &a, 0));
  EQ(3, getpriority(PRIO_PROCESS, 0));
  a = (struct attr){.size = VER0, .policy = SCHED_OTHER, .flags = RESET_ON_FORK};
  OK(set(0, &a, 0));
  OK(get(0, &b, VER0, 0));
  EQ(RESET_ON_FORK, b.flags);
  EQ(SCHED_OTHER | SCHED_RESET_ON_FORK, sched_getscheduler(0));
  a.flags = KEEP_POLICY | RESET_ON_FORK;
  a.policy = SCHED_BATCH;
  OK(set(0, &a, 0));
  OK(get(0, &b, VER0, 0));
  EQ(SCHED_OTHER, b.policy);
  a.flags = KEEP_POLICY | KEEP_PARAMS;
  a.nice = 11;
  OK(set(0, &a, 0));
  EQ(0, getpriority(PRIO_PROCESS, 0));
  a = (struct attr){.size = VER0, .policy = SCHED_IDLE};
  OK(set(0, &a, 0));
  EQ(SCHED_IDLE, sched_getscheduler(0));
  a.policy = SCHED_OTHER;
  OK(set(0, &a, 0));
}

static void errors(void) {
  struct attr a = {.size = VER0, .policy = SCHED_OTHER};
  FAILS(EINVAL, set(0, NULL, 0));
  FAILS(EINVAL, set(-1, &a, 0));
  FAILS(EINVAL, set(0, &a, 1));
  FAILS(ESRCH, set(31111, &a, 0));
  FAILS(EFAULT, set(0, BAD, 0));
  a.size = VER0 - 1;
  FAILS(E2BIG, set(0, &a, 0));
  CHECK(a.size >= VER0);
  a.size = 5000;
  FAILS(E2BIG, set(0, &a, 0));
  CHECK(a.size < 5000);
  /* A later kernel's larger structure is taken while what is new in it is zero. */
  struct {
    struct attr a;
    char more[64];
  } large = {.a = {.size = sizeof large, .policy = SCHED_OTHER}};
  OK(set(0, &large.a, 0));
  large.a.size = sizeof large;
  large.more[60] = 1;
  FAILS(E2BIG, set(0, &large.a, 0));
  CHECK(large.a.size < sizeof large);
  a = (struct attr){.size = VER0, .policy = 99};
  FAILS(EINVAL, set(0, &a, 0));
  a = (struct attr){.size = VER0, .policy = SCHED_OTHER, .priority = 5};
  FAILS(EINVAL, set(0, &a, 0));
  a = (struct attr){.size = VER0, .policy = SCHED_FIFO, .priority = 0};
  FAILS(EINVAL, set(0, &a, 0));
  a = (struct attr){.size = VER0, .policy = SCHED_FIFO, .priority = 100};
  FAILS(EINVAL, set(0, &a, 0));
  a = (struct attr){.size = VER0, .policy = SCHED_OTHER, .flags = 1UL << 40};
  FAILS(EINVAL, set(0, &a, 0));
  a = (struct attr){.size = VER0, .policy = SCHED_DEADLINE, .runtime = 10, .deadline = 5, .period = 5};
  FAILS(EINVAL, set(0, &a, 0));

  FAILS(EINVAL, get(0, NULL, sizeof a, 0));
  FAILS(EINVAL, get(-1, &a, sizeof a, 0));
  FAILS(EINVAL, get(0, &a, VER0 - 1, 0));
  FAILS(EINVAL, get(0, &a, 5000, 0));
  FAILS(EINVAL, get(0, &a, sizeof a, 1));
  FAILS(ESRCH, get(31111, &a, sizeof a, 0));
  FAILS(EFAULT, get(0, BAD, sizeof a, 0));
}

static void parameters(void) {
  struct sched_param p = {0};
  OK(sched_setparam(0, &p));
  p.sched_priority = 1;
  FAILS(EINVAL, sched_setparam(0, &p));
  p.sched_priority = -1;
  FAILS(EINVAL, sched_setparam(0, &p));
  p.sched_priority = 0;
  FAILS(EINVAL, syscall(SYS_sched_setparam, 0, NULL));
  FAILS(EINVAL, sched_setparam(-1, &p));
  FAILS(ESRCH, sched_setparam(31111, &p));
  FAILS(EFAULT, syscall(SYS_sched_setparam, 0, BAD));
  FAILS(EINVAL, syscall(SYS_sched_getparam, 0, NULL));
  FAILS(EFAULT, syscall(SYS_sched_getparam, 0, BAD));
  FAILS(ESRCH, sched_getparam(31111, &p));
}

/* Nice values and policies of real time belong to who has the capability. */
static void as_user(void) {
  pid_t parent = getpid(), p = OK(fork());
  if (p == 0) {
    int before = failures;
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_RTPRIO, &none);
    setrlimit(RLIMIT_NICE, &none);
    if (setgid(1234) || setuid(1234)) _exit(1);
    struct attr a = {.size = VER0, .policy = SCHED_FIFO, .priority = 1};
    FAILS(EPERM, set(0, &a, 0));
    a = (struct attr){.size = VER0, .policy = SCHED_OTHER, .nice = 4};
    OK(set(0, &a, 0));
    a.nice = 0;
    FAILS(EPERM, set(0, &a, 0));
    EQ(4, getpriority(PRIO_PROCESS, 0));
    struct sched_param param = {0};
    FAILS(EPERM, sched_setparam(parent, &param));
    a.nice = 19;
    FAILS(EPERM, set(parent, &a, 0));
    OK(get(parent, &a, sizeof a, 0));
    _exit(failures != before);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
}

int main(void) {
  attributes();
  errors();
  parameters();
  as_user();
  DONE();
}
