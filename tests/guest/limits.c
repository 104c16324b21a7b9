/* Running out of things: descriptors, processes, memory, file size. The errno is Linux's and all goes on afterwards. */
#include "sock.h"
#include <sys/resource.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static void limit(int what, long soft) {
  struct rlimit l;
  OK(getrlimit(what, &l));
  l.rlim_cur = soft;
  OK(setrlimit(what, &l));
}

/* Runs a test in a child, whose limits are its own. */
static void apart(void (*test)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (!child) {
    test();
    fflush(stdout);
    _exit(failures ? 1 : 0);
  }
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
}

static void descriptors(void) {
  limit(RLIMIT_NOFILE, 20);
  int fds[40], n = 0;
  while ((fds[n] = open("/dev/null", O_RDONLY)) >= 0)
    n++;
  EQ(EMFILE, errno);
  CHECK(n > 5 && n <= 17);
  int p[2];
  FAILS(EMFILE, dup(0));
  FAILS(EMFILE, pipe(p));
  FAILS(EMFILE, socket(AF_UNIX, SOCK_STREAM, 0));
  FAILS(EMFILE, socketpair(AF_UNIX, SOCK_STREAM, 0, p));
  FAILS(EMFILE, eventfd(0, 0));
  FAILS(EMFILE, epoll_create1(0));
  FAILS(EMFILE, memfd_create("x", 0));
  FAILS(EBADF, dup2(0, 20));
  FAILS(EINVAL, fcntl(0, F_DUPFD, 20));
  FAILS(EMFILE, fcntl(0, F_DUPFD, 19));
  /* A pair that does not fit takes nothing. */
  close(fds[n - 1]);
  FAILS(EMFILE, pipe(p));
  EQ(fds[n - 1], dup(0));
  /* Files that do not fit are lost; the message is not. */
  close(fds[n - 1]);
  close(fds[n - 2]);
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
  union {
    char bytes[CMSG_SPACE(8)];
    struct cmsghdr h;
  } c = {.h = {CMSG_LEN(8), SOL_SOCKET, SCM_RIGHTS}};
  struct iovec v = {"m", 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
  EQ(1, sendmsg(p[0], &m, 0));
  char b[1];
  v.iov_base = b;
  m.msg_controllen = sizeof c;
  EQ(1, recvmsg(p[1], &m, 0));
  CHECK(m.msg_flags & MSG_CTRUNC);
  /* More again when the limit grows. */
  limit(RLIMIT_NOFILE, 30);
  OK(dup(0));
}

static void many_descriptors(void) {
  struct rlimit l;
  getrlimit(RLIMIT_NOFILE, &l);
  long most = l.rlim_max < 4000 ? l.rlim_max : 4000;
  limit(RLIMIT_NOFILE, most);
  int fd, last = -1;
  while ((fd = eventfd(0, 0)) >= 0)
    last = fd;
  EQ(EMFILE, errno);
  EQ(most - 1, last);
}

static void processes(void) {
  if (getuid() == 0) {
    OK(setgid(54321));
    OK(setuid(54321));
  }
  limit(RLIMIT_NPROC, 20);
  pid_t children[64];
  int n = 0;
  while (n < 64 && (children[n] = fork()) >= 0) {
    if (!children[n]) {
      pause();
      _exit(0);
    }
    n++;
  }
  EQ(EAGAIN, errno);
  CHECK(n >= 1 && n < 20);
  for (int i = 0; i < n; i++)
    kill(children[i], SIGKILL);
  for (int i = 0; i < n; i++)
    EQ(children[i], waitpid(children[i], 0, 0));
  pid_t again = OK(fork());
  if (!again)
    _exit(0);
  waitpid(again, 0, 0);
}

static void address_space(void) {
  limit(RLIMIT_AS, 64 << 20);
  CHECK(mmap(0, 256 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  EQ(ENOMEM, errno);
  int n = 0;
  while (n < 1000 && mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
    n++;
  EQ(ENOMEM, errno);
  CHECK(n > 10 && n < 64);
  void *here = sbrk(0);
  CHECK(sbrk(8 << 20) == (void *)-1);
  EQ(ENOMEM, errno);
  CHECK(sbrk(0) == here);
}

static void data_and_stack(void) {
  limit(RLIMIT_DATA, 16 << 20);
  CHECK(sbrk(32 << 20) == (void *)-1);
  EQ(ENOMEM, errno);
}

static void deep(int n) {
  volatile char page[4096];
  page[0] = n;
  if (n > 0)
    deep(n - 1);
  page[1] = page[0];
}

static void stack(void) {
  limit(RLIMIT_STACK, 1 << 20);
  pid_t child = fork();
  if (!child) {
    deep(10000);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void file_size(void) {
  char path[] = "/tmp/limits.XXXXXX";
  int fd = OK(mkstemp(path));
  unlink(path);
  signal(SIGXFSZ, SIG_IGN);
  limit(RLIMIT_FSIZE, 1000);
  static char b[2000];
  EQ(1000, write(fd, b, 2000));
  FAILS(EFBIG, write(fd, b, 1));
  FAILS(EFBIG, ftruncate(fd, 1001));
  OK(ftruncate(fd, 500));
  FAILS(EFBIG, pwrite(fd, b, 1, 1000));
  signal(SIGXFSZ, SIG_DFL);
  pid_t child = fork();
  if (!child) {
    pwrite(fd, b, 1, 1000);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
}

static void cpu(void) {
  limit(RLIMIT_CPU, 1);
  pid_t child = fork();
  if (!child)
    for (;;)
      ;
  int status;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL));
}

static void maps(void) {
  /* More mappings than there may be: every other page of a region with another protection. */
  long pages = 140000;
  char *p = mmap(0, pages * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(p != MAP_FAILED);
  long i = 0;
  while (i < pages && mprotect(p + i * 4096, 4096, PROT_READ | PROT_WRITE) == 0)
    i += 2;
  EQ(ENOMEM, errno);
  CHECK(i > 10000 && i < pages);
  OK(munmap(p, pages * 4096));
}

static void setting(void) {
  struct rlimit l = {10, 5};
  FAILS(EINVAL, setrlimit(RLIMIT_NOFILE, &l));
  FAILS(EINVAL, getrlimit(99, &l));
  FAILS(EINVAL, setrlimit(-1, &l));
  l.rlim_cur = 1;
  l.rlim_max = (1 << 20) + 1000000000L;
  FAILS(EPERM, setrlimit(RLIMIT_NOFILE, &l));
  if (getuid() == 0) {
    OK(setuid(1000));
    OK(getrlimit(RLIMIT_CORE, &l));
    l.rlim_cur = l.rlim_max = 0;
    OK(setrlimit(RLIMIT_CORE, &l));
    l.rlim_max = 1;
    FAILS(EPERM, setrlimit(RLIMIT_CORE, &l));
    FAILS(EPERM, prlimit(1, RLIMIT_CORE, 0, &l));
  }
}

int main(void) {
  apart(descriptors);
  apart(many_descriptors);
  apart(processes);
  apart(address_space);
  apart(data_and_stack);
  apart(stack);
  apart(file_size);
  apart(maps);
  apart(setting);
  apart(cpu);
  DONE();
}
