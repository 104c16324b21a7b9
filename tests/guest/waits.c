/* man 2 epoll_pwait2, pselect6, futex_waitv, eventfd2, inotify_init, rt_sigpending, restart_syscall. */
#include "test.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/time.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static volatile int caught;
static void catch(int s) { caught = s; }

static long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* SIGUSR1 is blocked, caught, and pending. */
static void make_pending(void) {
  struct sigaction sa = {.sa_handler = catch};
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigaction(SIGUSR1, &sa, NULL);
  sigprocmask(SIG_BLOCK, &usr1, NULL);
  caught = 0;
  raise(SIGUSR1);
  EQ(0, caught);
}

static int is_blocked(void) {
  sigset_t s;
  sigprocmask(SIG_SETMASK, NULL, &s);
  return sigismember(&s, SIGUSR1);
}

static void unblock(void) {
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigprocmask(SIG_UNBLOCK, &usr1, NULL);
}

static long pwait2(int e, struct epoll_event *ev, int n, const struct timespec *t, const sigset_t *s, size_t size) {
  return syscall(SYS_epoll_pwait2, e, ev, n, t, s, size);
}

static void epoll(void) {
  int e = OK(epoll_create1(EPOLL_CLOEXEC)), v = OK(eventfd(0, EFD_NONBLOCK));
  struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 0x1122334455667788};
  OK(epoll_ctl(e, EPOLL_CTL_ADD, v, &ev));
  struct timespec none = {0, 0}, little = {0, 3000000}, bad = {0, 1000000000}, bad2 = {-1, 0}, forever = {30, 0};
  EQ(0, pwait2(e, &ev, 1, &none, NULL, 0));
  long start = now_ms();
  EQ(0, pwait2(e, &ev, 1, &little, NULL, 0));
  CHECK(now_ms() - start >= 2);
  EQ(8, write(v, &(uint64_t){1}, 8));
  ev.data.u64 = 0;
  EQ(1, pwait2(e, &ev, 1, NULL, NULL, 0));
  EQ(0x1122334455667788, ev.data.u64);
  EQ(EPOLLIN, ev.events);
  FAILS(EINVAL, pwait2(e, &ev, 1, &bad, NULL, 0));
  FAILS(EINVAL, pwait2(e, &ev, 1, &bad2, NULL, 0));
  FAILS(EFAULT, pwait2(e, &ev, 1, BAD, NULL, 0));
  FAILS(EINVAL, pwait2(e, &ev, 0, &none, NULL, 0));
  FAILS(EINVAL, pwait2(e, &ev, -1, &none, NULL, 0));
  FAILS(EFAULT, pwait2(e, BAD, 1, &none, NULL, 0));
  FAILS(EBADF, pwait2(-1, &ev, 1, &none, NULL, 0));
  FAILS(EINVAL, pwait2(v, &ev, 1, &none, NULL, 0));
  sigset_t empty;
  sigemptyset(&empty);
  FAILS(EINVAL, pwait2(e, &ev, 1, &none, &empty, 4));
  FAILS(EFAULT, pwait2(e, &ev, 1, &none, BAD, 8));
  uint64_t got;
  EQ(8, read(v, &got, 8));
  make_pending();
  FAILS(EINTR, pwait2(e, &ev, 1, &forever, &empty, 8));
  EQ(SIGUSR1, caught);
  CHECK(is_blocked());
  unblock();
  close(v), close(e);
}

static long select6(int n, fd_set *r, fd_set *w, fd_set *x, struct timespec *t, void *mask) {
  return syscall(SYS_pselect6, n, r, w, x, t, mask);
}

