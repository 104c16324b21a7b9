/* Locks of dead threads: man 2 set_robust_list, man 3 pthread_mutexattr_setrobust. */
#include "test.h"
#include <linux/futex.h>
#include <pthread.h>

static pthread_mutex_t *shared;

static void make(int pi) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  if (pi) pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
  shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  EQ(0, pthread_mutex_init(shared, &attr));
}

static void *dies(void *arg) {
  pthread_mutex_lock(shared);
  return arg;
}

static void thread_dies(int pi) {
  pthread_t t;
  make(pi);
  pthread_create(&t, NULL, dies, NULL);
  pthread_join(t, NULL);
  EQ(EOWNERDEAD, pthread_mutex_lock(shared));
  EQ(0, pthread_mutex_consistent(shared));
  EQ(0, pthread_mutex_unlock(shared));
  EQ(0, pthread_mutex_lock(shared));
  EQ(0, pthread_mutex_unlock(shared));
}

/* The waiter is asleep when the owner is killed. */
static void process_dies(int pi) {
  int fds[2];
  make(pi);
  OK(pipe(fds));
  pid_t p = OK(fork());
  if (p == 0) {
    pthread_mutex_lock(shared);
    if (write(fds[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char c;
  EQ(1, read(fds[0], &c, 1));
  pid_t q = OK(fork());
  if (q == 0) {
    usleep(50000);
    kill(p, SIGKILL);
    _exit(0);
  }
  EQ(EOWNERDEAD, pthread_mutex_lock(shared));
  EQ(0, pthread_mutex_consistent(shared));
  EQ(0, pthread_mutex_unlock(shared));
  EQ(p, waitpid(p, NULL, 0));
  EQ(q, waitpid(q, NULL, 0));
}

static void calls(void) {
  struct robust_list_head *head;
  size_t len;
  OK(syscall(SYS_get_robust_list, 0, &head, &len));
  EQ(24, len);
  CHECK(head != NULL);
  FAILS(EINVAL, syscall(SYS_set_robust_list, head, 23));
  FAILS(ESRCH, syscall(SYS_get_robust_list, 30000, &head, &len));
  FAILS(EFAULT, syscall(SYS_get_robust_list, 0, BAD, &len));
  FAILS(EFAULT, syscall(SYS_get_robust_list, 0, &head, BAD));
  /* A list that leads nowhere hurts nobody. */
  pid_t p = OK(fork());
  if (p == 0) {
    syscall(SYS_set_robust_list, BAD, 24);
    _exit(3);
  }
  int st;
  EQ(p, waitpid(p, &st, 0));
  EQ(3, WEXITSTATUS(st));
  p = OK(fork());
  if (p == 0) {
    static struct robust_list_head loop;
    static struct robust_list node;
    node.next = &node;
    loop.list.next = &node;
    syscall(SYS_set_robust_list, &loop, 24);
    _exit(4);
  }
  EQ(p, waitpid(p, &st, 0));
  EQ(4, WEXITSTATUS(st));
}

int main(void) {
  thread_dies(0);
  thread_dies(1);
  process_dies(0);
  process_dies(1);
  calls();
  DONE();
}
