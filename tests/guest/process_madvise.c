/* man 2 process_madvise. Runs as root. */
#include "test.h"
#include <sys/prctl.h>
#include <sys/uio.h>

#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif

static long advise(int pidfd, const struct iovec *v, size_t n, int advice, unsigned flags) {
  return syscall(SYS_process_madvise, pidfd, v, n, advice, flags);
}

int main(void) {
  long page = sysconf(_SC_PAGESIZE);
  char *p = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 'x', 4 * page);
  int ready[2];
  OK(pipe(ready));
  pid_t child = OK(fork());
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char c;
    /* What was advised about changes nothing that can be read. */
    _exit(read(ready[0], &c, 1) == 1 && p[0] == 'x' && p[4 * page - 1] == 'x' ? 0 : 1);
  }
  int fd = OK(syscall(SYS_pidfd_open, child, 0)), self = OK(syscall(SYS_pidfd_open, getpid(), 0));
  struct iovec v[2] = {{p, page}, {p + 2 * page, 2 * page}}, odd = {p + 1, page}, wild = {(void *)0x1000, page};
  if (advise(fd, v, 2, MADV_COLD, 0) == -1 && errno == ENOSYS) SKIP("no process_madvise in this kernel");
  EQ(3 * page, advise(fd, v, 2, MADV_COLD, 0));
  EQ(3 * page, advise(fd, v, 2, MADV_PAGEOUT, 0));
  EQ(3 * page, advise(fd, v, 2, MADV_WILLNEED, 0));
  EQ(3 * page, advise(self, v, 2, MADV_COLD, 0));
  EQ(0, advise(fd, v, 0, MADV_COLD, 0));
  FAILS(EINVAL, advise(fd, v, 2, MADV_COLD, 1));
  FAILS(EINVAL, advise(fd, v, 2, MADV_DONTNEED, 0));
  FAILS(EINVAL, advise(fd, v, 2, 999, 0));
  FAILS(EINVAL, advise(fd, v, IOV_MAX + 1, MADV_COLD, 0));
  FAILS(EINVAL, advise(fd, &odd, 1, MADV_COLD, 0));
  FAILS(ENOMEM, advise(fd, &wild, 1, MADV_COLD, 0));
  FAILS(EFAULT, advise(fd, BAD, 1, MADV_COLD, 0));
  FAILS(EBADF, advise(-1, v, 1, MADV_COLD, 0));
  FAILS(EBADF, advise(ready[0], v, 1, MADV_COLD, 0));
  /* What was done before a failure counts. */
  struct iovec half[2] = {{p, page}, {(void *)0x1000, page}};
  EQ(page, advise(fd, half, 2, MADV_COLD, 0));
  pid_t user = OK(fork());
  if (user == 0) {
    failures = 0;
    if (setgid(1234) || setuid(1234)) _exit(1);
    FAILS(EACCES, advise(fd, v, 1, MADV_COLD, 0));
    /* Of the same user: still not without CAP_SYS_NICE. */
    prctl(PR_SET_DUMPABLE, 1);
    pid_t own = OK(fork());
    if (own == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      pause();
    }
    int own_fd = OK(syscall(SYS_pidfd_open, own, 0));
    FAILS(EPERM, advise(own_fd, v, 1, MADV_COLD, 0));
    kill(own, SIGKILL);
    waitpid(own, NULL, 0);
    _exit(failures != 0);
  }
  int st;
  OK(waitpid(user, &st, 0));
  EQ(0, st);
  EQ(1, write(ready[1], "x", 1));
  OK(waitpid(child, &st, 0));
  EQ(0, st);
  FAILS(ESRCH, advise(fd, v, 1, MADV_COLD, 0));
  DONE();
}