static void select_calls(void) {
  int p[2];
  OK(pipe(p));
  fd_set r, w;
  struct timespec none = {0, 0}, wait = {0, 5000000}, bad = {0, -1}, forever = {30, 0};
  FD_ZERO(&r);
  FD_ZERO(&w);
  FD_SET(p[0], &r);
  FD_SET(p[1], &w);
  EQ(1, select6(p[1] + 1, &r, &w, NULL, &none, NULL));
  CHECK(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w));
  FD_SET(p[0], &r);
  /* The raw call tells how much time is left. */
  EQ(0, select6(p[0] + 1, &r, NULL, NULL, &wait, NULL));
  EQ(0, wait.tv_sec);
  EQ(0, wait.tv_nsec);
  CHECK(!FD_ISSET(p[0], &r));
  EQ(1, write(p[1], "x", 1));
  FD_SET(p[0], &r);
  EQ(1, select6(p[0] + 1, &r, NULL, NULL, &forever, NULL));
  CHECK(forever.tv_sec >= 28);
  FAILS(EINVAL, select6(-1, &r, NULL, NULL, &none, NULL));
  FAILS(EINVAL, select6(1, NULL, NULL, NULL, &bad, NULL));
  FAILS(EFAULT, select6(p[0] + 1, BAD, NULL, NULL, &none, NULL));
  FAILS(EFAULT, select6(p[0] + 1, NULL, NULL, NULL, BAD, NULL));
  close(p[1]), close(p[0]);
  FD_ZERO(&r);
  FD_SET(p[0], &r);
  FAILS(EBADF, select6(p[0] + 1, &r, NULL, NULL, &none, NULL));
  sigset_t empty;
  sigemptyset(&empty);
  struct {
    const void *set;
    size_t size;
  } m = {&empty, 8}, small = {&empty, 4}, null = {NULL, 4}, wild = {BAD, 8};
  EQ(0, select6(0, NULL, NULL, NULL, &none, &m));
  EQ(0, select6(0, NULL, NULL, NULL, &none, &null));
  FAILS(EINVAL, select6(0, NULL, NULL, NULL, &none, &small));
  FAILS(EFAULT, select6(0, NULL, NULL, NULL, &none, &wild));
  FAILS(EFAULT, select6(0, NULL, NULL, NULL, &none, BAD));
  make_pending();
  sigset_t pending;
  OK(syscall(SYS_rt_sigpending, &pending, 8));
  CHECK(sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGUSR2));
  struct timespec limit = {30, 0};
  FAILS(EINTR, select6(0, NULL, NULL, NULL, &limit, &m));
  EQ(SIGUSR1, caught);
  CHECK(is_blocked());
  unblock();
  OK(syscall(SYS_rt_sigpending, &pending, 8));
  CHECK(!sigismember(&pending, SIGUSR1));
  FAILS(EINVAL, syscall(SYS_rt_sigpending, &pending, 16));
  FAILS(EFAULT, syscall(SYS_rt_sigpending, BAD, 8));
}

static uint32_t words[3];

struct waitv {
  uint64_t val, addr;
  uint32_t flags, reserved;
};

static long waitv(struct waitv *w, unsigned n, unsigned flags, struct timespec *t, int clock) {
  return syscall(SYS_futex_waitv, w, n, flags, t, clock);
}

static void *wake(void *arg) {
  uint32_t *word = arg;
  usleep(30000);
  __atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
  return NULL;
}

static void *kick(void *arg) {
  usleep(30000);
  pthread_kill(*(pthread_t *)arg, SIGUSR1);
  return NULL;
}

static struct timespec in_ms(int clock, long ms) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_nsec += ms * 1000000;
  t.tv_sec += t.tv_nsec / 1000000000;
  t.tv_nsec %= 1000000000;
  return t;
}

#define U32 2
#define PRIVATE 128

