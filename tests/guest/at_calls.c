/* The calls by descriptor and name, with their flags: fchmodat2, faccessat2, utimensat and its forerunners, mknodat,
 * fchownat, renameat, symlinkat, creat, fstatfs. Runs as root. */
#include "tmpdir.h"
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <utime.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

static int dir, file, path;

static struct stat st;
static int mode_of(const char *name) {
  OK(lstat(name, &st));
  return st.st_mode & 07777;
}

static long fchmodat2_(int fd, const char *name, unsigned mode, unsigned flags) {
  return syscall(SYS_fchmodat2, fd, name, mode, flags);
}

static void modes(void) {
  if (fchmodat2_(-1, "", 0, 0) == -1 && errno == ENOSYS) {
    printf("no fchmodat2 in this kernel\n");
  } else {
    OK(fchmodat2_(dir, "f", 0600, 0));
    EQ(0600, mode_of("d/f"));
    OK(fchmodat2_(AT_FDCWD, "d/f", 0640, 0));
    EQ(0640, mode_of("d/f"));
    OK(fchmodat2_(dir, "l", 0644, 0));
    EQ(0644, mode_of("d/f"));
    OK(fchmodat2_(dir, "f", 0600, AT_SYMLINK_NOFOLLOW));
    EQ(0600, mode_of("d/f"));
    FAILS(EOPNOTSUPP, fchmodat2_(dir, "l", 0600, AT_SYMLINK_NOFOLLOW));
    OK(fchmodat2_(file, "", 0644, AT_EMPTY_PATH));
    EQ(0644, mode_of("d/f"));
    OK(fchmodat2_(path, "", 0600, AT_EMPTY_PATH));
    EQ(0600, mode_of("d/f"));
    FAILS(ENOENT, fchmodat2_(dir, "", 0644, 0));
    FAILS(EINVAL, fchmodat2_(dir, "f", 0644, 0x8));
    FAILS(EINVAL, fchmodat2_(dir, "f", 0644, AT_SYMLINK_FOLLOW));
    FAILS(EBADF, fchmodat2_(-1, "f", 0644, 0));
    FAILS(ENOTDIR, fchmodat2_(file, "f", 0644, 0));
    FAILS(ENOENT, fchmodat2_(dir, "none", 0644, 0));
    FAILS(EFAULT, fchmodat2_(dir, BAD, 0644, 0));
  }
  OK(syscall(SYS_fchmodat, dir, "f", 0644));
  EQ(0644, mode_of("d/f"));
  FAILS(EBADF, syscall(SYS_fchmodat, -1, "f", 0644));
  FAILS(ENOTDIR, syscall(SYS_fchmodat, file, "f", 0644));
  FAILS(EFAULT, syscall(SYS_fchmodat, dir, BAD, 0644));
}

static long may(int fd, const char *name, int mode, int flags) { return syscall(SYS_faccessat2, fd, name, mode, flags); }

