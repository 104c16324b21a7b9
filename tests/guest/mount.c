/* mount(2), umount2(2), and tmpfs under them. Needs CAP_SYS_ADMIN. */
#include "tmpdir.h"
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

static int in_file(const char *file, const char *what) {
  static char b[1 << 16];
  int fd = open(file, O_RDONLY);
  long n = 0, r;
  while ((r = read(fd, b + n, sizeof b - 1 - n)) > 0) n += r;
  close(fd);
  b[n > 0 ? n : 0] = 0;
  return strstr(b, what) != NULL;
}

int main(void) {
  if (unshare(CLONE_NEWNS) != 0) SKIP("may not make a mount namespace");
  OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
  tmpdir_enter();
  char top[PATH_MAX], line[PATH_MAX + 64];
  CHECK(getcwd(top, sizeof top) != NULL);
  OK(mkdir("m", 0755));
  OK(mkdir("b", 0755));
  OK(mount("source", "m", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0711"));
  struct stat st, st2;
  OK(stat("m", &st));
  EQ(S_IFDIR | 0711, st.st_mode);
  OK(stat(".", &st2));
  CHECK(st.st_dev != st2.st_dev);
  struct statfs fs;
  OK(statfs("m", &fs));
  EQ(0x01021994, fs.f_type);
  EQ(256, fs.f_blocks);
  snprintf(line, sizeof line, "source %s/m tmpfs rw,nosuid,nodev,relatime,size=1024k,mode=711", top);
  CHECK(in_file("/proc/self/mounts", line));
  snprintf(line, sizeof line, " / %s/m rw,nosuid,nodev,relatime", top);
  CHECK(in_file("/proc/self/mountinfo", line));
  OK(stat("m/..", &st));
  EQ(st2.st_ino, st.st_ino);

  /* The file system is as large as it was told to be. */
  int fd = OK(open("m/f", O_RDWR | O_CREAT, 0644));
  static char b[1 << 20];
  memset(b, 'b', sizeof b);
  long n = write(fd, b, sizeof b);
  CHECK(n > 900 << 10 && n <= 1 << 20);
  while ((n = write(fd, b, 4096)) > 0) {}
  EQ(ENOSPC, errno);
  OK(ftruncate(fd, 0));
  EQ(4096, pwrite(fd, b, 4096, 0));
  EQ(1, pwrite(fd, b, 1, 1 << 30));
  OK(fstat(fd, &st));
  EQ(16, st.st_blocks);
  FAILS(EBUSY, umount("m"));
  FAILS(EBUSY, rmdir("m"));
  FAILS(EBUSY, rename("m", "n"));
  FAILS(EXDEV, rename("m/f", "f"));
  FAILS(EXDEV, link("m/f", "f"));
  OK(mkdir("m/sub", 0755));

  /* Bind mounts, read-only remounts. */
  OK(mount("m/sub", "b", NULL, MS_BIND, NULL));
  put_file("b/x", "x");
  OK(stat("m/sub/x", &st));
  OK(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  FAILS(EROFS, open("b/y", O_CREAT | O_RDWR, 0600));
  FAILS(EROFS, open("b/x", O_RDWR));
  FAILS(EROFS, unlink("b/x"));
  FAILS(EROFS, mkdir("b/d", 0700));
  FAILS(EROFS, chmod("b/x", 0600));
  FAILS(EROFS, rename("b/x", "b/z"));
  FAILS(EROFS, access("b/x", W_OK));
  put_file("m/sub/y", "y");
  OK(stat("b/y", &st));
  OK(umount("b"));
  OK(close(fd));

  /* Nothing is executed from a noexec mount, no device opened on a nodev one. */
  OK(mknod("m/null", S_IFCHR | 0666, 1 << 8 | 3));
  FAILS(EACCES, open("m/null", O_RDONLY));
  OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL));
  OK(close(OK(open("m/null", O_RDONLY))));
  put_file("m/prog", "#!/bin/true\n");
  OK(chmod("m/prog", 0755));
  FAILS(EACCES, access("m/prog", X_OK));
  FAILS(EACCES, execl("m/prog", "m/prog", NULL));

  /* A lazily unmounted tree lives on while it is used. */
  fd = OK(open("m/sub/x", O_RDONLY));
  OK(umount2("m", MNT_DETACH));
  EQ(1, read(fd, b, 10));
  OK(close(fd));
  FAILS(ENOENT, stat("m/f", &st));
  FAILS(EINVAL, umount("m"));

  /* Moving, stacking. */
  OK(mount("one", "m", "tmpfs", 0, NULL));
  put_file("m/one", "1");
  OK(mount("two", "m", "tmpfs", 0, NULL));
  FAILS(ENOENT, stat("m/one", &st));
  OK(umount("m"));
  OK(stat("m/one", &st));
  OK(mount("m", "b", NULL, MS_MOVE, NULL));
  OK(stat("b/one", &st));
  FAILS(ENOENT, stat("m/one", &st));
  OK(umount("b"));

  FAILS(ENODEV, mount("x", "m", "nosuchfs", 0, NULL));
  FAILS(EINVAL, mount("x", "m", "tmpfs", 0, "bogus=1"));
  FAILS(ENOENT, mount("x", "none", "tmpfs", 0, NULL));
  FAILS(EFAULT, mount("x", BAD, "tmpfs", 0, NULL));
  FAILS(EINVAL, umount2("m", 0x100));
  put_file("file", "file");
  put_file("over", "over");
  FAILS(ENOTDIR, mount("x", "file", "tmpfs", 0, NULL));
  OK(mount("over", "file", NULL, MS_BIND, NULL));
  fd = OK(open("file", O_RDONLY));
  EQ(4, read(fd, b, 10));
  CHECK(memcmp(b, "over", 4) == 0);
  OK(close(fd));
  OK(umount("file"));

  pid_t pid = fork();
  if (pid == 0) {
    OK(setgid(65534));
    OK(setuid(65534));
    FAILS(EPERM, mount("x", "/tmp", "tmpfs", 0, NULL));
    FAILS(EPERM, umount("/tmp"));
    _exit(failures != 0);
  }
  int status;
  OK(waitpid(pid, &status, 0));
  EQ(0, status);

  /* A namespace's mounts are its own. */
  pid = fork();
  if (pid == 0) {
    OK(unshare(CLONE_NEWNS));
    OK(mount("inner", "m", "tmpfs", 0, NULL));
    put_file("m/inner", "x");
    _exit(failures != 0);
  }
  OK(waitpid(pid, &status, 0));
  EQ(0, status);
  FAILS(ENOENT, stat("m/inner", &st));

  /* What happens on a shared mount happens on its peers, and on slaves, but not the other way. */
  OK(mount("shared", "m", "tmpfs", 0, NULL));
  OK(mount(NULL, "m", NULL, MS_SHARED, NULL));
  OK(mkdir("m/x", 0755));
  OK(mkdir("m/y", 0755));
  OK(mount("m", "b", NULL, MS_BIND, NULL));
  OK(mkdir("s", 0755));
  OK(mount("m", "s", NULL, MS_BIND, NULL));
  OK(mount(NULL, "s", NULL, MS_SLAVE, NULL));
  OK(mount("x", "m/x", "tmpfs", 0, NULL));
  put_file("m/x/f", "x");
  OK(stat("b/x/f", &st));
  OK(stat("s/x/f", &st));
  OK(mount("y", "s/y", "tmpfs", 0, NULL));
  put_file("s/y/f", "y");
  FAILS(ENOENT, stat("m/y/f", &st));
  OK(umount("s/y"));
  pid = fork();
  if (pid == 0) {
    OK(unshare(CLONE_NEWNS));
    OK(mount("y", "m/y", "tmpfs", 0, NULL));
    put_file("m/y/f", "y");
    _exit(failures != 0);
  }
  OK(waitpid(pid, &status, 0));
  EQ(0, status);
  OK(stat("b/y/f", &st));
  OK(stat("s/y/f", &st));
  CHECK(in_file("/proc/self/mountinfo", " shared:"));
  CHECK(in_file("/proc/self/mountinfo", " master:"));
  OK(umount("b/x"));
  FAILS(ENOENT, stat("m/x/f", &st));
  FAILS(ENOENT, stat("s/x/f", &st));
  OK(mount(NULL, "m", NULL, MS_UNBINDABLE, NULL));
  FAILS(EINVAL, mount("m/x", "m/y", NULL, MS_BIND, NULL));
  OK(umount2("s", MNT_DETACH));
  OK(umount2("b", MNT_DETACH));
  OK(umount2("m", MNT_DETACH));

  /* pivot_root and leaving the old root behind. */
  pid = fork();
  if (pid == 0) {
    OK(unshare(CLONE_NEWNS));
    OK(mount("root", "m", "tmpfs", 0, NULL));
    OK(mkdir("m/old", 0700));
    put_file("m/here", "x");
    FAILS(EBUSY, syscall(SYS_pivot_root, "/", "b"));
    OK(syscall(SYS_pivot_root, "m", "m/old"));
    OK(chdir("/"));
    OK(stat("/here", &st));
    OK(stat("/old/tmp", &st));
    OK(umount2("/old", MNT_DETACH));
    FAILS(ENOENT, stat("/old/tmp", &st));
    _exit(failures != 0);
  }
  OK(waitpid(pid, &status, 0));
  EQ(0, status);
  tmpdir_leave();
  DONE();
}
