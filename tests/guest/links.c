/* link(2), symlink(2), readlink(2), unlink(2), and files without a name. */
#include "tmpdir.h"

int main(void) {
  tmpdir_enter();
  put_file("f", "data");
  struct stat st;
  OK(link("f", "g"));
  OK(stat("g", &st));
  EQ(2, st.st_nlink);
  FAILS(EEXIST, link("f", "g"));
  FAILS(ENOENT, link("none", "h"));
  FAILS(EPERM, link(".", "h"));
  FAILS(EFAULT, link(BAD, "h"));
  FAILS(EFAULT, link("f", BAD));
  OK(unlink("f"));
  OK(stat("g", &st));
  EQ(1, st.st_nlink);
  int fd = OK(open("g", O_RDWR));
  OK(unlink("g"));
  OK(fstat(fd, &st));
  EQ(0, st.st_nlink);
  char b[64] = {0}, path[64];
  EQ(4, read(fd, b, sizeof b));
  EQ(4, write(fd, "more", 4));
  EQ(8, pread(fd, b, sizeof b, 0));
  sprintf(path, "/proc/self/fd/%d", fd);
  char text[PATH_MAX] = {0};
  CHECK(readlink(path, text, sizeof text) > 0);
  CHECK(strstr(text, "/g (deleted)") != NULL);
  int again = OK(open(path, O_RDONLY));
  EQ(8, read(again, b, sizeof b));
  OK(close(again));
  FAILS(ENOENT, linkat(AT_FDCWD, path, AT_FDCWD, "back", AT_SYMLINK_FOLLOW));
  OK(close(fd));

  OK(symlink("some/where", "s"));
  FAILS(EEXIST, symlink("x", "s"));
  FAILS(ENOENT, symlink("", "t"));
  FAILS(EFAULT, symlink(BAD, "t"));
  FAILS(EFAULT, symlink("x", BAD));
  memset(b, 0, sizeof b);
  EQ(10, readlink("s", b, sizeof b));
  CHECK(strcmp(b, "some/where") == 0);
  EQ(4, readlink("s", b, 4));
  FAILS(EINVAL, readlink("s", b, 0));
  FAILS(EINVAL, readlink(".", b, sizeof b));
  FAILS(ENOENT, readlink("none", b, sizeof b));
  FAILS(EFAULT, readlink("s", BAD, 10));
  OK(lstat("s", &st));
  CHECK(S_ISLNK(st.st_mode));
  EQ(10, st.st_size);
  FAILS(ENOENT, stat("s", &st));
  OK(link("s", "s2"));
  OK(lstat("s2", &st));
  CHECK(S_ISLNK(st.st_mode));
  OK(lchown("s", 5, 6));
  OK(lstat("s", &st));
  EQ(5, st.st_uid);
  FAILS(ENOENT, unlink("none"));
  FAILS(EFAULT, unlink(BAD));
  FAILS(EINVAL, unlinkat(AT_FDCWD, "s", 1));
  FAILS(ENOTDIR, unlinkat(AT_FDCWD, "s", AT_REMOVEDIR));
  OK(unlink("s"));
  OK(unlink("s2"));
  tmpdir_leave();
  DONE();
}