static void access_rights(void) {
  EQ(0, may(dir, "f", R_OK | W_OK, 0));
  EQ(0, may(dir, "f", F_OK, AT_EACCESS));
  EQ(0, may(dir, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
  FAILS(ENOENT, may(dir, "dangling", F_OK, 0));
  EQ(0, may(file, "", R_OK, AT_EMPTY_PATH));
  EQ(0, may(path, "", R_OK, AT_EMPTY_PATH));
  FAILS(ENOENT, may(dir, "", F_OK, 0));
  FAILS(EACCES, may(dir, "f", X_OK, 0));
  FAILS(EINVAL, may(dir, "f", 8, 0));
  FAILS(EINVAL, may(dir, "f", F_OK, 0x8));
  FAILS(EBADF, may(-1, "f", F_OK, 0));
  FAILS(ENOTDIR, may(file, "f", F_OK, 0));
  FAILS(EFAULT, may(dir, BAD, F_OK, 0));
  EQ(0, syscall(SYS_faccessat, dir, "f", R_OK));
  FAILS(EINVAL, syscall(SYS_faccessat, dir, "f", 8));
  FAILS(EBADF, syscall(SYS_faccessat, -1, "f", F_OK));
  FAILS(EFAULT, syscall(SYS_faccessat, dir, BAD, F_OK));
  /* The real user counts, or the effective one. */
  pid_t p = OK(fork());
  if (p == 0) {
    int before = failures;
    OK(syscall(SYS_fchmodat, dir, "f", 0600));
    OK(setresuid(1234, 0, 0));
    FAILS(EACCES, may(dir, "f", R_OK, 0));
    FAILS(EACCES, syscall(SYS_faccessat, dir, "f", R_OK));
    EQ(0, may(dir, "f", R_OK, AT_EACCESS));
    OK(setresuid(0, 1234, 0));
    EQ(0, may(dir, "f", R_OK, 0));
    FAILS(EACCES, may(dir, "f", R_OK, AT_EACCESS));
    _exit(failures != before);
  }
  int status;
  OK(waitpid(p, &status, 0));
  EQ(0, status);
  OK(syscall(SYS_fchmodat, dir, "f", 0644));
}

static void times_of(const char *name, long atime, long atime_ns, long mtime, long mtime_ns) {
  OK(stat(name, &st));
  EQ(atime, st.st_atim.tv_sec);
  EQ(atime_ns, st.st_atim.tv_nsec);
  EQ(mtime, st.st_mtim.tv_sec);
  EQ(mtime_ns, st.st_mtim.tv_nsec);
}

static void times(void) {
  struct timeval tv[2] = {{1000, 5}, {2000, 6}}, wrong[2] = {{1, 1000000}, {1, 0}}, negative[2] = {{1, -1}, {1, 0}};
  OK(syscall(SYS_futimesat, dir, "f", tv));
  times_of("d/f", 1000, 5000, 2000, 6000);
  OK(syscall(SYS_futimesat, file, NULL, NULL));
  OK(stat("d/f", &st));
  CHECK(st.st_mtim.tv_sec > 1000000);
  OK(syscall(SYS_futimesat, file, NULL, tv));
  times_of("d/f", 1000, 5000, 2000, 6000);
  FAILS(EINVAL, syscall(SYS_futimesat, dir, "f", wrong));
  FAILS(EINVAL, syscall(SYS_futimesat, dir, "f", negative));
  FAILS(EFAULT, syscall(SYS_futimesat, dir, BAD, tv));
  FAILS(EFAULT, syscall(SYS_futimesat, dir, "f", BAD));
  FAILS(EBADF, syscall(SYS_futimesat, -1, "f", tv));
  FAILS(ENOENT, syscall(SYS_futimesat, dir, "none", tv));
  FAILS(ENOENT, syscall(SYS_futimesat, dir, "", tv));
  FAILS(ENOTDIR, syscall(SYS_futimesat, file, "f", tv));
  tv[0].tv_sec = 3000, tv[1].tv_sec = 4000;
  OK(syscall(SYS_utimes, "d/l", tv));
  times_of("d/f", 3000, 5000, 4000, 6000);
  FAILS(EFAULT, syscall(SYS_utimes, BAD, tv));
  FAILS(EFAULT, syscall(SYS_utimes, "d/f", BAD));
  FAILS(EINVAL, syscall(SYS_utimes, "d/f", wrong));
  FAILS(ENOENT, syscall(SYS_utimes, "none", tv));
  struct utimbuf u = {5000, 6000};
  OK(syscall(SYS_utime, "d/f", &u));
  times_of("d/f", 5000, 0, 6000, 0);
  OK(syscall(SYS_utime, "d/f", NULL));
  OK(stat("d/f", &st));
  CHECK(st.st_mtim.tv_sec > 1000000);
  FAILS(EFAULT, syscall(SYS_utime, BAD, &u));
  FAILS(EFAULT, syscall(SYS_utime, "d/f", BAD));
  FAILS(ENOENT, syscall(SYS_utime, "none", &u));
  /* Now is for who may write, any time is for the owner. */
  OK(chmod("d/f", 0646));
  pid_t p = OK(fork());
  if (p == 0) {
    int before = failures;
    if (setgid(1234) || setuid(1234)) _exit(1);
    OK(syscall(SYS_utime, "d/f", NULL));
    FAILS(EPERM, syscall(SYS_utime, "d/f", &u));
    FAILS(EPERM, syscall(SYS_utimes, "d/f", tv));
    FAILS(EPERM, syscall(SYS_futimesat, dir, "f", tv));
    _exit(failures != before);
  }
  int status;
  OK(waitpid(p, &status, 0));
  EQ(0, status);
}

static void nodes(void) {
  OK(mknodat(dir, "fifo", S_IFIFO | 0640, 0));
  OK(lstat("d/fifo", &st));
  CHECK(S_ISFIFO(st.st_mode));
  EQ(0640, st.st_mode & 07777);
  OK(mknodat(dir, "regular", 0600, 0));
  OK(lstat("d/regular", &st));
  CHECK(S_ISREG(st.st_mode));
  OK(mknodat(dir, "socket", S_IFSOCK | 0600, 0));
  OK(lstat("d/socket", &st));
  CHECK(S_ISSOCK(st.st_mode));
  OK(mknodat(dir, "null", S_IFCHR | 0666, makedev(1, 3)));
  OK(lstat("d/null", &st));
  CHECK(S_ISCHR(st.st_mode));
  EQ(makedev(1, 3), st.st_rdev);
  FAILS(EEXIST, mknodat(dir, "fifo", S_IFIFO | 0600, 0));
  FAILS(EEXIST, mknodat(dir, "dangling", S_IFIFO | 0600, 0));
  FAILS(EPERM, mknodat(dir, "new", S_IFDIR | 0600, 0));
  FAILS(EINVAL, mknodat(dir, "new", S_IFLNK | 0600, 0));
  FAILS(EINVAL, mknodat(dir, "new", 0110000 | 0600, 0));
  FAILS(EBADF, mknodat(-1, "new", S_IFIFO | 0600, 0));
  FAILS(ENOTDIR, mknodat(file, "new", S_IFIFO | 0600, 0));
  FAILS(ENOENT, mknodat(dir, "none/new", S_IFIFO | 0600, 0));
  FAILS(ENOENT, mknodat(dir, "", S_IFIFO | 0600, 0));
  FAILS(EFAULT, mknodat(dir, BAD, S_IFIFO | 0600, 0));
  OK(chmod("d", 0777));
  pid_t p = OK(fork());
  if (p == 0) {
    if (setgid(1234) || setuid(1234)) _exit(1);
    if (mknodat(dir, "dev", S_IFCHR | 0600, makedev(1, 3)) != -1 || errno != EPERM) _exit(2);
    _exit(mknodat(dir, "users", S_IFIFO | 0600, 0) ? 3 : 0);
  }
  int status;
  OK(waitpid(p, &status, 0));
  EQ(0, status);
}

static void owners(void) {
  OK(fchownat(dir, "f", 10, 20, 0));
  OK(lstat("d/f", &st));
  EQ(10, st.st_uid);
  EQ(20, st.st_gid);
  OK(fchownat(dir, "f", -1, 21, 0));
  OK(fchownat(dir, "l", 11, -1, AT_SYMLINK_NOFOLLOW));
  OK(lstat("d/l", &st));
  EQ(11, st.st_uid);
  OK(lstat("d/f", &st));
  EQ(10, st.st_uid);
  EQ(21, st.st_gid);
  OK(fchownat(dir, "l", 12, -1, 0));
  OK(lstat("d/f", &st));
  EQ(12, st.st_uid);
  OK(fchownat(path, "", 0, 0, AT_EMPTY_PATH));
  FAILS(ENOENT, fchownat(dir, "", 0, 0, 0));
  FAILS(EINVAL, fchownat(dir, "f", 0, 0, 0x8));
  FAILS(EBADF, fchownat(-1, "f", 0, 0, 0));
  FAILS(ENOTDIR, fchownat(file, "f", 0, 0, 0));
  FAILS(ENOENT, fchownat(dir, "none", 0, 0, 0));
  FAILS(EFAULT, fchownat(dir, BAD, 0, 0, 0));
}

static void names(void) {
  int other = OK(open("e", O_RDONLY | O_DIRECTORY));
  OK(symlinkat("target", dir, "s"));
  char b[20] = {0};
  EQ(6, readlinkat(dir, "s", b, sizeof b));
  CHECK(strcmp(b, "target") == 0);
  FAILS(EEXIST, symlinkat("target", dir, "s"));
  FAILS(ENOENT, symlinkat("", dir, "new"));
  FAILS(ENOENT, symlinkat("target", dir, ""));
  FAILS(ENOENT, symlinkat("target", dir, "none/new"));
  FAILS(EBADF, symlinkat("target", -1, "new"));
  FAILS(ENOTDIR, symlinkat("target", file, "new"));
  FAILS(EFAULT, symlinkat(BAD, dir, "new"));
  FAILS(EFAULT, symlinkat("target", dir, BAD));
  static char long_target[PATH_MAX + 10];
  memset(long_target, 't', sizeof long_target - 1);
  FAILS(ENAMETOOLONG, symlinkat(long_target, dir, "new"));

  OK(renameat(dir, "s", other, "moved"));
  EQ(6, readlinkat(other, "moved", b, sizeof b));
  FAILS(ENOENT, renameat(dir, "s", other, "moved"));
  FAILS(EBADF, renameat(-1, "f", other, "x"));
  FAILS(EBADF, renameat(dir, "f", -1, "x"));
  FAILS(ENOTDIR, renameat(dir, "f", file, "x"));
  FAILS(EISDIR, renameat(dir, "f", AT_FDCWD, "e"));
  FAILS(ENOTDIR, renameat(AT_FDCWD, "e", dir, "f"));
  FAILS(EINVAL, renameat(AT_FDCWD, "d", dir, "inner"));
  FAILS(ENOTEMPTY, renameat(AT_FDCWD, "e", AT_FDCWD, "d"));
  FAILS(EBUSY, renameat(dir, ".", other, "x"));
  FAILS(EFAULT, renameat(dir, BAD, other, "x"));
  FAILS(EFAULT, renameat(dir, "f", other, BAD));
  close(other);

  int fd = OK(creat("made", 0640));
  EQ(0640, mode_of("made"));
  EQ(O_WRONLY, fcntl(fd, F_GETFL) & O_ACCMODE);
  EQ(4, write(fd, "text", 4));
  close(fd);
  fd = OK(syscall(SYS_creat, "made", 0600));
  OK(fstat(fd, &st));
  EQ(0, st.st_size);
  EQ(0640, st.st_mode & 07777);
  close(fd);
  FAILS(EISDIR, syscall(SYS_creat, "d", 0600));
  FAILS(ENOENT, syscall(SYS_creat, "none/made", 0600));
  FAILS(EFAULT, syscall(SYS_creat, BAD, 0600));
}

static void statistics(void) {
  struct statfs one, two;
  OK(fstatfs(file, &one));
  OK(statfs("d/f", &two));
  EQ(two.f_type, one.f_type);
  EQ(two.f_bsize, one.f_bsize);
  EQ(two.f_blocks, one.f_blocks);
  EQ(255, one.f_namelen);
  CHECK(one.f_bfree <= one.f_blocks && one.f_bavail <= one.f_bfree);
  OK(fstatfs(path, &one));
  EQ(two.f_type, one.f_type);
  int p[2];
  OK(pipe(p));
  OK(fstatfs(p[0], &one));
  EQ(0x50495045, one.f_type);
  FAILS(EBADF, fstatfs(-1, &one));
  FAILS(EFAULT, fstatfs(file, BAD));
  FAILS(EFAULT, statfs("d/f", BAD));
  FAILS(EFAULT, statfs(BAD, &one));
  FAILS(ENOENT, statfs("none", &one));
  FAILS(ENOTDIR, statfs("d/f/x", &one));
  close(p[0]), close(p[1]);
}

int main(void) {
  tmpdir_enter();
  OK(chmod(".", 0755));
  OK(mkdir("d", 0755));
  OK(mkdir("e", 0755));
  put_file("d/f", "x");
  OK(symlink("f", "d/l"));
  OK(symlink("nowhere", "d/dangling"));
  dir = OK(open("d", O_RDONLY | O_DIRECTORY));
  file = OK(open("d/f", O_RDWR));
  path = OK(open("d/f", O_PATH));
  modes();
  access_rights();
  times();
  nodes();
  owners();
  names();
  statistics();
  tmpdir_leave();
  DONE();
}
