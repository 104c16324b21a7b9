/* memfd_create(2) and seals. */
#include "test.h"

int main(void) {
  int fd = OK(memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
  char path[64], text[64] = {0}, c;
  sprintf(path, "/proc/self/fd/%d", fd);
  CHECK(readlink(path, text, sizeof text) > 0 && strcmp(text, "/memfd:name (deleted)") == 0);
  EQ(0, fcntl(fd, F_GET_SEALS));
  EQ(3, write(fd, "abc", 3));
  OK(ftruncate(fd, 8192));
  char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(p != MAP_FAILED && memcmp(p, "abc", 3) == 0);
  p[4096] = 'z';
  EQ(1, pread(fd, &c, 1, 4096));
  EQ('z', c);
  FAILS(EBUSY, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  OK(munmap(p, 8192));
  OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  FAILS(EPERM, ftruncate(fd, 100));
  OK(ftruncate(fd, 10000));
  OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  FAILS(EPERM, ftruncate(fd, 20000));
  FAILS(EPERM, pwrite(fd, "x", 1, 10000));
  EQ(1, pwrite(fd, "x", 1, 9999));
  OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  FAILS(EPERM, pwrite(fd, "x", 1, 0));
  p = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
  CHECK(p != MAP_FAILED);
  EQ('a', p[0]);
  OK(munmap(p, 4096));
  FAILS(EPERM, mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
  FAILS(EPERM, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  EQ(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, fcntl(fd, F_GET_SEALS));
  OK(close(fd));
  fd = OK(memfd_create("", 0));
  EQ(F_SEAL_SEAL, fcntl(fd, F_GET_SEALS));
  FAILS(EPERM, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  OK(close(fd));
  char name[300];
  memset(name, 'n', sizeof name);
  name[250] = 0;
  FAILS(EINVAL, memfd_create(name, 0));
  name[249] = 0;
  OK(close(OK(memfd_create(name, 0))));
  FAILS(EINVAL, memfd_create("x", 0x10000000));
  FAILS(EFAULT, memfd_create(BAD, 0));
  FAILS(EINVAL, fcntl(0, F_GET_SEALS) == -1 ? -1 : (errno = 0));
  DONE();
}
