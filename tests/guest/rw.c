/* read(2), write(2), their vector and positional kin, lseek(2), truncate(2), fallocate(2). */
#include "tmpdir.h"
#include <sys/resource.h>
#include <sys/uio.h>

static void plain(void) {
  int fd = OK(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
  char b[64];
  EQ(0, read(fd, b, sizeof b));
  EQ(10, write(fd, "0123456789", 10));
  EQ(0, read(fd, b, sizeof b));
  EQ(3, lseek(fd, 3, SEEK_SET));
  EQ(7, read(fd, b, sizeof b));
  CHECK(memcmp(b, "3456789", 7) == 0);
  EQ(2, pread(fd, b, 2, 4));
  CHECK(memcmp(b, "45", 2) == 0);
  EQ(10, lseek(fd, 0, SEEK_CUR));
  EQ(0, pread(fd, b, 2, 10));
  EQ(0, pread(fd, b, 2, 1000));
  FAILS(EINVAL, pread(fd, b, 2, -1));
  EQ(2, pwrite(fd, "XY", 2, 20));
  EQ(22, lseek(fd, 0, SEEK_END));
  EQ(22, pread(fd, b, sizeof b, 0));
  CHECK(memcmp(b + 10, "\0\0\0\0\0\0\0\0\0\0XY", 12) == 0);
  EQ(0, read(fd, BAD, 0));
  EQ(0, write(fd, "", 0));
  FAILS(EFAULT, pread(fd, BAD, 1, 0));
  FAILS(EFAULT, pwrite(fd, BAD, 1, 0));
  FAILS(EFAULT, read(fd, (void *)-1L, 1));
  FAILS(EINVAL, lseek(fd, -1, SEEK_SET));
  FAILS(EINVAL, lseek(fd, 0, 99));
  FAILS(EBADF, lseek(-1, 0, SEEK_SET));
  OK(close(fd));
  FAILS(EBADF, read(fd, b, 1));
  fd = OK(open("f", O_RDONLY));
  FAILS(EBADF, write(fd, "x", 1));
  FAILS(EINVAL, ftruncate(fd, 0));
  OK(close(fd));
  fd = OK(open("f", O_WRONLY));
  FAILS(EBADF, read(fd, b, 1));
  OK(close(fd));
  fd = OK(open(".", O_RDONLY));
  FAILS(EISDIR, read(fd, b, 1));
  OK(close(fd));
}

static void halfway(void) {
  /* A buffer whose second page is not there: what fits is moved. */
  char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(p != MAP_FAILED);
  OK(munmap(p + 4096, 4096));
  memset(p, 'a', 4096);
  int fd = OK(open("h", O_RDWR | O_CREAT, 0600));
  long n = write(fd, p + 4000, 200);
  CHECK(n == 96 || (n == -1 && errno == EFAULT));
  OK(ftruncate(fd, 0));
  EQ(4096, pwrite(fd, p, 4096, 0));
  EQ(4096, pwrite(fd, p, 4096, 4096));
  n = pread(fd, p + 4000, 200, 0);
  EQ(96, n);
  OK(close(fd));
  OK(munmap(p, 4096));
}

static void vectors(void) {
  int fd = OK(open("v", O_RDWR | O_CREAT, 0600));
  struct iovec w[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
  EQ(5, writev(fd, w, 3));
  char a[2], b[10];
  struct iovec r[2] = {{a, 2}, {b, 10}};
  EQ(0, lseek(fd, 0, SEEK_SET));
  EQ(5, readv(fd, r, 2));
  CHECK(memcmp(a, "ab", 2) == 0 && memcmp(b, "cde", 3) == 0);
  EQ(3, preadv(fd, r, 2, 2));
  EQ(5, pwritev(fd, w, 3, 1));
  EQ(6, lseek(fd, 0, SEEK_END));
  EQ(0, readv(fd, r, 0));
  FAILS(EINVAL, readv(fd, r, -1));
  FAILS(EINVAL, readv(fd, r, 1025));
  FAILS(EFAULT, readv(fd, BAD, 1));
  FAILS(EFAULT, writev(fd, BAD, 1));
  struct iovec negative = {a, -1};
  FAILS(EINVAL, readv(fd, &negative, 1));
  FAILS(EINVAL, preadv(fd, r, 2, -1));
  EQ(5, preadv2(fd, r, 2, 1, 0));
  EQ(0, lseek(fd, 0, SEEK_SET));
  EQ(6, preadv2(fd, r, 2, -1, 0));
  EQ(6, lseek(fd, 0, SEEK_CUR));
  FAILS(EOPNOTSUPP, preadv2(fd, r, 2, 0, 0x40000000));
  OK(close(fd));
}

static void sizes(void) {
  int fd = OK(open("s", O_RDWR | O_CREAT, 0600));
  OK(ftruncate(fd, 10000));
  struct stat st;
  OK(fstat(fd, &st));
  EQ(10000, st.st_size);
  EQ(1, pwrite(fd, "x", 1, 5000));
  OK(ftruncate(fd, 5001));
  OK(ftruncate(fd, 10000));
  char c;
  EQ(1, pread(fd, &c, 1, 5000));
  EQ('x', c);
  EQ(1, pread(fd, &c, 1, 5001));
  EQ(0, c);
  FAILS(EINVAL, ftruncate(fd, -1));
  FAILS(EINVAL, truncate("s", -1));
  OK(truncate("s", 1 << 20));
  FAILS(EISDIR, truncate(".", 0));
  FAILS(ENOENT, truncate("none", 0));
  FAILS(EFAULT, truncate(BAD, 0));
  OK(fallocate(fd, 0, 1 << 20, 4096));
  OK(fstat(fd, &st));
  EQ((1 << 20) + 4096, st.st_size);
  OK(fallocate(fd, 1, 1 << 21, 4096));
  OK(fstat(fd, &st));
  EQ((1 << 20) + 4096, st.st_size);
  FAILS(EINVAL, fallocate(fd, 0, 0, 0));
  FAILS(EINVAL, fallocate(fd, 0, -1, 1));
  FAILS(EOPNOTSUPP, fallocate(fd, 2, 0, 4096));
  FAILS(EBADF, fallocate(-1, 0, 0, 1));
  char page[4096];
  memset(page, 'p', sizeof page);
  for (int i = 0; i < 4; i++) EQ(4096, pwrite(fd, page, 4096, i * 4096));
  if (fallocate(fd, 3, 4096, 4096) == 0) {
    EQ(4096, pread(fd, page, 4096, 4096));
    for (int i = 0; i < 4096; i++) CHECK(page[i] == 0 || (i = 4096, 0));
    EQ(4096, pread(fd, page, 4096, 8192));
    EQ('p', page[0]);
    OK(fallocate(fd, 3, 8190, 4));
    EQ(4096, pread(fd, page, 4096, 8192));
    EQ(0, page[1]);
    EQ('p', page[2]);
  }
  OK(fsync(fd));
  OK(fdatasync(fd));
  OK(syncfs(fd));
  FAILS(EBADF, fsync(-1));
  OK(close(fd));
}

static void holes(void) {
  int fd = OK(open("sparse", O_RDWR | O_CREAT | O_TRUNC, 0600));
  EQ(1, pwrite(fd, "a", 1, 0));
  EQ(1, pwrite(fd, "b", 1, 1 << 20));
  off_t hole = lseek(fd, 0, SEEK_HOLE);
  CHECK(hole > 0 && hole <= (1 << 20) + 1);
  EQ(0, lseek(fd, 0, SEEK_DATA));
  off_t data = lseek(fd, hole, SEEK_DATA);
  if (hole < (1 << 20)) CHECK(data > 0 && data <= 1 << 20);
  FAILS(ENXIO, lseek(fd, 1 << 21, SEEK_DATA));
  FAILS(ENXIO, lseek(fd, 1 << 21, SEEK_HOLE));
  EQ((1 << 20) + 1, lseek(fd, 1 << 20, SEEK_HOLE));
  OK(close(fd));
}

static void big(void) {
  /* Larger than any piece that is copied at once. */
  size_t size = 3 << 20;
  unsigned char *p = malloc(size), *q = malloc(size);
  for (size_t i = 0; i < size; i++) p[i] = i * 7 + (i >> 11);
  int fd = OK(open("big", O_RDWR | O_CREAT, 0600));
  EQ(size, write(fd, p, size));
  EQ(size, pread(fd, q, size, 0));
  CHECK(memcmp(p, q, size) == 0);
  EQ(size - 4095, pread(fd, q, size, 4095));
  CHECK(memcmp(p + 4095, q, size - 4095) == 0);
  OK(close(fd));
  free(p);
  free(q);
}

static void mapped(void) {
  int fd = OK(open("m", O_RDWR | O_CREAT, 0600));
  OK(ftruncate(fd, 12288));
  char *p = mmap(0, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(p != MAP_FAILED);
  EQ(3, pwrite(fd, "abc", 3, 4096));
  CHECK(memcmp(p + 4096, "abc", 3) == 0);
  memcpy(p + 8192, "xyz", 3);
  char b[3];
  EQ(3, pread(fd, b, 3, 8192));
  CHECK(memcmp(b, "xyz", 3) == 0);
  /* A write whose source is the file's own mapping. */
  EQ(4096, pwrite(fd, p + 4096, 4096, 0));
  CHECK(memcmp(p, "abc", 3) == 0);
  OK(munmap(p, 12288));
  OK(close(fd));
}

static volatile sig_atomic_t xfsz;
static void on_xfsz(int s) { xfsz = s; }

static void limit(void) {
  signal(SIGXFSZ, on_xfsz);
  struct rlimit old, l;
  OK(getrlimit(RLIMIT_FSIZE, &old));
  l = old;
  l.rlim_cur = 1000;
  OK(setrlimit(RLIMIT_FSIZE, &l));
  int fd = OK(open("limit", O_RDWR | O_CREAT, 0600));
  char b[2000] = {0};
  EQ(1000, write(fd, b, sizeof b));
  EQ(0, xfsz);
  FAILS(EFBIG, write(fd, b, 1));
  EQ(SIGXFSZ, xfsz);
  FAILS(EFBIG, ftruncate(fd, 1001));
  OK(ftruncate(fd, 999));
  OK(close(fd));
  OK(setrlimit(RLIMIT_FSIZE, &old));
}

int main(void) {
  tmpdir_enter();
  plain();
  halfway();
  vectors();
  sizes();
  holes();
  big();
  mapped();
  limit();
  tmpdir_leave();
  DONE();
}
