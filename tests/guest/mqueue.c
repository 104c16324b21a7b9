/* POSIX message queues. */
#include "test.h"
#include <mqueue.h>
#include <poll.h>

static char name[40];
static int signals;
static siginfo_t last;

static void on_message(int s, siginfo_t *i, void *c) {
  (void)s;
  (void)c;
  signals++;
  last = *i;
}

static void *thread_told;
static void by_thread(union sigval v) { __atomic_store_n(&thread_told, v.sival_ptr, __ATOMIC_SEQ_CST); }

static struct timespec in_ms(int ms) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_nsec += ms * 1000000L;
  t.tv_sec += t.tv_nsec / 1000000000;
  t.tv_nsec %= 1000000000;
  return t;
}

static void names(void) {
  FAILS(ENOENT, mq_open(name, O_RDWR));
  FAILS(ENOENT, mq_open("/", O_RDWR | O_CREAT, 0600, 0));
  FAILS(EACCES, mq_open("/a/b", O_RDWR | O_CREAT, 0600, 0));
  FAILS(EFAULT, syscall(SYS_mq_open, BAD, O_RDWR, 0, 0));
  FAILS(EFAULT, syscall(SYS_mq_open, name + 1, O_RDWR | O_CREAT, 0600, BAD));
  struct mq_attr bad = {.mq_maxmsg = 0, .mq_msgsize = 10};
  FAILS(EINVAL, mq_open(name, O_RDWR | O_CREAT, 0600, &bad));
  mqd_t q = OK(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, 0));
  EQ(FD_CLOEXEC, fcntl(q, F_GETFD));
  FAILS(EEXIST, mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, 0));
  struct mq_attr a;
  OK(mq_getattr(q, &a));
  EQ(10, a.mq_maxmsg);
  EQ(8192, a.mq_msgsize);
  EQ(0, a.mq_curmsgs);
  EQ(0, a.mq_flags);
  mqd_t r = OK(mq_open(name, O_RDONLY));
  FAILS(EBADF, mq_send(r, "x", 1, 0));
  mq_close(r);
  OK(mq_unlink(name));
  FAILS(ENOENT, mq_unlink(name));
  /* It lives on. */
  OK(mq_send(q, "x", 1, 0));
  mq_close(q);
  FAILS(EBADF, mq_send(q, "x", 1, 0));
  FAILS(EBADF, mq_send(0, "x", 1, 0));
}

static void messages(void) {
  struct mq_attr a = {.mq_maxmsg = 3, .mq_msgsize = 16}, before;
  mqd_t q = OK(mq_open(name, O_RDWR | O_CREAT, 0600, &a));
  char b[64];
  unsigned priority;
  FAILS(EMSGSIZE, mq_send(q, "0123456789abcdefX", 17, 0));
  FAILS(EMSGSIZE, mq_receive(q, b, 15, 0));
  FAILS(EINVAL, mq_send(q, "x", 1, 32768));
  OK(mq_send(q, "low", 3, 1));
  OK(mq_send(q, "high", 4, 9));
  OK(mq_send(q, "low2", 4, 1));
  struct timespec t = in_ms(30), wrong = {0, 1000000000};
  FAILS(ETIMEDOUT, mq_timedsend(q, "x", 1, 0, &t));
  FAILS(EINVAL, mq_timedsend(q, "x", 1, 0, &wrong));
  struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
  EQ(1, poll(&p, 1, 0));
  EQ(POLLIN, p.revents);
  EQ(4, mq_receive(q, b, 64, &priority));
  EQ(9, priority);
  CHECK(!memcmp(b, "high", 4));
  EQ(3, mq_receive(q, b, 64, &priority));
  EQ(4, mq_receive(q, b, 64, 0));
  t = in_ms(30);
  FAILS(ETIMEDOUT, mq_timedreceive(q, b, 64, 0, &t));
  a.mq_flags = O_NONBLOCK;
  OK(mq_setattr(q, &a, &before));
  EQ(0, before.mq_flags);
  FAILS(EAGAIN, mq_receive(q, b, 64, 0));
  EQ(O_NONBLOCK, fcntl(q, F_GETFL) & O_NONBLOCK);
  a.mq_flags = O_APPEND;
  FAILS(EINVAL, syscall(SYS_mq_getsetattr, q, &a, 0));
  a.mq_flags = 0;
  OK(mq_setattr(q, &a, 0));
  FAILS(EFAULT, syscall(SYS_mq_timedsend, q, BAD, 3, 0, 0));
  OK(mq_send(q, "f", 1, 0));
  FAILS(EFAULT, syscall(SYS_mq_timedreceive, q, BAD, 64, 0, 0));
  while (t = in_ms(0), mq_timedreceive(q, b, 64, 0, &t) >= 0)
    ;
  FAILS(EFAULT, syscall(SYS_mq_timedreceive, q, b, 64, 0, BAD));
  pid_t child = fork();
  if (!child) {
    usleep(20000);
    _exit(mq_send(q, "late", 4, 0) ? 1 : 0);
  }
  EQ(4, mq_receive(q, b, 64, 0));
  wait(0);
  struct sigaction sa = {.sa_handler = (void (*)(int))getpid};
  sigaction(SIGALRM, &sa, 0);
  ualarm(20000, 0);
  FAILS(EINTR, mq_receive(q, b, 64, 0));
  mq_close(q);
  OK(mq_unlink(name));
}

static void notification(void) {
  mqd_t q = OK(mq_open(name, O_RDWR | O_CREAT, 0600, 0));
  char b[8192];
  struct sigaction sa = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &sa, 0);
  struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
  OK(mq_notify(q, &e));
  FAILS(EBUSY, mq_notify(q, &e));
  OK(mq_send(q, "x", 1, 0));
  EQ(1, signals);
  EQ(SI_MESGQ, last.si_code);
  EQ(77, last.si_value.sival_int);
  EQ(getpid(), last.si_pid);
  /* Once, and only for a queue that was empty. */
  OK(mq_notify(q, &e));
  OK(mq_send(q, "y", 1, 0));
  EQ(1, signals);
  OK(mq_notify(q, 0));
  mq_receive(q, b, sizeof b, 0);
  mq_receive(q, b, sizeof b, 0);
  OK(mq_send(q, "z", 1, 0));
  EQ(1, signals);
  mq_receive(q, b, sizeof b, 0);
  e.sigev_signo = 65;
  FAILS(EINVAL, mq_notify(q, &e));
  e.sigev_notify = 9;
  FAILS(EINVAL, mq_notify(q, &e));
  FAILS(EFAULT, syscall(SYS_mq_notify, q, BAD));
  /* A thread, which the C library starts through netlink. */
  memset(&e, 0, sizeof e);
  e.sigev_notify = SIGEV_THREAD;
  e.sigev_notify_function = by_thread;
  e.sigev_value.sival_ptr = name;
  OK(mq_notify(q, &e));
  OK(mq_send(q, "t", 1, 0));
  for (int i = 0; i < 1000 && !__atomic_load_n(&thread_told, __ATOMIC_SEQ_CST); i++)
    usleep(1000);
  CHECK(thread_told == name);
  mq_close(q);
  OK(mq_unlink(name));
}

int main(void) {
  sprintf(name, "/mq.%d", getpid());
  names();
  messages();
  notification();
  DONE();
}
