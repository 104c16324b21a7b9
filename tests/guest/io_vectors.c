/* man 2 preadv2, io_pgetevents, readahead, sync_file_range, posix_fadvise: offsets, vectors and flags beyond rw.c. */
#include "tmpdir.h"
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char b[64];

static void positions(void) {
  int fd = OK(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
  EQ(6, pwrite(fd, "abcdef", 6, 0));
  EQ(3, pread(fd, b, 3, 3));
  CHECK(memcmp(b, "def", 3) == 0);
  EQ(0, pread(fd, b, 3, 6));
  EQ(0, pread(fd, b, 3, 1L << 40));
  EQ(0, lseek(fd, 0, SEEK_CUR));
  EQ(2, pwrite(fd, "yz", 2, 8));
  EQ(10, pread(fd, b, sizeof b, 0));
  CHECK(memcmp(b, "abcdef\0\0yz", 10) == 0);
  FAILS(EINVAL, pread(fd, b, 1, -1));
  FAILS(EINVAL, pwrite(fd, b, 1, -1));
  FAILS(EFAULT, pread(fd, BAD, 1, 0));
  FAILS(EFAULT, pwrite(fd, BAD, 1, 0));
  FAILS(EBADF, pread(-1, b, 1, 0));
  FAILS(EBADF, pwrite(-1, b, 1, 0));
  EQ(0, pread(fd, b, 0, 0));
  int p[2];
  OK(pipe(p));
  FAILS(ESPIPE, pread(p[0], b, 1, 0));
  FAILS(ESPIPE, pwrite(p[1], b, 1, 0));
  close(p[0]), close(p[1]);
  int ro = OK(open("f", O_RDONLY)), wo = OK(open("f", O_WRONLY)), path = OK(open("f", O_PATH));
  FAILS(EBADF, pwrite(ro, b, 1, 0));
  FAILS(EBADF, pread(wo, b, 1, 0));
  FAILS(EBADF, pread(path, b, 1, 0));
  int dir = OK(open(".", O_RDONLY));
  FAILS(EISDIR, pread(dir, b, 1, 0));
  close(ro), close(wo), close(path), close(dir);
  /* man 2 pwrite, BUGS: O_APPEND wins over the offset. */
  int app = OK(open("f", O_WRONLY | O_APPEND));
  EQ(1, pwrite(app, "!", 1, 0));
  EQ(11, lseek(fd, 0, SEEK_END));
  close(app);
  close(fd);
}

static void flags(void) {
  int fd = OK(open("g", O_RDWR | O_CREAT | O_TRUNC, 0644));
  struct iovec out[2] = {{"abc", 3}, {"de", 2}}, in[2] = {{b, 2}, {b + 10, 10}};
  EQ(5, pwritev2(fd, out, 2, 0, 0));
  EQ(0, lseek(fd, 0, SEEK_CUR));
  EQ(5, preadv2(fd, in, 2, 0, 0));
  CHECK(memcmp(b, "ab", 2) == 0 && memcmp(b + 10, "cde", 3) == 0);
  /* Offset -1: the file's own. */
  EQ(5, pwritev2(fd, out, 2, -1, 0));
  EQ(5, lseek(fd, 0, SEEK_CUR));
  EQ(2, pwritev2(fd, out + 1, 1, -1, RWF_APPEND));
  EQ(7, lseek(fd, 0, SEEK_CUR));
  EQ(2, pwritev2(fd, out + 1, 1, 0, RWF_APPEND));
  EQ(9, lseek(fd, 0, SEEK_END));
  EQ(3, pwritev2(fd, out, 1, 0, RWF_DSYNC));
  EQ(3, pwritev2(fd, out, 1, 0, RWF_SYNC | RWF_HIPRI));
  EQ(0, preadv2(fd, in, 1, -1, 0));
  FAILS(EOPNOTSUPP, pwritev2(fd, out, 1, 0, 0x40000000));
  FAILS(EOPNOTSUPP, preadv2(fd, in, 1, 0, 0x40000000));
  FAILS(EINVAL, pwritev2(fd, out, 1, -2, 0));
  FAILS(EINVAL, preadv2(fd, in, 1, -2, 0));
  FAILS(EINVAL, pwritev2(fd, out, -1, 0, 0));
  FAILS(EINVAL, pwritev2(fd, out, IOV_MAX + 1, 0, 0));
  EQ(0, pwritev2(fd, out, 0, 0, 0));
  FAILS(EFAULT, pwritev2(fd, BAD, 1, 0, 0));
  FAILS(EFAULT, preadv2(fd, BAD, 1, 0, 0));
  struct iovec wild = {BAD, 4}, negative = {b, -1UL};
  FAILS(EFAULT, pwritev2(fd, &wild, 1, 0, 0));
  FAILS(EFAULT, preadv2(fd, &wild, 1, 0, 0));
  FAILS(EINVAL, pwritev2(fd, &negative, 1, 0, 0));
  FAILS(EBADF, pwritev2(-1, out, 1, 0, 0));
  FAILS(EBADF, preadv2(-1, in, 1, 0, 0));
  /* A wild piece after a good one: what was done counts. */
  struct iovec half[2] = {{"xy", 2}, {BAD, 4}};
  EQ(2, pwritev2(fd, half, 2, 0, 0));
  int p[2];
  OK(pipe(p));
  FAILS(ESPIPE, preadv2(p[0], in, 1, 0, 0));
  FAILS(ESPIPE, pwritev2(p[1], out, 1, 0, 0));
  FAILS(EAGAIN, preadv2(p[0], in, 1, -1, RWF_NOWAIT));
  EQ(3, pwritev2(p[1], out, 1, -1, 0));
  EQ(2, preadv2(p[0], in, 1, -1, RWF_NOWAIT));
  EQ(1, read(p[0], b, sizeof b));
  /* A full pipe takes what it has room for, then nothing. */
  OK(fcntl(p[1], F_SETPIPE_SZ, 4096));
  static char large[3 * 4096];
  struct iovec much = {large, sizeof large};
  CHECK(OK(pwritev2(p[1], &much, 1, -1, RWF_NOWAIT)) <= 4096);
  FAILS(EAGAIN, pwritev2(p[1], &much, 1, -1, RWF_NOWAIT));
  EQ(0, fcntl(p[1], F_GETFL) & O_NONBLOCK);
  close(p[0]), close(p[1]), close(fd);
}

static void advice(void) {
  int fd = OK(open("f", O_RDWR)), p[2], path = OK(open("f", O_PATH));
  OK(pipe(p));
  for (int a = POSIX_FADV_NORMAL; a <= POSIX_FADV_NOREUSE; a++) EQ(0, posix_fadvise(fd, 0, 0, a));
  EQ(EINVAL, posix_fadvise(fd, 0, 0, 99));
  EQ(EINVAL, posix_fadvise(fd, 0, 0, -1));
  EQ(EBADF, posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL));
  EQ(ESPIPE, posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL));
  EQ(EBADF, posix_fadvise(path, 0, 0, POSIX_FADV_NORMAL));
  FAILS(EINVAL, syscall(SYS_fadvise64, fd, 0L, -1L, POSIX_FADV_NORMAL));
  EQ(0, syscall(SYS_fadvise64, fd, 1L << 40, 4096L, POSIX_FADV_DONTNEED));
  /* What was written survives being let go of. */
  EQ(4, pwrite(fd, "kept", 4, 0));
  EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
  EQ(4, pread(fd, b, 4, 0));
  CHECK(memcmp(b, "kept", 4) == 0);

  OK(readahead(fd, 0, 4096));
  OK(readahead(fd, 1L << 40, 4096));
  FAILS(EBADF, readahead(-1, 0, 1));
  FAILS(EINVAL, readahead(p[0], 0, 1));
  int wo = OK(open("f", O_WRONLY)), dir = OK(open(".", O_RDONLY));
  FAILS(EBADF, readahead(wo, 0, 1));
  FAILS(EBADF, readahead(path, 0, 1));
  FAILS(EINVAL, readahead(dir, 0, 1));

  OK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
  OK(sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
  OK(sync_file_range(fd, 0, 0, 0));
  FAILS(EINVAL, sync_file_range(fd, 0, 0, 8));
  FAILS(EINVAL, sync_file_range(fd, -1, 0, SYNC_FILE_RANGE_WRITE));
  FAILS(EINVAL, sync_file_range(fd, 0, -1, SYNC_FILE_RANGE_WRITE));
  FAILS(EINVAL, sync_file_range(fd, LONG_MAX, 4096, SYNC_FILE_RANGE_WRITE));
  FAILS(EBADF, sync_file_range(-1, 0, 0, 0));
  FAILS(EBADF, sync_file_range(path, 0, 0, 0));
  FAILS(ESPIPE, sync_file_range(p[0], 0, 0, SYNC_FILE_RANGE_WRITE));
  OK(sync_file_range(wo, 0, 0, SYNC_FILE_RANGE_WRITE));
  OK(sync_file_range(dir, 0, 0, SYNC_FILE_RANGE_WRITE));
  close(wo), close(dir), close(path), close(p[0]), close(p[1]), close(fd);
}

