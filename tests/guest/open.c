/* open(2), openat2(2), close(2), path resolution. */
#include "tmpdir.h"
#include <linux/openat2.h>
#include <sys/ioctl.h>

static int ioctl_(int fd) {
  int n;
  return ioctl(fd, FIONREAD, &n);
}

static long openat2_(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {flags, mode, resolve};
  return syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static void creation(void) {
  FAILS(ENOENT, open("f", O_RDONLY));
  int fd = OK(open("f", O_RDWR | O_CREAT | O_EXCL, 0666));
  struct stat st;
  OK(fstat(fd, &st));
  EQ(S_IFREG | 0644, st.st_mode);
  EQ(0, st.st_size);
  EQ(1, st.st_nlink);
  FAILS(EEXIST, open("f", O_RDWR | O_CREAT | O_EXCL, 0666));
  int again = OK(open("f", O_RDONLY | O_CREAT, 0));
  EQ(fd + 1, again);
  EQ(O_RDONLY | 0100000, fcntl(again, F_GETFL));
  EQ(O_RDWR | 0100000, fcntl(fd, F_GETFL));
  OK(close(again));
  FAILS(EBADF, close(again));
  FAILS(EBADF, close(-1));
  /* A file made without permission for itself can still be written through the descriptor that made it. */
  int ro = OK(open("ro", O_WRONLY | O_CREAT, 0));
  EQ(1, write(ro, "x", 1));
  OK(close(ro));
  OK(close(fd));
  FAILS(EISDIR, open("new/", O_RDWR | O_CREAT, 0666));
  FAILS(EISDIR, open(".", O_RDWR | O_CREAT, 0666));
  FAILS(EISDIR, open(".", O_RDWR));
  FAILS(ENOTDIR, open("f/", O_RDONLY));
  FAILS(ENOTDIR, open("f/x", O_RDONLY));
  FAILS(ENOTDIR, open("f", O_RDONLY | O_DIRECTORY));
  FAILS(ENOENT, open("", O_RDONLY));
  FAILS(EFAULT, open(BAD, O_RDONLY));
}

static void truncation(void) {
  put_file("t", "0123456789");
  int fd = OK(open("t", O_RDWR | O_TRUNC));
  EQ(0, lseek(fd, 0, SEEK_END));
  OK(close(fd));
}

static void append(void) {
  put_file("a", "abc");
  int fd = OK(open("a", O_WRONLY | O_APPEND));
  EQ(0, lseek(fd, 0, SEEK_CUR));
  EQ(3, write(fd, "def", 3));
  EQ(6, lseek(fd, 0, SEEK_CUR));
  EQ(2, pwrite(fd, "gh", 2, 0));
  EQ(8, lseek(fd, 0, SEEK_END));
  OK(close(fd));
}

static void names(void) {
  char name[300];
  memset(name, 'n', sizeof name);
  name[255] = 0;
  int fd = OK(open(name, O_CREAT | O_RDWR, 0600));
  OK(close(fd));
  OK(unlink(name));
  name[255] = 'n', name[256] = 0;
  FAILS(ENAMETOOLONG, open(name, O_CREAT | O_RDWR, 0600));
  static char path[5000];
  memset(path, '/', sizeof path);
  path[4095] = 0;
  fd = OK(open(path, O_RDONLY));
  OK(close(fd));
  path[4095] = '/', path[4096] = 0;
  FAILS(ENAMETOOLONG, open(path, O_RDONLY));
}

static void links(void) {
  put_file("target", "hello");
  OK(symlink("target", "l1"));
  OK(symlink("l1", "l2"));
  OK(symlink("loop", "loop"));
  OK(symlink("nowhere", "dangling"));
  OK(mkdir("d", 0755));
  OK(symlink("d", "dl"));
  char c[8] = {0};
  int fd = OK(open("l2", O_RDONLY));
  EQ(5, read(fd, c, 8));
  OK(close(fd));
  FAILS(ELOOP, open("loop", O_RDONLY));
  FAILS(ELOOP, open("l1", O_RDONLY | O_NOFOLLOW));
  FAILS(ENOENT, open("dangling", O_RDONLY));
  FAILS(EEXIST, open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600));
  fd = OK(open("dangling", O_RDWR | O_CREAT, 0600));
  OK(close(fd));
  OK(access("nowhere", F_OK));
  fd = OK(open("l1", O_PATH | O_NOFOLLOW));
  struct stat st;
  OK(fstat(fd, &st));
  CHECK(S_ISLNK(st.st_mode));
  FAILS(EBADF, read(fd, c, 1));
  FAILS(EBADF, ioctl_(fd));
  char text[64] = {0};
  EQ(6, readlinkat(fd, "", text, sizeof text));
  CHECK(strcmp(text, "target") == 0);
  OK(close(fd));
  fd = OK(open("dl/", O_RDONLY | O_DIRECTORY));
  OK(close(fd));
  FAILS(ENOTDIR, open("dl", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  /* 40 links are followed, 41 are not. */
  OK(symlink("target", "chain0"));
  for (int i = 1; i < 41; i++) {
    char a[16], b[16];
    sprintf(a, "chain%d", i - 1);
    sprintf(b, "chain%d", i);
    OK(symlink(a, b));
  }
  fd = OK(open("chain39", O_RDONLY));
  OK(close(fd));
  FAILS(ELOOP, open("chain40", O_RDONLY));
}

static void dots(void) {
  OK(mkdir("dd", 0755));
  OK(mkdir("dd/ee", 0755));
  put_file("dd/f", "x");
  int fd = OK(open("dd/ee/../f", O_RDONLY));
  OK(close(fd));
  fd = OK(open("dd/./ee/.././f", O_RDONLY));
  OK(close(fd));
  fd = OK(open("dd//ee///..//f", O_RDONLY));
  OK(close(fd));
  FAILS(ENOTDIR, open("dd/f/..", O_RDONLY));
  FAILS(ENOTDIR, open("dd/f/.", O_RDONLY));
  fd = OK(open("/../../..", O_RDONLY));
  struct stat a, b;
  OK(fstat(fd, &a));
  OK(stat("/", &b));
  EQ(b.st_ino, a.st_ino);
  OK(close(fd));
}

static void at(void) {
  int dir = OK(open("dd", O_RDONLY | O_DIRECTORY));
  int fd = OK(openat(dir, "f", O_RDONLY));
  FAILS(ENOTDIR, openat(fd, "x", O_RDONLY));
  OK(close(fd));
  FAILS(EBADF, openat(999, "x", O_RDONLY));
  fd = OK(openat(999, "/", O_RDONLY));
  OK(close(fd));
  OK(close(dir));
}

static void how(void) {
  int dir = OK(open("dd", O_RDONLY | O_DIRECTORY));
  long fd = openat2_(dir, "f", O_RDONLY, 0, 0);
  if (fd < 0 && errno == ENOSYS) {
    close(dir);
    return;
  }
  CHECK(fd >= 0);
  OK(close(fd));
  FAILS(EXDEV, openat2_(dir, "../dd/f", O_RDONLY, 0, RESOLVE_BENEATH));
  FAILS(EXDEV, openat2_(dir, "/etc", O_RDONLY, 0, RESOLVE_BENEATH));
  OK(close(OK(openat2_(dir, "ee/../f", O_RDONLY, 0, RESOLVE_BENEATH))));
  OK(close(OK(openat2_(dir, "/f", O_RDONLY, 0, RESOLVE_IN_ROOT))));
  OK(close(OK(openat2_(dir, "../../f", O_RDONLY, 0, RESOLVE_IN_ROOT))));
  OK(symlink("f", "dd/sl"));
  FAILS(ELOOP, openat2_(dir, "sl", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
  FAILS(EINVAL, openat2_(dir, "f", O_RDONLY, 0, 1 << 20));
  FAILS(EINVAL, openat2_(dir, "f", 1ull << 40, 0, 0));
  FAILS(EINVAL, openat2_(dir, "f", O_RDONLY, 0644, 0));
  FAILS(EINVAL, openat2_(dir, "f", O_RDONLY, 0, RESOLVE_IN_ROOT | RESOLVE_BENEATH));
  FAILS(EFAULT, syscall(SYS_openat2, dir, "f", BAD, 24));
  FAILS(EINVAL, syscall(SYS_openat2, dir, "f", BAD, 8));
  char big[64] = {0};
  OK(close(OK(syscall(SYS_openat2, dir, "f", big, sizeof big))));
  big[40] = 1;
  FAILS(E2BIG, syscall(SYS_openat2, dir, "f", big, sizeof big));
  OK(close(dir));
}

static void permissions(void) {
  put_file("secret", "x");
  OK(chmod("secret", 0600));
  OK(mkdir("closed", 0700));
  put_file("closed/f", "x");
  OK(chmod(".", 0755));
  pid_t pid = fork();
  if (pid == 0) {
    OK(setgid(65534));
    OK(setuid(65534));
    FAILS(EACCES, open("secret", O_RDONLY));
    FAILS(EACCES, open("closed/f", O_RDONLY));
    FAILS(EACCES, open("mine", O_CREAT | O_RDWR, 0600));
    FAILS(EACCES, access("secret", R_OK));
    OK(access("secret", F_OK));
    FAILS(EPERM, chmod("secret", 0777));
    FAILS(EPERM, chown("secret", 65534, -1));
    FAILS(EPERM, open("target", O_RDONLY | O_NOATIME));
    FAILS(EACCES, unlink("secret"));
    _exit(failures != 0);
  }
  int status;
  OK(waitpid(pid, &status, 0));
  EQ(0, status);
}

static void many(void) {
  EQ(0, OK(dup2(0, 100)) - 100);
  OK(close(100));
  /* The lowest free descriptor is taken. */
  int a = OK(open(".", O_RDONLY)), b = OK(open(".", O_RDONLY)), c = OK(open(".", O_RDONLY));
  OK(close(a));
  OK(close(b));
  EQ(a, OK(open(".", O_RDONLY)));
  EQ(b, OK(open(".", O_RDONLY)));
  OK(syscall(SYS_close_range, a, c, 0));
  FAILS(EBADF, fcntl(a, F_GETFD));
  FAILS(EBADF, fcntl(b, F_GETFD));
  FAILS(EBADF, fcntl(c, F_GETFD));
  FAILS(EINVAL, syscall(SYS_close_range, 5, 4, 0));
  FAILS(EINVAL, syscall(SYS_close_range, 4, 5, 1 << 10));
}

static void temporary(void) {
  int fd = open(".", O_TMPFILE | O_RDWR, 0600);
  if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) return;
  CHECK(fd >= 0);
  EQ(2, write(fd, "hi", 2));
  struct stat st;
  OK(fstat(fd, &st));
  EQ(0, st.st_nlink);
  char path[64];
  sprintf(path, "/proc/self/fd/%d", fd);
  OK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  OK(stat("named", &st));
  EQ(2, st.st_size);
  EQ(1, st.st_nlink);
  OK(close(fd));
  FAILS(EINVAL, open(".", O_TMPFILE | O_RDONLY, 0600));
}

int main(void) {
  tmpdir_enter();
  creation();
  truncation();
  append();
  names();
  links();
  dots();
  at();
  how();
  permissions();
  many();
  temporary();
  tmpdir_leave();
  DONE();
}
