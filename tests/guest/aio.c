/* Asynchronous I/O by io_submit: files, pipes, vectors, sync, polls, eventfds, limits and errors. */
#include "test.h"
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

static long setup(unsigned n, aio_context_t *c) { return syscall(SYS_io_setup, n, c); }
static long destroy(aio_context_t c) { return syscall(SYS_io_destroy, c); }
static long submit(aio_context_t c, long n, struct iocb **b) { return syscall(SYS_io_submit, c, n, b); }
static long events(aio_context_t c, long least, long most, struct io_event *e, struct timespec *t) {
  return syscall(SYS_io_getevents, c, least, most, e, t);
}

static struct iocb control(int opcode, int fd, void *buf, long n, long offset) {
  struct iocb c = {.aio_lio_opcode = opcode, .aio_fildes = fd, .aio_buf = (long)buf, .aio_nbytes = n,
                   .aio_offset = offset, .aio_data = 77};
  return c;
}

static long one(aio_context_t c, struct iocb *b) {
  struct io_event e;
  if (submit(c, 1, &b) != 1)
    return -errno;
  EQ(1, events(c, 1, 1, &e, 0));
  EQ((long)b, e.obj);
  EQ(77, e.data);
  return e.res;
}

static void contexts(void) {
  aio_context_t c = 0, other = 1;
  FAILS(EINVAL, setup(0, &c));
  FAILS(EINVAL, setup(1, &other));
  FAILS(EFAULT, setup(1, BAD));
  FAILS(EINVAL, setup(10000000, &c));
  FAILS(EAGAIN, setup(1000000, &c));
  OK(setup(4, &c));
  CHECK(c != 0);
  /* A library may look there before it asks. */
  (void)*(volatile int *)c;
  struct io_event e[4];
  struct timespec now = {0, 0}, soon = {0, 10000000};
  EQ(0, events(c, 0, 4, e, 0));
  EQ(0, events(c, 1, 4, e, &now));
  EQ(0, events(c, 1, 4, e, &soon));
  FAILS(EINVAL, events(c, 5, 4, e, &now));
  FAILS(EINVAL, events(c, -1, 4, e, &now));
  FAILS(EINVAL, events(1, 1, 1, e, &now));
  FAILS(EINVAL, submit(1, 0, 0));
  FAILS(EINVAL, submit(c, -1, 0));
  EQ(0, submit(c, 0, 0));
  FAILS(EFAULT, submit(c, 1, BAD));
  struct iocb *wild = BAD;
  FAILS(EFAULT, submit(c, 1, &wild));
  /* A child does not have it. */
  pid_t child = fork();
  if (!child)
    _exit(events(c, 0, 1, e, &now) == -1 && errno == EINVAL ? 0 : 1);
  int status;
  waitpid(child, &status, 0);
  EQ(0, status);
  OK(destroy(c));
  FAILS(EINVAL, destroy(c));
  FAILS(EINVAL, destroy(0));
}

static void files(void) {
  aio_context_t c = 0;
  OK(setup(8, &c));
  int fd = OK(open("/tmp/aio-file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  unlink("/tmp/aio-file");
  char buf[16] = {0};
  struct iocb b = control(IOCB_CMD_PWRITE, fd, "content", 7, 100);
  EQ(7, one(c, &b));
  b = control(IOCB_CMD_PREAD, fd, buf, sizeof buf, 103);
  EQ(4, one(c, &b));
  CHECK(!memcmp(buf, "tent", 4));
  b = control(IOCB_CMD_PREAD, fd, buf, sizeof buf, 1000);
  EQ(0, one(c, &b));
  struct iovec v[2] = {{"ab", 2}, {"cd", 2}};
  b = control(IOCB_CMD_PWRITEV, fd, v, 2, 0);
  EQ(4, one(c, &b));
  struct iovec w = {buf, 4};
  b = control(IOCB_CMD_PREADV, fd, &w, 1, 0);
  EQ(4, one(c, &b));
  CHECK(!memcmp(buf, "abcd", 4));
  b = control(IOCB_CMD_FSYNC, fd, 0, 0, 0);
  long synced = one(c, &b);
  CHECK(synced == 0 || synced == -EINVAL);
  b = control(IOCB_CMD_PREAD, fd, BAD, 4, 0);
  EQ(-EFAULT, one(c, &b));
  b = control(IOCB_CMD_PREAD, -1, buf, 4, 0);
  EQ(-EBADF, one(c, &b));
  b = control(42, fd, buf, 4, 0);
  EQ(-EINVAL, one(c, &b));
  b = control(IOCB_CMD_PREAD, fd, buf, 4, 0);
  b.aio_reserved2 = 1;
  EQ(-EINVAL, one(c, &b));
  int readonly = OK(open("/proc/self/stat", O_RDONLY));
  b = control(IOCB_CMD_PWRITE, readonly, buf, 4, 0);
  EQ(-EBADF, one(c, &b));
  close(readonly);

  /* Several at once; the second is bad, so the first alone is taken. */
  struct iocb good = control(IOCB_CMD_PREAD, fd, buf, 4, 0), bad = control(IOCB_CMD_PREAD, -1, buf, 4, 0);
  struct iocb *list[3] = {&good, &bad, &good};
  EQ(1, submit(c, 3, list));
  struct io_event e[8];
  EQ(1, events(c, 1, 8, e, 0));

  /* An eventfd counts what has ended. */
  int ev = OK(eventfd(0, 0));
  b = control(IOCB_CMD_PREAD, fd, buf, 4, 0);
  b.aio_flags = IOCB_FLAG_RESFD;
  b.aio_resfd = ev;
  EQ(4, one(c, &b));
  uint64_t count = 0;
  EQ(8, read(ev, &count, 8));
  EQ(1, count);
  b.aio_resfd = fd;
  EQ(-EINVAL, one(c, &b));
  close(ev);
  close(fd);
  OK(destroy(c));
}

static void polls(void) {
  aio_context_t c = 0;
  OK(setup(8, &c));
  int p[2];
  OK(pipe(p));
  struct iocb b = control(IOCB_CMD_POLL, p[0], 0, 0, 0);
  b.aio_buf = POLLIN;
  struct iocb *list[1] = {&b};
  if (submit(c, 1, list) != 1) {
    printf("no IOCB_CMD_POLL in this kernel\n");
    return;
  }
  struct io_event e;
  struct timespec now = {0, 0}, later = {5, 0};
  EQ(0, events(c, 1, 1, &e, &now));
  write(p[1], "x", 1);
  EQ(1, events(c, 1, 1, &e, &later));
  CHECK(e.res & POLLIN);
  char byte;
  read(p[0], &byte, 1);
  /* One that never happens: cancelled, and ended with its context. */
  EQ(1, submit(c, 1, list));
  FAILS(EINPROGRESS, syscall(SYS_io_cancel, c, &b, &e));
  EQ(1, events(c, 1, 1, &e, &later));
  EQ((long)&b, e.obj);
  FAILS(EINVAL, syscall(SYS_io_cancel, c, &b, &e));
  EQ(1, submit(c, 1, list));
  OK(destroy(c));
  close(p[0]);
  close(p[1]);
}

int main(void) {
  aio_context_t probe = 0;
  if (setup(1, &probe) == -1 && errno == ENOSYS)
    SKIP("this kernel has no Linux AIO");
  destroy(probe);
  contexts();
  files();
  polls();
  DONE();
}
