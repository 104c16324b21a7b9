/* man 7 xattr: the calls that do not follow links, and those by descriptor. Runs as root. */
#include "tmpdir.h"
#include <sys/xattr.h>

static char b[512];

static int has(const char *name, long n) {
  for (char *p = b; p < b + n; p += strlen(p) + 1)
    if (strcmp(p, name) == 0) return 1;
  return 0;
}

/* A link has attributes of the trusted class only; user attributes are for files and directories. */
static void links(void) {
  OK(symlink("f", "l"));
  OK(symlink("nowhere", "dangling"));
  OK(lsetxattr("l", "trusted.t", "link", 4, 0));
  EQ(4, lgetxattr("l", "trusted.t", b, sizeof b));
  CHECK(memcmp(b, "link", 4) == 0);
  FAILS(ENODATA, getxattr("l", "trusted.t", b, sizeof b));
  FAILS(ENODATA, lgetxattr("f", "trusted.t", b, sizeof b));
  EQ(4, lgetxattr("l", "trusted.t", NULL, 0));
  FAILS(ERANGE, lgetxattr("l", "trusted.t", b, 3));
  FAILS(EFAULT, lgetxattr("l", "trusted.t", BAD, 10));
  FAILS(EFAULT, lgetxattr(BAD, "trusted.t", b, 1));
  FAILS(EFAULT, lgetxattr("l", BAD, b, 1));
  FAILS(ERANGE, lgetxattr("l", "", b, 1));
  FAILS(ENODATA, lgetxattr("l", "trusted.none", b, 1));
  FAILS(EOPNOTSUPP, lgetxattr("l", "strange.a", b, 1));
  FAILS(ENOENT, lgetxattr("missing", "trusted.t", b, 1));
  FAILS(ENOENT, getxattr("dangling", "trusted.t", b, 1));
  FAILS(ENODATA, lgetxattr("dangling", "trusted.t", b, 1));
  FAILS(ENOTDIR, lgetxattr("f/x", "trusted.t", b, 1));
  FAILS(EPERM, lsetxattr("l", "user.u", "v", 1, 0));
  FAILS(ENODATA, lgetxattr("l", "user.u", b, 1));
  FAILS(EEXIST, lsetxattr("l", "trusted.t", "v", 1, XATTR_CREATE));
  FAILS(ENODATA, lsetxattr("l", "trusted.v", "v", 1, XATTR_REPLACE));
  FAILS(EINVAL, lsetxattr("l", "trusted.v", "v", 1, 8));

  long n = OK(llistxattr("l", b, sizeof b));
  CHECK(has("trusted.t", n));
  EQ(n, llistxattr("l", NULL, 0));
  FAILS(ERANGE, llistxattr("l", b, 1));
  FAILS(EFAULT, llistxattr("l", BAD, sizeof b));
  FAILS(EFAULT, llistxattr(BAD, b, sizeof b));
  FAILS(ENOENT, llistxattr("missing", b, sizeof b));
  n = OK(listxattr("l", b, sizeof b));
  CHECK(!has("trusted.t", n));
  CHECK(has("user.file", n));
  OK(llistxattr("dangling", b, sizeof b));
  FAILS(ENOENT, listxattr("dangling", b, sizeof b));

  FAILS(EPERM, lremovexattr("l", "user.file"));
  FAILS(ENODATA, lremovexattr("l", "trusted.v"));
  FAILS(EOPNOTSUPP, lremovexattr("l", "strange.a"));
  FAILS(ERANGE, lremovexattr("l", ""));
  FAILS(EFAULT, lremovexattr(BAD, "trusted.t"));
  FAILS(EFAULT, lremovexattr("l", BAD));
  FAILS(ENOENT, lremovexattr("missing", "trusted.t"));
  OK(lremovexattr("l", "trusted.t"));
  FAILS(ENODATA, lgetxattr("l", "trusted.t", b, sizeof b));
  EQ(4, lgetxattr("f", "user.file", b, sizeof b));
}

static void descriptors(void) {
  int fd = OK(open("f", O_RDONLY)), path = OK(open("f", O_PATH));
  long n = OK(flistxattr(fd, b, sizeof b));
  CHECK(has("user.file", n));
  EQ(n, flistxattr(fd, NULL, 0));
  FAILS(ERANGE, flistxattr(fd, b, 1));
  FAILS(EFAULT, flistxattr(fd, BAD, sizeof b));
  FAILS(EBADF, flistxattr(-1, b, sizeof b));
  FAILS(EBADF, flistxattr(path, b, sizeof b));
  FAILS(EBADF, fgetxattr(path, "user.file", b, sizeof b));
  FAILS(EBADF, fsetxattr(path, "user.file", "v", 1, 0));
  FAILS(EBADF, fremovexattr(path, "user.file"));
  FAILS(EBADF, fgetxattr(-1, "user.file", b, sizeof b));
  FAILS(EBADF, fsetxattr(-1, "user.file", "v", 1, 0));
  FAILS(EBADF, fremovexattr(-1, "user.file"));
  FAILS(EFAULT, fgetxattr(fd, BAD, b, sizeof b));
  FAILS(EFAULT, fsetxattr(fd, BAD, "v", 1, 0));
  FAILS(EFAULT, fremovexattr(fd, BAD));
  /* A descriptor for reading is enough: the file's own rights count. */
  OK(fsetxattr(fd, "user.fd", "v", 1, 0));
  OK(fremovexattr(fd, "user.fd"));
  close(fd), close(path);
}

/* Without the capability the trusted class is not there, and another's file cannot be changed. */
static void as_user(void) {
  OK(setxattr("f", "trusted.hidden", "x", 1, 0));
  OK(chmod("f", 0644));
  OK(chmod(".", 0755));
  pid_t p = OK(fork());
  if (p == 0) {
    int before = failures;
    if (setgid(1234) || setuid(1234)) _exit(1);
    long n = OK(llistxattr("f", b, sizeof b));
    CHECK(has("user.file", n));
    CHECK(!has("trusted.hidden", n));
    FAILS(ENODATA, lgetxattr("f", "trusted.hidden", b, sizeof b));
    FAILS(EPERM, lsetxattr("f", "trusted.hidden", "y", 1, 0));
    FAILS(EPERM, lremovexattr("f", "trusted.hidden"));
    EQ(4, lgetxattr("f", "user.file", b, sizeof b));
    FAILS(EACCES, lsetxattr("f", "user.file", "y", 1, 0));
    FAILS(EACCES, lremovexattr("f", "user.file"));
    _exit(failures != before);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
  OK(removexattr("f", "trusted.hidden"));
}

int main(void) {
  tmpdir_enter();
  put_file("f", "x");
  if (setxattr("f", "user.file", "file", 4, 0) != 0 && errno == EOPNOTSUPP) SKIP("no user attributes here");
  if (setxattr("f", "trusted.probe", "", 0, 0) != 0) SKIP("no trusted attributes here");
  OK(removexattr("f", "trusted.probe"));
  links();
  descriptors();
  as_user();
  tmpdir_leave();
  DONE();
}
