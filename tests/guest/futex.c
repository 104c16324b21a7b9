/* man 2 futex. */
#include "test.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/time.h>

static long futex(volatile void *a, int op, int v, const void *t, volatile void *b, int v3) {
  return syscall(SYS_futex, a, op, v, t, b, v3);
}

static volatile int word, word2, woken;

static void *waiter(void *arg) {
  int bits = arg ? (int)(long)arg : -1;
  if (futex(&word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, bits) == 0) __sync_fetch_and_add(&woken, 1);
  return NULL;
}

static void start(pthread_t *t, int n, long bits) {
  for (int i = 0; i < n; i++) EQ(0, pthread_create(&t[i], NULL, waiter, (void *)bits));
  usleep(50000);
}

static void errors(void) {
  struct timespec bad = {0, -1}, some = {0, 1000000};
  FAILS(EAGAIN, futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
  FAILS(ETIMEDOUT, futex(&word, FUTEX_WAIT, 0, &some, NULL, 0));
  FAILS(EINVAL, futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0));
  FAILS(EFAULT, futex(&word, FUTEX_WAIT, 0, BAD, NULL, 0));
  FAILS(EINVAL, futex((char *)&word + 1, FUTEX_WAIT, 0, NULL, NULL, 0));
  FAILS(EFAULT, futex((void *)0x1000, FUTEX_WAIT, 0, NULL, NULL, 0));
  FAILS(EINVAL, futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
  FAILS(EINVAL, futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
  FAILS(ENOSYS, futex(&word, 99, 0, NULL, NULL, 0));
  FAILS(ENOSYS, futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
  EQ(0, futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
  struct timespec past = {1, 0};
  FAILS(ETIMEDOUT, futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, -1));
}

static void wake_some(void) {
  pthread_t t[4];
  woken = 0;
  start(t, 4, 0);
  EQ(1, futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
  EQ(3, futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0));
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
  EQ(4, woken);
}

static void bitsets(void) {
  pthread_t a[1], b[1];
  woken = 0;
  start(a, 1, 1);
  start(b, 1, 2);
  EQ(0, futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 4));
  EQ(1, futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 2));
  EQ(1, futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 3));
  pthread_join(a[0], NULL);
  pthread_join(b[0], NULL);
}

static void requeue(void) {
  pthread_t t[4];
  woken = 0;
  start(t, 4, 0);
  FAILS(EAGAIN, futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)9, &word2, 1));
  EQ(4, futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)9, &word2, 0));
  EQ(0, futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0));
  EQ(3, futex(&word2, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0));
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
  FAILS(EINVAL, futex(&word, FUTEX_CMP_REQUEUE, -1, NULL, &word2, 0));
}

static void wake_op(void) {
  pthread_t t[1];
  word2 = 5;
  start(t, 1, 0);
  /* word2 += 3; wake at word2 too if it was greater than 4. */
  EQ(1, futex(&word, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &word2,
              FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_GT, 4)));
  EQ(8, word2);
  pthread_join(t[0], NULL);
  EQ(0, futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, FUTEX_OP(FUTEX_OP_ANDN, 8, FUTEX_OP_CMP_EQ, 1)));
  EQ(0, word2);
  EQ(0, futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2,
              FUTEX_OP((FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT), 6, FUTEX_OP_CMP_EQ, 1)));
  EQ(64, word2);
}

static void between_processes(void) {
  volatile int *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t p = OK(fork());
  if (p == 0) _exit(futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 || errno == EAGAIN ? 0 : 1);
  usleep(50000);
  *shared = 1;
  EQ(1, futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0));
  int st;
  EQ(p, waitpid(p, &st, 0));
  EQ(0, st);
}

/* A thread waits on private memory, a fork makes its page copy-on-write, and it is woken all the same. */
static void across_fork(void) {
  pthread_t t[1];
  woken = 0;
  start(t, 1, 0);
  pid_t p = OK(fork());
  if (p == 0) _exit(0);
  EQ(p, waitpid(p, NULL, 0));
  word2++;
  EQ(1, futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0));
  pthread_join(t[0], NULL);
}

static pthread_mutex_t pi;
static volatile int counter;
static void *pi_thread(void *arg) {
  for (int i = 0; i < 2000; i++) {
    pthread_mutex_lock(&pi);
    counter++;
    pthread_mutex_unlock(&pi);
  }
  return arg;
}

static void priority_inheritance(void) {
  pthread_mutexattr_t attr;
  pthread_t t[3];
  pthread_mutexattr_init(&attr);
  EQ(0, pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
  EQ(0, pthread_mutex_init(&pi, &attr));
  for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, pi_thread, NULL);
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  EQ(6000, counter);
  volatile int lock = 0;
  OK(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  EQ(getpid(), lock & FUTEX_TID_MASK);
  FAILS(EDEADLK, futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  FAILS(EDEADLK, futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
  OK(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  EQ(0, lock);
  FAILS(EPERM, futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  lock = 29999;
  FAILS(ESRCH, futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
}

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int turn;
static void *ping(void *arg) {
  int me = (int)(long)arg;
  for (int i = 0; i < 1000; i++) {
    pthread_mutex_lock(&m);
    while (turn != me) pthread_cond_wait(&c, &m);
    turn = !me;
    pthread_cond_broadcast(&c);
    pthread_mutex_unlock(&m);
  }
  return NULL;
}

static void condition_variables(void) {
  pthread_t a, b;
  pthread_create(&a, NULL, ping, (void *)0);
  pthread_create(&b, NULL, ping, (void *)1);
  pthread_join(a, NULL);
  pthread_join(b, NULL);
}

struct waitv {
  uint64_t val, addr;
  uint32_t flags, reserved;
};

static void *later(void *arg) {
  usleep(50000);
  word2 = 1;
  futex(&word2, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
  return arg;
}

static void wait_for_any(void) {
  word = word2 = 0;
  struct waitv v[2] = {{0, (uintptr_t)&word, 2 | 128, 0}, {0, (uintptr_t)&word2, 2 | 128, 0}};
  FAILS(EINVAL, syscall(449, v, 0, 0, NULL, CLOCK_MONOTONIC));
  if (errno == ENOSYS) return;
  FAILS(EINVAL, syscall(449, v, 129, 0, NULL, CLOCK_MONOTONIC));
  FAILS(EINVAL, syscall(449, v, 2, 1, NULL, CLOCK_MONOTONIC));
  pthread_t t;
  pthread_create(&t, NULL, later, NULL);
  EQ(1, syscall(449, v, 2, 0, NULL, CLOCK_MONOTONIC));
  pthread_join(t, NULL);
  FAILS(EAGAIN, syscall(449, v, 2, 0, NULL, CLOCK_MONOTONIC));
  v[1].val = 1;
  struct timespec past = {1, 0};
  FAILS(ETIMEDOUT, syscall(449, v, 2, 0, &past, CLOCK_MONOTONIC));
}

int main(void) {
  errors();
  wake_some();
  bitsets();
  requeue();
  wake_op();
  between_processes();
  across_fork();
  priority_inheritance();
  condition_variables();
  wait_for_any();
  DONE();
}