static void futexes(void) {
  struct waitv w[3];
  for (int i = 0; i < 3; i++) w[i] = (struct waitv){0, (long)&words[i], U32 | (i == 1 ? PRIVATE : 0), 0};
  if (waitv(w, 0, 0, NULL, 0) == -1 && errno == ENOSYS) {
    printf("no futex_waitv in this kernel\n");
    return;
  }
  FAILS(EINVAL, waitv(w, 0, 0, NULL, 0));
  FAILS(EINVAL, waitv(w, 129, 0, NULL, 0));
  FAILS(EINVAL, waitv(NULL, 3, 0, NULL, 0));
  FAILS(EINVAL, waitv(w, 3, 1, NULL, 0));
  FAILS(EFAULT, waitv(BAD, 3, 0, NULL, 0));
  struct timespec t = in_ms(CLOCK_MONOTONIC, 20), real = in_ms(CLOCK_REALTIME, 20), past = {1, 0}, bad = {0, -1};
  long start = now_ms();
  FAILS(ETIMEDOUT, waitv(w, 3, 0, &t, CLOCK_MONOTONIC));
  CHECK(now_ms() - start >= 15);
  FAILS(ETIMEDOUT, waitv(w, 3, 0, &real, CLOCK_REALTIME));
  FAILS(ETIMEDOUT, waitv(w, 3, 0, &past, CLOCK_MONOTONIC));
  FAILS(EINVAL, waitv(w, 3, 0, &bad, CLOCK_MONOTONIC));
  FAILS(EINVAL, waitv(w, 3, 0, &t, CLOCK_BOOTTIME));
  FAILS(EFAULT, waitv(w, 3, 0, BAD, CLOCK_MONOTONIC));
  words[2] = 5;
  FAILS(EAGAIN, waitv(w, 3, 0, NULL, 0));
  words[2] = 0;
  w[1].reserved = 1;
  FAILS(EINVAL, waitv(w, 3, 0, NULL, 0));
  w[1].reserved = 0;
  w[1].flags = 0;
  FAILS(EINVAL, waitv(w, 3, 0, NULL, 0));
  w[1].flags = U32 | 64;
  FAILS(EINVAL, waitv(w, 3, 0, NULL, 0));
  w[1].flags = U32;
  w[1].addr++;
  FAILS(EINVAL, waitv(w, 3, 0, NULL, 0));
  w[1].addr = 0x1000;
  FAILS(EFAULT, waitv(w, 3, 0, NULL, 0));
  w[1].addr = (long)&words[1];
  /* More than 32 bits can be: refused since Linux 6.7, cut off before. */
  w[1].val = 1UL << 32;
  CHECK(waitv(w, 3, 0, &past, CLOCK_MONOTONIC) == -1 && (errno == EINVAL || errno == ETIMEDOUT));
  w[1].val = 0;
  for (int i = 0; i < 3; i++) {
    pthread_t other;
    memset(words, 0, sizeof words);
    EQ(0, pthread_create(&other, NULL, wake, &words[i]));
    w[1].flags = U32;
    EQ(i, waitv(w, 3, 0, NULL, 0));
    pthread_join(other, NULL);
  }
  memset(words, 0, sizeof words);
  struct sigaction sa = {.sa_handler = catch};
  sigaction(SIGUSR1, &sa, NULL);
  pthread_t me = pthread_self(), other;
  EQ(0, pthread_create(&other, NULL, kick, &me));
  t = in_ms(CLOCK_MONOTONIC, 20000);
  FAILS(EINTR, waitv(w, 3, 0, &t, CLOCK_MONOTONIC));
  pthread_join(other, NULL);
}

static void descriptors(void) {
  int v = OK(syscall(SYS_eventfd2, 3, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
  EQ(FD_CLOEXEC, fcntl(v, F_GETFD));
  EQ(O_RDWR | O_NONBLOCK, fcntl(v, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
  uint64_t n;
  EQ(8, read(v, &n, 8));
  EQ(1, n);
  close(v);
  FAILS(EINVAL, syscall(SYS_eventfd2, 0, 2));
  v = OK(syscall(SYS_eventfd, 7));
  EQ(0, fcntl(v, F_GETFD));
  EQ(8, read(v, &n, 8));
  EQ(7, n);
  close(v);
  int i = OK(syscall(SYS_inotify_init));
  EQ(0, fcntl(i, F_GETFD));
  EQ(0, fcntl(i, F_GETFL) & O_NONBLOCK);
  OK(inotify_add_watch(i, "/", IN_CREATE));
  close(i);
  int e = OK(syscall(SYS_epoll_create, 1));
  EQ(0, fcntl(e, F_GETFD));
  close(e);
  FAILS(EINVAL, syscall(SYS_epoll_create, 0));
  FAILS(EINVAL, syscall(SYS_epoll_create, -1));
}

/* By itself it has nothing to go on with. */
static void restart(void) { FAILS(EINTR, syscall(SYS_restart_syscall)); }

int main(void) {
  epoll();
  select_calls();
  futexes();
  descriptors();
  restart();
  DONE();
}
