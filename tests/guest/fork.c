/* fork, vfork, exit codes, inheritance: man 2 fork, man 2 vfork, man 2 _exit. */
#include "test.h"
#include <sys/resource.h>

static int wait_code(pid_t pid) {
  int st = 0;
  EQ(pid, waitpid(pid, &st, 0));
  return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + WTERMSIG(st);
}

static void exit_codes(void) {
  int codes[] = {0, 1, 42, 255, 256 + 7};
  for (int i = 0; i < 5; i++) {
    pid_t p = OK(fork());
    if (p == 0) _exit(codes[i]);
    EQ(codes[i] & 0xff, wait_code(p));
  }
}

static void memory_is_copied(void) {
  static volatile int data = 1;
  volatile int *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED);
  pid_t p = OK(fork());
  if (p == 0) {
    data = 2;
    *shared = 7;
    _exit(data);
  }
  EQ(2, wait_code(p));
  EQ(1, data);
  EQ(7, *shared);
}

static void ids(void) {
  pid_t self = getpid();
  pid_t p = OK(fork());
  if (p == 0) _exit(getppid() == self && getpid() != self && syscall(SYS_gettid) == getpid() ? 0 : 1);
  EQ(0, wait_code(p));
}

static void file_offset_is_shared(void) {
  char name[] = "/tmp/forkXXXXXX";
  int fd = OK(mkstemp(name));
  unlink(name);
  EQ(6, write(fd, "abcdef", 6));
  lseek(fd, 0, SEEK_SET);
  pid_t p = OK(fork());
  if (p == 0) {
    char c;
    _exit(read(fd, &c, 1) == 1 && c == 'a' ? 0 : 1);
  }
  EQ(0, wait_code(p));
  EQ(1, lseek(fd, 0, SEEK_CUR));
  close(fd);
}

static void vfork_waits(void) {
  volatile int order = 0;
  pid_t p = vfork();
  if (p == 0) {
    usleep(20000);
    order = 1;
    _exit(9);
  }
  EQ(1, order);
  EQ(9, wait_code(p));
}

static void many(void) {
  for (int i = 0; i < 200; i++) {
    pid_t p = OK(fork());
    if (p == 0) _exit(i & 127);
    EQ(i & 127, wait_code(p));
  }
  pid_t all[50];
  for (int i = 0; i < 50; i++) {
    all[i] = OK(fork());
    if (all[i] == 0) {
      usleep(1000);
      _exit(i);
    }
  }
  for (int i = 0; i < 50; i++) EQ(i, wait_code(all[i]));
  FAILS(ECHILD, wait(NULL));
}

static void orphan_gets_new_parent(void) {
  int fds[2];
  OK(pipe(fds));
  pid_t p = OK(fork());
  if (p == 0) {
    pid_t me = getpid();
    if (fork() == 0) {
      while (getppid() == me) usleep(1000);
      int ok = getppid() != me;
      if (write(fds[1], &ok, sizeof ok) < 0) _exit(2);
      _exit(0);
    }
    _exit(0);
  }
  wait_code(p);
  int ok = 0;
  EQ(sizeof ok, read(fds[0], &ok, sizeof ok));
  EQ(1, ok);
}

static void nproc_limit(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    struct rlimit rl = {0, 0};
    if (setgid(12345) || setuid(12345)) _exit(3);
    if (setrlimit(RLIMIT_NPROC, &rl)) _exit(4);
    pid_t c = fork();
    if (c == 0) _exit(0);
    _exit(c == -1 && errno == EAGAIN ? 0 : 1);
  }
  EQ(0, wait_code(p));
}

int main(void) {
  exit_codes();
  memory_is_copied();
  ids();
  file_offset_is_shared();
  vfork_waits();
  many();
  orphan_gets_new_parent();
  nproc_limit();
  DONE();
}