struct pgetevents_mask {
  const sigset_t *set;
  size_t size;
};

static volatile int caught;
static void catch(int s) { caught = s; }

static long pgetevents(aio_context_t c, long least, long most, struct io_event *e, struct timespec *t, void *mask) {
  return syscall(SYS_io_pgetevents, c, least, most, e, t, mask);
}

static void events(void) {
  aio_context_t c = 0;
  if (syscall(SYS_io_setup, 4, &c) == -1 && errno == ENOSYS) {
    printf("no Linux AIO in this kernel\n");
    return;
  }
  int fd = OK(open("f", O_RDONLY));
  struct iocb cb = {.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = fd, .aio_buf = (long)b, .aio_nbytes = 4, .aio_data = 9};
  struct iocb *list[1] = {&cb};
  struct io_event e[2];
  struct timespec now = {0, 0}, soon = {0, 20000000}, bad = {0, 2000000000};
  sigset_t none, usr1;
  sigemptyset(&none);
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  struct pgetevents_mask m = {&none, 8}, wrong = {&none, 4}, wild = {BAD, 8}, nothing = {NULL, 0}, nothing8 = {NULL, 8};
  EQ(1, syscall(SYS_io_submit, c, 1, list));
  EQ(1, pgetevents(c, 1, 2, e, NULL, &m));
  EQ(9, e[0].data);
  EQ(4, e[0].res);
  EQ(0, pgetevents(c, 0, 2, e, &now, NULL));
  EQ(0, pgetevents(c, 1, 2, e, &now, &nothing));
  EQ(0, pgetevents(c, 1, 2, e, &soon, &nothing8));
  FAILS(EINVAL, pgetevents(c, 1, 2, e, &now, &wrong));
  FAILS(EFAULT, pgetevents(c, 1, 2, e, &now, &wild));
  FAILS(EFAULT, pgetevents(c, 1, 2, e, &now, BAD));
  FAILS(EFAULT, pgetevents(c, 1, 2, e, BAD, NULL));
  FAILS(EINVAL, pgetevents(c, 3, 2, e, &now, NULL));
  FAILS(EINVAL, pgetevents(c, -1, 2, e, &now, NULL));
  FAILS(EINVAL, pgetevents(1, 1, 1, e, &now, &m));
  (void)bad;
  /* A signal that only the wait lets in ends it; afterwards it is blocked again. */
  struct sigaction sa = {.sa_handler = catch};
  sigaction(SIGUSR1, &sa, NULL);
  sigprocmask(SIG_BLOCK, &usr1, NULL);
  raise(SIGUSR1);
  EQ(0, caught);
  struct timespec long_wait = {30, 0};
  FAILS(EINTR, pgetevents(c, 1, 1, e, &long_wait, &m));
  EQ(SIGUSR1, caught);
  sigset_t old;
  sigprocmask(SIG_SETMASK, NULL, &old);
  CHECK(sigismember(&old, SIGUSR1));
  sigprocmask(SIG_UNBLOCK, &usr1, NULL);
  OK(syscall(SYS_io_destroy, c));
  close(fd);
}

int main(void) {
  tmpdir_enter();
  positions();
  flags();
  advice();
  events();
  tmpdir_leave();
  DONE();
}
