/* sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2). */
#include "tmpdir.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

static char text[100000], back[100000];

int main(void) {
  tmpdir_enter();
  for (int i = 0; i < 100000; i++) text[i] = i * 3 + i / 256;
  int f = OK(open("f", O_RDWR | O_CREAT, 0600)), g = OK(open("g", O_RDWR | O_CREAT, 0600));
  EQ(100000, write(f, text, 100000));
  off_t off = 10;
  EQ(99990, sendfile(g, f, &off, 200000));
  EQ(100000, off);
  EQ(100000, lseek(f, 0, SEEK_CUR));
  EQ(99990, pread(g, back, 100000, 0));
  CHECK(memcmp(back, text + 10, 99990) == 0);
  EQ(0, lseek(f, 0, SEEK_SET));
  EQ(0, lseek(g, 0, SEEK_SET));
  EQ(1000, sendfile(g, f, NULL, 1000));
  EQ(1000, lseek(f, 0, SEEK_CUR));
  EQ(1000, lseek(g, 0, SEEK_CUR));
  EQ(0, sendfile(g, f, (off = 100000, &off), 10));
  FAILS(EINVAL, sendfile(g, f, (off = -1, &off), 10));
  FAILS(EFAULT, sendfile(g, f, BAD, 10));
  FAILS(EBADF, sendfile(-1, f, NULL, 10));
  FAILS(EBADF, sendfile(g, -1, NULL, 10));

  OK(ftruncate(g, 0));
  loff_t in = 5, out = 7;
  EQ(99995, copy_file_range(f, &in, g, &out, 200000, 0));
  EQ(100000, in);
  EQ(100002, out);
  EQ(99995, pread(g, back, 100000, 7));
  CHECK(memcmp(back, text + 5, 99995) == 0);
  FAILS(EINVAL, copy_file_range(f, &in, g, &out, 1, 1));
  in = 0, out = 10;
  FAILS(EINVAL, copy_file_range(f, &in, f, &out, 100, 0));

  int p[2], q[2];
  OK(pipe(p));
  OK(pipe(q));
  off = 0;
  EQ(5000, splice(f, &off, p[1], NULL, 5000, 0));
  EQ(5000, off);
  EQ(5000, tee(p[0], q[1], 10000, 0));
  EQ(5000, read(p[0], back, 10000));
  CHECK(memcmp(back, text, 5000) == 0);
  OK(ftruncate(g, 0));
  off = 100;
  EQ(5000, splice(q[0], NULL, g, &off, 10000, 0));
  EQ(5100, off);
  EQ(5000, pread(g, back, 10000, 100));
  CHECK(memcmp(back, text, 5000) == 0);
  EQ(3, write(p[1], "abc", 3));
  EQ(2, splice(p[0], NULL, q[1], NULL, 2, 0));
  EQ(1, read(p[0], back, 10));
  EQ(2, read(q[0], back, 10));
  FAILS(EAGAIN, splice(p[0], NULL, q[1], NULL, 2, SPLICE_F_NONBLOCK));
  FAILS(EAGAIN, tee(p[0], q[1], 2, SPLICE_F_NONBLOCK));
  FAILS(EINVAL, splice(f, NULL, g, NULL, 10, 0));
  FAILS(EINVAL, splice(p[0], NULL, p[1], NULL, 10, 0));
  FAILS(ESPIPE, splice(p[0], &off, g, NULL, 10, 0));
  FAILS(EINVAL, splice(p[0], NULL, q[1], NULL, 10, 0x100));
  FAILS(EINVAL, tee(f, p[1], 10, 0));
  struct iovec v[2] = {{text, 100}, {text + 200, 50}};
  EQ(150, vmsplice(p[1], v, 2, 0));
  EQ(150, read(p[0], back, 1000));
  CHECK(memcmp(back, text, 100) == 0 && memcmp(back + 100, text + 200, 50) == 0);
  FAILS(EBADF, vmsplice(f, v, 2, 0));
  OK(close(p[1]));
  EQ(0, splice(p[0], NULL, q[1], NULL, 10, 0));
  tmpdir_leave();
  DONE();
}
