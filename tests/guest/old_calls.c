/* The calls that C libraries have replaced by newer ones, made by number: open, stat, lstat, fstat, mknod, semop, signalfd.
 * Static and old programs make them still. Runs as root. */
#include "tmpdir.h"
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/sysmacros.h>

/* struct stat of the calls is the library's on x86-64. */
static long stat_(const char *name, struct stat *st) { return syscall(SYS_stat, name, st); }
static long lstat_(const char *name, struct stat *st) { return syscall(SYS_lstat, name, st); }
static long fstat_(int fd, struct stat *st) { return syscall(SYS_fstat, fd, st); }
static long open_(const char *name, int flags, int mode) { return syscall(SYS_open, name, flags, mode); }

static void opening(void) {
  int fd = OK(open_("new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
  /* Files of more than 2 GiB may be opened, as with O_LARGEFILE. */
  EQ(O_RDWR | 0100000, fcntl(fd, F_GETFL));
  struct stat st;
  OK(fstat_(fd, &st));
  EQ(0644, st.st_mode & 07777);
  EQ(3, write(fd, "abc", 3));
  close(fd);
  FAILS(EEXIST, open_("new", O_RDWR | O_CREAT | O_EXCL, 0666));
  fd = OK(open_("new", O_WRONLY | O_TRUNC, 0));
  OK(fstat_(fd, &st));
  EQ(0, st.st_size);
  close(fd);
  FAILS(ENOENT, open_("none", O_RDONLY, 0));
  FAILS(ENOENT, open_("", O_RDONLY, 0));
  FAILS(ENOENT, open_("none/new", O_RDWR | O_CREAT, 0666));
  FAILS(ENOTDIR, open_("new/x", O_RDONLY, 0));
  FAILS(ENOTDIR, open_("new", O_RDONLY | O_DIRECTORY, 0));
  FAILS(EISDIR, open_(".", O_RDWR, 0));
  FAILS(ELOOP, open_("link", O_RDONLY | O_NOFOLLOW, 0));
  FAILS(EFAULT, open_(BAD, O_RDONLY, 0));
  char name[300];
  memset(name, 'n', sizeof name - 1);
  name[299] = 0;
  FAILS(ENAMETOOLONG, open_(name, O_RDONLY, 0));
  /* Unknown flags are ignored. */
  fd = OK(open_("new", O_RDONLY | 0x40000000, 0));
  close(fd);
}

static void status(void) {
  put_file("f", "12345");
  struct stat a, b, c;
  OK(stat_("f", &a));
  EQ(5, a.st_size);
  EQ(S_IFREG | 0644, a.st_mode);
  EQ(1, a.st_nlink);
  OK(lstat_("f", &b));
  EQ(0, memcmp(&a, &b, sizeof a));
  int fd = OK(open_("f", O_RDONLY, 0));
  OK(fstat_(fd, &c));
  EQ(0, memcmp(&a, &c, sizeof a));
  close(fd);
  /* The newer call says the same. */
  OK(fstatat(AT_FDCWD, "f", &b, 0));
  EQ(0, memcmp(&a, &b, sizeof a));
  OK(link("f", "f2"));
  OK(stat_("f2", &b));
  EQ(a.st_ino, b.st_ino);
  EQ(2, b.st_nlink);
  OK(lstat_("link", &b));
  EQ(S_IFLNK | 0777, b.st_mode);
  EQ(1, b.st_size);
  OK(stat_("link", &b));
  EQ(a.st_ino, b.st_ino);
  fd = OK(open_("link", O_PATH | O_NOFOLLOW, 0));
  OK(fstat_(fd, &b));
  CHECK(S_ISLNK(b.st_mode));
  close(fd);
  OK(symlink("nowhere", "dangling"));
  OK(lstat_("dangling", &b));
  FAILS(ENOENT, stat_("dangling", &b));
  FAILS(ENOENT, stat_("", &b));
  FAILS(ENOENT, lstat_("none", &b));
  FAILS(ENOTDIR, stat_("f/x", &b));
  FAILS(ENOTDIR, lstat_("f/", &b));
  FAILS(EFAULT, stat_(BAD, &b));
  FAILS(EFAULT, lstat_(BAD, &b));
  FAILS(EFAULT, stat_("f", BAD));
  FAILS(EFAULT, lstat_("f", BAD));
  FAILS(EFAULT, fstat_(0, BAD));
  FAILS(EBADF, fstat_(-1, &b));
  FAILS(EBADF, fstat_(1000, &b));
}

static void nodes(void) {
  struct stat st;
  OK(syscall(SYS_mknod, "fifo", S_IFIFO | 0622, 0));
  OK(lstat_("fifo", &st));
  EQ(S_IFIFO | 0600, st.st_mode & ~022);
  OK(syscall(SYS_mknod, "plain", 0600, 0));
  OK(lstat_("plain", &st));
  EQ(S_IFREG | 0600, st.st_mode);
  OK(syscall(SYS_mknod, "zero", S_IFCHR | 0600, makedev(1, 5)));
  OK(lstat_("zero", &st));
  EQ(makedev(1, 5), st.st_rdev);
  FAILS(EEXIST, syscall(SYS_mknod, "fifo", S_IFIFO | 0600, 0));
  FAILS(EPERM, syscall(SYS_mknod, "dir", S_IFDIR | 0700, 0));
  FAILS(EINVAL, syscall(SYS_mknod, "odd", 0110000 | 0700, 0));
  FAILS(ENOENT, syscall(SYS_mknod, "none/fifo", S_IFIFO | 0600, 0));
  FAILS(EFAULT, syscall(SYS_mknod, BAD, S_IFIFO | 0600, 0));
}

static void semaphores(void) {
  int id = OK(semget(IPC_PRIVATE, 2, 0600));
  struct sembuf up = {0, 2, 0}, down = {0, -1, IPC_NOWAIT}, zero = {1, 0, IPC_NOWAIT}, far = {7, 1, 0};
  struct sembuf both[2] = {{0, -1, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}};
  OK(syscall(SYS_semop, id, &up, 1L));
  OK(syscall(SYS_semop, id, &down, 1L));
  EQ(1, semctl(id, 0, GETVAL));
  OK(syscall(SYS_semop, id, &zero, 1L));
  /* All or nothing. */
  FAILS(EAGAIN, syscall(SYS_semop, id, both, 2L));
  EQ(1, semctl(id, 0, GETVAL));
  OK(syscall(SYS_semop, id, &down, 1L));
  FAILS(EAGAIN, syscall(SYS_semop, id, &down, 1L));
  FAILS(EFBIG, syscall(SYS_semop, id, &far, 1L));
  FAILS(EINVAL, syscall(SYS_semop, id, &up, 0L));
  FAILS(E2BIG, syscall(SYS_semop, id, &up, 1000000L));
  FAILS(EFAULT, syscall(SYS_semop, id, BAD, 1L));
  FAILS(EINVAL, syscall(SYS_semop, -1, &up, 1L));
  OK(semctl(id, 0, IPC_RMID));
  CHECK(syscall(SYS_semop, id, &up, 1L) == -1 && (errno == EIDRM || errno == EINVAL));
}

static void signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = OK(syscall(SYS_signalfd, -1, &set, 8L));
  EQ(0, fcntl(fd, F_GETFD));
  EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
  raise(SIGUSR1);
  uint32_t info[32];
  EQ(128, read(fd, info, sizeof info));
  EQ(SIGUSR1, info[0]);
  /* The same descriptor with another set. */
  sigset_t other;
  sigemptyset(&other);
  sigaddset(&other, SIGUSR2);
  EQ(fd, syscall(SYS_signalfd, fd, &other, 8L));
  raise(SIGUSR1);
  OK(fcntl(fd, F_SETFL, O_NONBLOCK));
  FAILS(EAGAIN, read(fd, info, sizeof info));
  FAILS(EINVAL, syscall(SYS_signalfd, -1, &set, 4L));
  FAILS(EFAULT, syscall(SYS_signalfd, -1, BAD, 8L));
  FAILS(EBADF, syscall(SYS_signalfd, 1000, &set, 8L));
  int file = OK(open_("f", O_RDONLY, 0));
  FAILS(EINVAL, syscall(SYS_signalfd, file, &set, 8L));
  close(file);
  close(fd);
}

int main(void) {
  tmpdir_enter();
  OK(symlink("f", "link"));
  opening();
  status();
  nodes();
  semaphores();
  signals();
  tmpdir_leave();
  DONE();
}
