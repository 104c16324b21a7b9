/* man 4 null, full, random: reading, writing, positions. */
#include "test.h"

static void positions(const char *name) {
  int fd = OK(open(name, O_RDWR));
  EQ(0, lseek(fd, 100, SEEK_SET));
  EQ(0, lseek(fd, 7, SEEK_CUR));
  EQ(0, lseek(fd, 0, SEEK_END));
  EQ(0, lseek(fd, -5, SEEK_SET));
  EQ(0, lseek(fd, LONG_MIN, SEEK_CUR));
  FAILS(EINVAL, lseek(fd, 0, 99));
  close(fd);
}

int main(void) {
  char b[64];
  static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full"};
  for (int i = 0; i < 3; i++) positions(devices[i]);
  int null = OK(open("/dev/null", O_RDWR)), zero = OK(open("/dev/zero", O_RDWR)), full = OK(open("/dev/full", O_RDWR)),
      random = OK(open("/dev/urandom", O_RDWR));
  EQ(0, read(null, b, sizeof b));
  EQ(0, pread(null, b, sizeof b, 1000));
  EQ(64, write(null, b, 64));
  EQ(64, pwrite(null, b, 64, 1L << 40));
  EQ(5, write(null, BAD, 5)); /* Nobody looks. */
  memset(b, 1, sizeof b);
  EQ(64, read(zero, b, sizeof b));
  EQ(0, b[0] | b[63]);
  EQ(64, write(zero, b, sizeof b));
  FAILS(EFAULT, read(zero, BAD, 5));
  memset(b, 1, sizeof b);
  EQ(64, read(full, b, sizeof b));
  EQ(0, b[0] | b[63]);
  FAILS(ENOSPC, write(full, b, 1));
  FAILS(ENOSPC, pwrite(full, b, 1, 50));
  memset(b, 0, sizeof b);
  EQ(64, read(random, b, sizeof b));
  int bits = 0;
  for (int i = 0; i < 64; i++) bits |= b[i];
  CHECK(bits != 0);
  EQ(16, write(random, b, 16));
  FAILS(EFAULT, read(random, BAD, 5));
  /* Memory that is zero comes from /dev/zero as well, each mapping its own. */
  char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0), *q;
  CHECK(p != MAP_FAILED);
  p[0] = 1;
  q = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, zero, 0);
  EQ(0, q[0]);
  FAILS(ENODEV, mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, null, 0));
  FAILS(ENODEV, mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, random, 0));
  DONE();
}
