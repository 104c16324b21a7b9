/* mkdir(2), rmdir(2), getdents(2), chdir(2), getcwd(2), stat(2), chmod(2), utimensat(2), umask(2), access(2). */
#include "tmpdir.h"
#include <dirent.h>
#include <sys/statfs.h>

static void making(void) {
  OK(mkdir("d", 0777));
  struct stat st;
  OK(stat("d", &st));
  EQ(S_IFDIR | 0755, st.st_mode);
  FAILS(EEXIST, mkdir("d", 0777));
  FAILS(EEXIST, mkdir("d/", 0777));
  FAILS(EEXIST, mkdir(".", 0777));
  FAILS(EEXIST, mkdir("/", 0777));
  FAILS(ENOENT, mkdir("none/d", 0777));
  FAILS(EFAULT, mkdir(BAD, 0777));
  OK(mkdir("e/", 0777));
  OK(rmdir("e/"));
  FAILS(ENOENT, rmdir("e"));
  FAILS(EINVAL, rmdir("d/."));
  FAILS(ENOTEMPTY, rmdir("d/.."));
  put_file("f", "x");
  FAILS(ENOTDIR, rmdir("f"));
  FAILS(EISDIR, unlink("d"));
  FAILS(ENOTDIR, unlink("f/"));
  put_file("d/f", "x");
  FAILS(ENOTEMPTY, rmdir("d"));
  OK(unlink("d/f"));
  int fd = OK(open("d", O_RDONLY));
  OK(rmdir("d"));
  FAILS(ENOENT, openat(fd, "x", O_CREAT | O_RDWR, 0600));
  FAILS(ENOENT, mkdirat(fd, "x", 0700));
  OK(close(fd));
  OK(unlink("f"));
}

static void listing(void) {
  OK(mkdir("many", 0755));
  char name[64];
  for (int i = 0; i < 500; i++) {
    sprintf(name, "many/file-%d", i);
    put_file(name, "");
  }
  DIR *d = opendir("many");
  CHECK(d != NULL);
  static char seen[500];
  int dots = 0, n = 0;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    int i;
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
      dots++;
      EQ(DT_DIR, e->d_type);
    } else if (sscanf(e->d_name, "file-%d", &i) == 1) {
      seen[i]++;
      n++;
      CHECK(e->d_type == DT_REG || e->d_type == DT_UNKNOWN);
    }
  }
  EQ(2, dots);
  EQ(500, n);
  for (int i = 0; i < 500; i++) EQ(1, seen[i]);
  /* Removing what was listed does not hide what was not. */
  rewinddir(d);
  n = 0;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    if (e->d_name[0] != '.') {
      sprintf(name, "many/%.40s", e->d_name);
      OK(unlink(name));
      n++;
    }
  }
  EQ(500, n);
  closedir(d);
  OK(rmdir("many"));
  int fd = OK(open(".", O_RDONLY));
  char b[1024];
  FAILS(EINVAL, syscall(SYS_getdents64, fd, b, 1));
  FAILS(EFAULT, syscall(SYS_getdents64, fd, BAD, 1024));
  FAILS(EBADF, syscall(SYS_getdents64, -1, b, 1024));
  CHECK(syscall(SYS_getdents, fd, b, 1024) > 0);
  OK(close(fd));
  put_file("f", "x");
  fd = OK(open("f", O_RDONLY));
  FAILS(ENOTDIR, syscall(SYS_getdents64, fd, b, 1024));
  OK(close(fd));
  OK(unlink("f"));
}

static void cwd(void) {
  char top[PATH_MAX], b[PATH_MAX];
  CHECK(getcwd(top, sizeof top) != NULL);
  OK(mkdir("c", 0755));
  OK(mkdir("c/d", 0755));
  OK(chdir("c/d"));
  EQ((long)strlen(top) + 5, syscall(SYS_getcwd, b, sizeof b));
  CHECK(strcmp(b + strlen(top), "/c/d") == 0);
  FAILS(ERANGE, syscall(SYS_getcwd, b, 3));
  FAILS(ERANGE, syscall(SYS_getcwd, b, 0));
  FAILS(EFAULT, syscall(SYS_getcwd, BAD, 4096));
  OK(rename("../../c", "../../renamed"));
  CHECK(getcwd(b, sizeof b) && strcmp(b + strlen(top), "/renamed/d") == 0);
  OK(rmdir("../d"));
  FAILS(ENOENT, syscall(SYS_getcwd, b, sizeof b));
  OK(chdir(".."));
  int fd = OK(open(".", O_RDONLY));
  OK(chdir(top));
  OK(fchdir(fd));
  CHECK(getcwd(b, sizeof b) && strcmp(b + strlen(top), "/renamed") == 0);
  OK(close(fd));
  OK(chdir(top));
  OK(rmdir("renamed"));
  put_file("f", "x");
  FAILS(ENOTDIR, chdir("f"));
  FAILS(ENOENT, chdir("none"));
  FAILS(EFAULT, chdir(BAD));
  FAILS(EBADF, fchdir(-1));
  OK(unlink("f"));
}

