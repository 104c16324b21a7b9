/* eventfd(2). */
#include "test.h"
#include <poll.h>
#include <sys/eventfd.h>

int main(void) {
  uint64_t v;
  int fd = OK(eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
  EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
  EQ(8, read(fd, &v, 8));
  EQ(3, v);
  FAILS(EAGAIN, read(fd, &v, 8));
  FAILS(EINVAL, read(fd, &v, 7));
  FAILS(EINVAL, write(fd, &v, 7));
  v = -1;
  FAILS(EINVAL, write(fd, &v, 8));
  v = -2;
  EQ(8, write(fd, &v, 8));
  struct pollfd p = {fd, POLLIN | POLLOUT, 0};
  EQ(1, poll(&p, 1, 0));
  EQ(POLLIN, p.revents);
  v = 1;
  FAILS(EAGAIN, write(fd, &v, 8));
  EQ(8, read(fd, &v, 8));
  EQ(-2, v);
  EQ(1, poll(&p, 1, 0));
  EQ(POLLOUT, p.revents);
  FAILS(EFAULT, write(fd, BAD, 8));
  v = 1;
  EQ(8, write(fd, &v, 8));
  FAILS(EFAULT, read(fd, BAD, 8));
  OK(close(fd));
  fd = OK(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
  EQ(8, read(fd, &v, 8));
  EQ(1, v);
  EQ(8, read(fd, &v, 8));
  EQ(1, v);
  FAILS(EAGAIN, read(fd, &v, 8));
  OK(close(fd));
  FAILS(EINVAL, eventfd(0, 1 << 20));
  fd = OK(eventfd(0, 0));
  pid_t pid = fork();
  if (pid == 0) {
    usleep(20000);
    v = 5;
    _exit(write(fd, &v, 8) != 8);
  }
  EQ(8, read(fd, &v, 8));
  EQ(5, v);
  OK(waitpid(pid, NULL, 0));
  char path[64], text[64] = {0};
  sprintf(path, "/proc/self/fd/%d", fd);
  CHECK(readlink(path, text, sizeof text) > 0 && strcmp(text, "anon_inode:[eventfd]") == 0);
  DONE();
}
