/* fcntl(2), dup(2), ioctl(2) on any file, file limits. */
#include "tmpdir.h"
#include <sys/ioctl.h>
#include <sys/resource.h>

int main(void) {
  tmpdir_enter();
  int fd = OK(open("f", O_RDWR | O_CREAT, 0600));
  int d = OK(dup(fd));
  EQ(fd + 1, d);
  EQ(0, fcntl(d, F_GETFD));
  OK(fcntl(d, F_SETFD, FD_CLOEXEC));
  EQ(FD_CLOEXEC, fcntl(d, F_GETFD));
  EQ(0, fcntl(fd, F_GETFD));
  /* The offset and the flags are shared. */
  EQ(3, write(fd, "abc", 3));
  EQ(3, lseek(d, 0, SEEK_CUR));
  OK(fcntl(d, F_SETFL, O_APPEND | O_NONBLOCK));
  EQ(O_RDWR | O_APPEND | O_NONBLOCK | 0100000, fcntl(fd, F_GETFL));
  OK(fcntl(d, F_SETFL, 0));
  EQ(O_RDWR | 0100000, fcntl(fd, F_GETFL));
  int e = OK(fcntl(fd, F_DUPFD, 50));
  EQ(50, e);
  EQ(51, OK(fcntl(fd, F_DUPFD_CLOEXEC, 50)));
  EQ(FD_CLOEXEC, fcntl(51, F_GETFD));
  FAILS(EINVAL, fcntl(fd, F_DUPFD, -1));
  FAILS(EINVAL, fcntl(fd, 999));
  FAILS(EBADF, fcntl(999, F_GETFD));
  EQ(51, dup2(fd, 51));
  EQ(0, fcntl(51, F_GETFD));
  EQ(51, dup2(51, 51));
  FAILS(EBADF, dup2(999, 51));
  FAILS(EBADF, dup2(fd, -1));
  FAILS(EINVAL, dup3(fd, fd, 0));
  FAILS(EINVAL, dup3(fd, 60, 1));
  EQ(60, dup3(fd, 60, O_CLOEXEC));
  EQ(FD_CLOEXEC, fcntl(60, F_GETFD));
  FAILS(EBADF, dup(999));

  int n = 1;
  OK(ioctl(fd, FIONBIO, &n));
  EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
  n = 0;
  OK(ioctl(fd, FIONBIO, &n));
  EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
  OK(ioctl(fd, FIOCLEX));
  EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
  OK(ioctl(fd, FIONCLEX));
  EQ(0, fcntl(fd, F_GETFD));
  EQ(1, lseek(fd, 1, SEEK_SET));
  OK(ioctl(fd, FIONREAD, &n));
  EQ(2, n);
  FAILS(ENOTTY, ioctl(fd, TCGETS, &n));
  FAILS(EFAULT, ioctl(fd, FIONBIO, BAD));
  FAILS(EBADF, ioctl(999, FIONREAD, &n));
  FAILS(EBADF, fcntl(fd, F_GETPIPE_SZ));
  OK(fcntl(fd, F_SETOWN, getpid()));
  EQ(getpid(), fcntl(fd, F_GETOWN));
  OK(fcntl(fd, F_SETSIG, SIGUSR1));
  EQ(SIGUSR1, fcntl(fd, F_GETSIG));
  FAILS(EINVAL, fcntl(fd, F_SETSIG, 100));

  struct rlimit l;
  OK(getrlimit(RLIMIT_NOFILE, &l));
  rlim_t before = l.rlim_cur;
  l.rlim_cur = 70;
  OK(setrlimit(RLIMIT_NOFILE, &l));
  FAILS(EMFILE, fcntl(fd, F_DUPFD, 69) == 69 ? fcntl(fd, F_DUPFD, 69) : 0);
  FAILS(EINVAL, fcntl(fd, F_DUPFD, 70));
  FAILS(EBADF, dup2(fd, 70));
  int last = -1, r;
  while ((r = dup(fd)) >= 0) last = r;
  EQ(EMFILE, errno);
  EQ(68, last);
  FAILS(EMFILE, open(".", O_RDONLY));
  int p[2];
  OK(close(68));
  FAILS(EMFILE, pipe(p));
  EQ(68, OK(dup(fd)));
  l.rlim_cur = before;
  OK(setrlimit(RLIMIT_NOFILE, &l));
  for (int i = d; i < 70; i++) close(i);

  /* A child has its own table, of the same open files. */
  EQ(0, lseek(fd, 0, SEEK_SET));
  pid_t pid = fork();
  if (pid == 0) {
    lseek(fd, 2, SEEK_SET);
    close(fd);
    _exit(0);
  }
  OK(waitpid(pid, NULL, 0));
  EQ(2, lseek(fd, 0, SEEK_CUR));
  tmpdir_leave();
  DONE();
}