static void attributes(void) {
  put_file("f", "abc");
  struct stat st;
  OK(chmod("f", 04751));
  OK(stat("f", &st));
  EQ(S_IFREG | 04751, st.st_mode);
  OK(chown("f", 1, 2));
  OK(stat("f", &st));
  EQ(1, st.st_uid);
  EQ(2, st.st_gid);
  EQ(S_IFREG | 0751, st.st_mode);
  OK(chown("f", -1, -1));
  OK(chown("f", 0, 0));
  struct timespec ts[2] = {{1000, 5}, {2000, 6}};
  OK(utimensat(AT_FDCWD, "f", ts, 0));
  OK(stat("f", &st));
  EQ(1000, st.st_atim.tv_sec);
  EQ(5, st.st_atim.tv_nsec);
  EQ(2000, st.st_mtim.tv_sec);
  EQ(6, st.st_mtim.tv_nsec);
  CHECK(st.st_ctim.tv_sec > 1000000);
  ts[0].tv_nsec = UTIME_OMIT;
  ts[1].tv_nsec = UTIME_NOW;
  OK(utimensat(AT_FDCWD, "f", ts, 0));
  OK(stat("f", &st));
  EQ(1000, st.st_atim.tv_sec);
  CHECK(st.st_mtim.tv_sec > 1000000);
  ts[0].tv_nsec = 1000000000;
  FAILS(EINVAL, utimensat(AT_FDCWD, "f", ts, 0));
  FAILS(EFAULT, syscall(SYS_utimensat, AT_FDCWD, "f", BAD, 0));
  FAILS(EFAULT, stat(BAD, &st));
  FAILS(EFAULT, syscall(SYS_newfstatat, AT_FDCWD, "f", BAD, 0));
  FAILS(EINVAL, fstatat(AT_FDCWD, "f", &st, 0x4000000));
  FAILS(ENOENT, stat("", &st));
  OK(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
  CHECK(S_ISDIR(st.st_mode));
  struct statx sx;
  OK(statx(AT_FDCWD, "f", 0, STATX_ALL, &sx));
  EQ(3, sx.stx_size);
  EQ(S_IFREG | 0751, sx.stx_mode);
  FAILS(EINVAL, statx(AT_FDCWD, "f", 0, 0x80000000, &sx));
  FAILS(EFAULT, syscall(SYS_statx, AT_FDCWD, "f", 0, 0, BAD));
  struct statfs fs;
  OK(statfs(".", &fs));
  EQ(255, fs.f_namelen);
  FAILS(EFAULT, statfs(".", BAD));
  OK(access("f", R_OK | W_OK | X_OK));
  OK(chmod("f", 0600));
  FAILS(EACCES, access("f", X_OK));
  FAILS(EINVAL, access("f", 8));
  mode_t old = umask(077);
  EQ(022, old);
  int fd = OK(open("g", O_CREAT | O_WRONLY, 0666));
  OK(fstat(fd, &st));
  EQ(S_IFREG | 0600, st.st_mode);
  EQ(077, umask(022));
  OK(fchmod(fd, 0444));
  OK(fchown(fd, 3, 4));
  OK(fstat(fd, &st));
  EQ(S_IFREG | 0444, st.st_mode);
  EQ(3, st.st_uid);
  OK(close(fd));
  OK(unlink("f"));
  OK(unlink("g"));
}

static void sticky(void) {
  OK(mkdir("sticky", 0755));
  OK(chmod("sticky", 01777));
  put_file("sticky/f", "x");
  OK(mkdir("setgid", 0755));
  OK(chown("setgid", 0, 7));
  OK(chmod("setgid", 02777));
  OK(chmod(".", 0755));
  put_file("setgid/f", "x");
  OK(mkdir("setgid/d", 0755));
  struct stat st;
  OK(stat("setgid/f", &st));
  EQ(7, st.st_gid);
  OK(stat("setgid/d", &st));
  EQ(7, st.st_gid);
  EQ(S_IFDIR | 02755, st.st_mode);
  pid_t pid = fork();
  if (pid == 0) {
    OK(setgid(65534));
    OK(setuid(65534));
    FAILS(EPERM, unlink("sticky/f"));
    FAILS(EPERM, rename("sticky/f", "sticky/g"));
    int fd = OK(open("sticky/mine", O_CREAT | O_WRONLY, 0600));
    OK(close(fd));
    OK(unlink("sticky/mine"));
    _exit(failures != 0);
  }
  int status;
  OK(waitpid(pid, &status, 0));
  EQ(0, status);
}

static void nodes(void) {
  OK(mkfifo("fifo", 0666));
  struct stat st;
  OK(stat("fifo", &st));
  EQ(S_IFIFO | 0644, st.st_mode);
  OK(mknod("sock", S_IFSOCK | 0600, 0));
  OK(stat("sock", &st));
  CHECK(S_ISSOCK(st.st_mode));
  FAILS(ENXIO, open("sock", O_RDONLY));
  OK(mknod("reg", S_IFREG | 0600, 0));
  FAILS(EPERM, mknod("dir", S_IFDIR | 0600, 0));
  FAILS(EINVAL, mknod("x", 0170000 | 0600, 0));
  FAILS(EEXIST, mkfifo("reg", 0600));
  FAILS(EFAULT, mknod(BAD, S_IFIFO, 0));
}

int main(void) {
  tmpdir_enter();
  making();
  listing();
  cwd();
  attributes();
  sticky();
  nodes();
  tmpdir_leave();
  DONE();
}
