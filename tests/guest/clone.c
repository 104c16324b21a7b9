/* clone and clone3: flags that go together, thread ids, namespaces: man 2 clone. */
#include "test.h"
#include <linux/sched.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

static char stack[256 * 1024] __attribute__((aligned(16)));

static long raw_clone(unsigned long flags, void *sp, int *ptid, int *ctid, unsigned long tls) {
  return syscall(SYS_clone, flags, sp, ptid, ctid, tls);
}

static int wait_code(pid_t pid) {
  int st = 0;
  EQ(pid, waitpid(pid, &st, __WALL));
  return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + WTERMSIG(st);
}

static void bad_flags(void) {
  FAILS(EINVAL, raw_clone(CLONE_THREAD | SIGCHLD, 0, 0, 0, 0));
  FAILS(EINVAL, raw_clone(CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
  FAILS(EINVAL, raw_clone(CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0));
  FAILS(EINVAL, raw_clone(CLONE_NEWNS | CLONE_FS, 0, 0, 0, 0));
  int fd;
  FAILS(EINVAL, raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0));
  FAILS(EINVAL, raw_clone(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, &fd, 0, 0));
}

static void tids(void) {
  int ptid = -1, ctid = -1;
  pid_t p = OK(raw_clone(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, &ptid, &ctid, 0));
  if (p == 0) _exit(ctid == getpid() ? 0 : 1);
  EQ(p, ptid);
  EQ(-1, ctid);
  EQ(0, wait_code(p));
  /* Bad addresses do not undo the clone. */
  p = OK(raw_clone(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, BAD, BAD, 0));
  if (p == 0) _exit(5);
  EQ(5, wait_code(p));
}

static int vm_child(void *arg) {
  *(volatile int *)arg = 99;
  return 3;
}

static void shares_memory(void) {
  volatile int value = 1;
  pid_t p = OK(clone(vm_child, stack + sizeof stack, CLONE_VM | SIGCHLD, (void *)&value));
  EQ(3, wait_code(p));
  EQ(99, value);
}

static int chdir_child(void *arg) {
  (void)arg;
  return chdir("/tmp") ? 1 : 0;
}

static void shares_fs(void) {
  char before[4096], after[4096];
  OK(chdir("/"));
  EQ(0, getcwd(before, sizeof before) == NULL);
  EQ(0, wait_code(OK(clone(chdir_child, stack + sizeof stack, SIGCHLD, 0))));
  CHECK(getcwd(after, sizeof after) && strcmp(after, "/") == 0);
  EQ(0, wait_code(OK(clone(chdir_child, stack + sizeof stack, CLONE_FS | SIGCHLD, 0))));
  CHECK(getcwd(after, sizeof after) && strcmp(after, "/tmp") == 0);
}

static int close_child(void *arg) {
  return close(*(int *)arg) ? 1 : 0;
}

static void shares_files(void) {
  int fd = OK(dup(0));
  EQ(0, wait_code(OK(clone(close_child, stack + sizeof stack, SIGCHLD, &fd))));
  OK(fcntl(fd, F_GETFD));
  EQ(0, wait_code(OK(clone(close_child, stack + sizeof stack, CLONE_FILES | SIGCHLD, &fd))));
  FAILS(EBADF, fcntl(fd, F_GETFD));
}

static void no_exit_signal(void) {
  pid_t p = OK(raw_clone(0, 0, 0, 0, 0));
  if (p == 0) _exit(4);
  FAILS(ECHILD, waitpid(p, NULL, 0));
  int st;
  EQ(p, waitpid(p, &st, __WCLONE));
  EQ(4, WEXITSTATUS(st));
}

static void parent(void) {
  int fds[2];
  OK(pipe(fds));
  pid_t self = getpid();
  pid_t middle = OK(fork());
  if (middle == 0) {
    long c = raw_clone(CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (c == 0) _exit(getppid() == self ? 6 : 1);
    if (write(fds[1], &c, sizeof c) != sizeof c) _exit(2);
    _exit(0);
  }
  EQ(0, wait_code(middle));
  long c = 0;
  EQ(sizeof c, read(fds[0], &c, sizeof c));
  EQ(6, wait_code(c));
  close(fds[0]);
  close(fds[1]);
}

static void handler(int sig) {
  (void)sig;
}

struct args3 {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static void clone3(void) {
  struct args3 a = {.exit_signal = SIGCHLD};
  pid_t p = OK(syscall(SYS_clone3, &a, sizeof a));
  if (p == 0) _exit(8);
  EQ(8, wait_code(p));
  p = OK(syscall(SYS_clone3, &a, 64));
  if (p == 0) _exit(9);
  EQ(9, wait_code(p));
  FAILS(EINVAL, syscall(SYS_clone3, &a, 63));
  FAILS(E2BIG, syscall(SYS_clone3, &a, 4097));
  FAILS(EFAULT, syscall(SYS_clone3, BAD, sizeof a));
  a.exit_signal = 65;
  FAILS(EINVAL, syscall(SYS_clone3, &a, sizeof a));
  a.exit_signal = SIGCHLD;
  a.flags = 1ull << 40;
  FAILS(EINVAL, syscall(SYS_clone3, &a, sizeof a));
  a.flags = CLONE_DETACHED;
  FAILS(EINVAL, syscall(SYS_clone3, &a, sizeof a));
  a.flags = 0;
  a.stack_size = 4096;
  FAILS(EINVAL, syscall(SYS_clone3, &a, sizeof a));
  a.stack_size = 0;
  int fd = -1;
  a.flags = CLONE_PIDFD;
  a.pidfd = (uintptr_t)&fd;
  p = OK(syscall(SYS_clone3, &a, sizeof a));
  if (p == 0) _exit(10);
  CHECK(fd >= 0);
  EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
  EQ(10, wait_code(p));
  close(fd);
  a.flags = CLONE_CLEAR_SIGHAND;
  signal(SIGUSR1, handler);
  signal(SIGUSR2, SIG_IGN);
  p = OK(syscall(SYS_clone3, &a, sizeof a));
  if (p == 0) {
    struct sigaction one, two;
    sigaction(SIGUSR1, NULL, &one);
    sigaction(SIGUSR2, NULL, &two);
    _exit(one.sa_handler == SIG_DFL && two.sa_handler == SIG_IGN ? 0 : 1);
  }
  EQ(0, wait_code(p));
}

static void *thread(void *arg) {
  long *out = arg;
  out[0] = syscall(SYS_gettid);
  out[1] = getpid();
  return arg;
}

static void threads(void) {
  pthread_t t[16];
  long out[16][2];
  for (int i = 0; i < 16; i++) EQ(0, pthread_create(&t[i], NULL, thread, out[i]));
  for (int i = 0; i < 16; i++) {
    EQ(0, pthread_join(t[i], NULL));
    EQ(getpid(), out[i][1]);
    CHECK(out[i][0] != getpid());
  }
}

static void uts_namespace(void) {
  struct utsname before, after;
  uname(&before);
  pid_t p = OK(raw_clone(CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0));
  if (p == 0) {
    struct utsname u;
    if (sethostname("other", 5)) _exit(1);
    uname(&u);
    _exit(strcmp(u.nodename, "other") ? 2 : 0);
  }
  EQ(0, wait_code(p));
  uname(&after);
  CHECK(strcmp(before.nodename, after.nodename) == 0);
}

static void pid_namespace(void) {
  pid_t p = OK(raw_clone(CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
  if (p == 0) {
    if (getpid() != 1 || getppid() != 0) _exit(1);
    pid_t c = fork();
    if (c == 0) _exit(getpid() == 2 && getppid() == 1 ? 0 : 1);
    int st;
    if (c != 2 || waitpid(c, &st, 0) != 2 || st != 0) _exit(2);
    /* Whoever is left dies with the first process. */
    if (fork() == 0) pause();
    _exit(7);
  }
  EQ(7, wait_code(p));
}

int main(void) {
  bad_flags();
  tids();
  shares_memory();
  shares_fs();
  shares_files();
  no_exit_signal();
  parent();
  clone3();
  threads();
  uts_namespace();
  pid_namespace();
  DONE();
}
