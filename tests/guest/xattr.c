/* Extended attributes. */
#include "tmpdir.h"
#include <sys/xattr.h>

int main(void) {
  tmpdir_enter();
  put_file("f", "x");
  char b[256];
  if (setxattr("f", "user.a", "value", 5, 0) != 0 && errno == EOPNOTSUPP) SKIP("no user attributes here");
  EQ(5, getxattr("f", "user.a", b, sizeof b));
  CHECK(memcmp(b, "value", 5) == 0);
  EQ(5, getxattr("f", "user.a", NULL, 0));
  FAILS(ERANGE, getxattr("f", "user.a", b, 4));
  FAILS(ENODATA, getxattr("f", "user.none", b, sizeof b));
  FAILS(EOPNOTSUPP, getxattr("f", "strange.a", b, sizeof b));
  FAILS(EOPNOTSUPP, setxattr("f", "a", "v", 1, 0));
  FAILS(EEXIST, setxattr("f", "user.a", "v", 1, XATTR_CREATE));
  FAILS(ENODATA, setxattr("f", "user.b", "v", 1, XATTR_REPLACE));
  FAILS(EINVAL, setxattr("f", "user.b", "v", 1, 4));
  OK(setxattr("f", "user.a", "v2", 2, XATTR_REPLACE));
  OK(setxattr("f", "user.empty", "", 0, 0));
  EQ(0, getxattr("f", "user.empty", b, sizeof b));
  EQ(2, getxattr("f", "user.a", b, sizeof b));
  long n = OK(listxattr("f", b, sizeof b));
  int found = 0;
  for (char *p = b; p < b + n; p += strlen(p) + 1) found += strncmp(p, "user.", 5) == 0;
  EQ(2, found);
  EQ(n, listxattr("f", NULL, 0));
  FAILS(ERANGE, listxattr("f", b, 1));
  char name[300] = "user.";
  memset(name + 5, 'n', 294);
  FAILS(ERANGE, setxattr("f", name, "v", 1, 0));
  FAILS(ERANGE, setxattr("f", "", "v", 1, 0));
  static char large[70000];
  FAILS(E2BIG, setxattr("f", "user.big", large, sizeof large, 0));
  FAILS(EFAULT, setxattr("f", "user.x", BAD, 1, 0));
  FAILS(EFAULT, setxattr("f", BAD, "v", 1, 0));
  FAILS(EFAULT, getxattr(BAD, "user.a", b, 1));
  FAILS(EFAULT, getxattr("f", "user.a", BAD, 100));
  int fd = OK(open("f", O_RDWR));
  OK(fsetxattr(fd, "user.fd", "1", 1, 0));
  EQ(1, fgetxattr(fd, "user.fd", b, sizeof b));
  OK(fremovexattr(fd, "user.fd"));
  FAILS(ENODATA, fremovexattr(fd, "user.fd"));
  OK(close(fd));
  OK(symlink("f", "l"));
  EQ(2, getxattr("l", "user.a", b, sizeof b));
  FAILS(EPERM, lsetxattr("l", "user.a", "v", 1, 0));
  OK(removexattr("f", "user.a"));
  FAILS(ENODATA, getxattr("f", "user.a", b, sizeof b));
  tmpdir_leave();
  DONE();
}
