/* rename(2) and renameat2(2). */
#include "tmpdir.h"
#include <sys/syscall.h>

static long rename2(const char *a, const char *b, int flags) {
  return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static long ino(const char *p) {
  struct stat st;
  return lstat(p, &st) == 0 ? (long)st.st_ino : -1;
}

int main(void) {
  tmpdir_enter();
  put_file("a", "a");
  put_file("b", "bb");
  OK(mkdir("d", 0755));
  OK(mkdir("d/e", 0755));
  OK(mkdir("empty", 0755));
  long a = ino("a");
  OK(rename("a", "c"));
  FAILS(ENOENT, rename("a", "c"));
  EQ(a, ino("c"));
  int fd = OK(open("b", O_RDONLY));
  OK(rename("c", "b"));
  EQ(a, ino("b"));
  /* The replaced file lives on while it is open. */
  char t[4];
  EQ(2, read(fd, t, 4));
  struct stat st;
  OK(fstat(fd, &st));
  EQ(0, st.st_nlink);
  OK(close(fd));
  OK(rename("b", "b"));
  OK(rename("b", "d/b"));
  FAILS(ENOENT, stat("b", &st));
  EQ(a, ino("d/b"));
  OK(rename("d/b", "b"));
  FAILS(EISDIR, rename("b", "empty"));
  FAILS(ENOTDIR, rename("empty", "b"));
  FAILS(ENOTEMPTY, rename("empty", "d"));
  FAILS(EINVAL, rename("d", "d/e/x"));
  FAILS(EINVAL, rename("d", "d/e"));
  FAILS(ENOTEMPTY, rename("d/e", "d"));
  FAILS(EBUSY, rename(".", "x"));
  FAILS(EBUSY, rename("d", ".."));
  FAILS(ENOTDIR, rename("b/", "x"));
  FAILS(ENOTDIR, rename("b", "x/"));
  FAILS(ENOENT, rename("b", "none/x"));
  FAILS(EFAULT, rename(BAD, "x"));
  FAILS(EFAULT, rename("b", BAD));
  OK(rename("d/", "dd/"));
  OK(rename("dd", "d"));
  OK(rename("empty", "d/e"));
  EQ(-1, ino("empty"));
  /* Hard links of one file: nothing happens. */
  OK(link("b", "b2"));
  OK(rename("b", "b2"));
  EQ(a, ino("b"));
  EQ(a, ino("b2"));
  OK(unlink("b2"));
  put_file("n", "n");
  FAILS(EEXIST, rename2("b", "n", 1));
  OK(rename2("b", "m", 1));
  long n = ino("n");
  OK(rename2("m", "n", 2));
  EQ(n, ino("m"));
  EQ(a, ino("n"));
  long d = ino("d");
  OK(rename2("d", "n", 2));
  EQ(d, ino("n"));
  EQ(a, ino("d"));
  OK(rename2("d", "n/e/x", 2) == -1 ? 0 : -1);
  OK(rename2("d", "n", 2));
  FAILS(ENOENT, rename2("m", "none", 2));
  FAILS(EINVAL, rename2("m", "n", 3));
  FAILS(EINVAL, rename2("m", "n", 1 << 10));
  /* A moved directory knows its new parent. */
  OK(mkdir("p", 0755));
  OK(rename("d", "p/d"));
  EQ(ino("p"), ino("p/d/.."));
  OK(symlink("nowhere", "l"));
  OK(rename("l", "l2"));
  CHECK(ino("l2") > 0);
  tmpdir_leave();
  DONE();
}
