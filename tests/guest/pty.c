/* Pseudo-terminals: pairs, names, both ends' reads and writes, packet mode, ends that close, window sizes. */
#include "test.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <termios.h>

static int open_pair(int *slave) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0) {
    SKIP("no /dev/ptmx here");
  }
  EQ(0, grantpt(master));
  EQ(0, unlockpt(master));
  *slave = OK(open(ptsname(master), O_RDWR | O_NOCTTY));
  return master;
}

static void raw(int fd) {
  struct termios t;
  OK(tcgetattr(fd, &t));
  cfmakeraw(&t);
  OK(tcsetattr(fd, TCSANOW, &t));
}

static int waits(int fd, int events, int timeout) {
  struct pollfd p = {.fd = fd, .events = events};
  return poll(&p, 1, timeout) > 0 ? p.revents : 0;
}

static void names(void) {
  int slave, n = -1, lock = -1;
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0) {
    SKIP("no /dev/ptmx here");
  }
  OK(ioctl(master, TIOCGPTN, &n));
  CHECK(n >= 0);
  char want[32];
  snprintf(want, sizeof want, "/dev/pts/%d", n);
  CHECK(strcmp(want, ptsname(master)) == 0);
  OK(ioctl(master, TIOCGPTLCK, &lock));
  EQ(1, lock);
  FAILS(EIO, open(want, O_RDWR | O_NOCTTY));
  lock = 0;
  OK(ioctl(master, TIOCSPTLCK, &lock));
  slave = OK(open(want, O_RDWR | O_NOCTTY));
  CHECK(isatty(slave));
  CHECK(strcmp(want, ttyname(slave)) == 0);
  struct stat st;
  OK(fstat(slave, &st));
  CHECK(S_ISCHR(st.st_mode));
  EQ(136, major(st.st_rdev));
  EQ(n, minor(st.st_rdev));
  FAILS(EFAULT, ioctl(master, TIOCGPTN, BAD));
  FAILS(EFAULT, ioctl(master, TIOCSPTLCK, BAD));
  FAILS(ENOTTY, ioctl(slave, TIOCGPTN, &n));
  int peer = OK(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
  CHECK(isatty(peer));
  close(peer);
  close(slave);
  close(master);
  FAILS(ENOENT, open(want, O_RDWR | O_NOCTTY));
}

static void data(void) {
  int slave, master = open_pair(&slave);
  char buf[256];
  raw(slave);
  EQ(5, write(slave, "hello", 5));
  EQ(POLLIN, waits(master, POLLIN, 1000));
  EQ(5, read(master, buf, sizeof buf));
  CHECK(memcmp(buf, "hello", 5) == 0);
  EQ(3, write(master, "abc", 3));
  EQ(POLLIN, waits(slave, POLLIN, 1000));
  int avail = 0;
  OK(ioctl(slave, FIONREAD, &avail));
  EQ(3, avail);
  EQ(2, read(slave, buf, 2));
  EQ(1, read(slave, buf, 2));
  EQ(0, waits(slave, POLLIN, 0));
  EQ(POLLOUT, waits(slave, POLLOUT, 0));
  EQ(POLLOUT, waits(master, POLLOUT, 0));
  OK(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK));
  FAILS(EAGAIN, read(slave, buf, 1));
  OK(fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK));
  FAILS(EAGAIN, read(master, buf, 1));
  FAILS(ESPIPE, lseek(slave, 0, SEEK_SET));
  FAILS(ESPIPE, lseek(master, 0, SEEK_CUR));
  EQ(1, write(master, "x", 1));
  EQ(POLLIN, waits(slave, POLLIN, 1000));
  FAILS(EFAULT, syscall(SYS_read, slave, BAD, 1));
  FAILS(EFAULT, syscall(SYS_write, slave, BAD, 1));
  close(slave);
  close(master);
}

/* A writer that nobody reads from is stopped, and goes on when somebody does. */
static void full(void) {
  int slave, master = open_pair(&slave);
  static char block[4096];
  raw(slave);
  memset(block, 'x', sizeof block);
  OK(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK));
  long written = 0;
  do { /* Linux carries bytes to the other side in the background, which makes room for some more */
    ssize_t n;
    while (written < (1 << 22) && (n = write(slave, block, sizeof block)) >= 0) {
      written += n;
    }
    if (written < (1 << 22)) {
      EQ(EAGAIN, errno);
    }
  } while (written < (1 << 22) && waits(slave, POLLOUT, 100) == POLLOUT);
  CHECK(written > 0 && written < (1 << 22));
  pid_t child = fork();
  if (child == 0) {
    fcntl(slave, F_SETFL, O_RDWR);
    for (int i = 0; i < 64; i++) {
      if (write(slave, block, sizeof block) != sizeof block) {
        _exit(1);
      }
    }
    _exit(0);
  }
  close(slave);
  long want = written + 64 * (long)sizeof block, got = 0;
  while (got < want) {
    static char in[8192];
    ssize_t n = read(master, in, sizeof in);
    if (n <= 0) {
      break;
    }
    got += n;
  }
  EQ(want, got);
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  close(master);
}

static void ends(void) {
  int slave, master = open_pair(&slave);
  char buf[16];
  raw(slave);
  EQ(2, write(slave, "ok", 2));
  close(slave);
  CHECK((waits(master, POLLIN, 1000) & POLLHUP) != 0);
  EQ(2, read(master, buf, sizeof buf));
  FAILS(EIO, read(master, buf, sizeof buf));
  /* Opened again, it is alive again. */
  slave = OK(open(ptsname(master), O_RDWR | O_NOCTTY));
  EQ(0, waits(master, POLLIN, 0) & POLLHUP);
  EQ(1, write(slave, "a", 1));
  EQ(1, read(master, buf, sizeof buf));
  close(master);
  EQ(0, read(slave, buf, sizeof buf));
  FAILS(EIO, write(slave, "x", 1));
  CHECK((waits(slave, POLLIN, 1000) & POLLHUP) != 0);
  struct termios t;
  FAILS(EIO, tcgetattr(slave, &t));
  close(slave);
}

static void packet(void) {
  int slave, master = open_pair(&slave);
  int on = 1;
  char buf[16];
  raw(slave);
  OK(ioctl(master, TIOCPKT, &on));
  EQ(2, write(slave, "hi", 2));
  EQ(3, read(master, buf, sizeof buf));
  EQ(TIOCPKT_DATA, buf[0]);
  CHECK(memcmp(buf + 1, "hi", 2) == 0);
  OK(tcflush(slave, TCIFLUSH));
  CHECK((waits(master, POLLPRI, 1000) & POLLPRI) != 0);
  EQ(1, read(master, buf, sizeof buf));
  CHECK((buf[0] & TIOCPKT_FLUSHREAD) != 0);
  on = 0;
  OK(ioctl(master, TIOCPKT, &on));
  FAILS(EFAULT, ioctl(master, TIOCPKT, BAD));
  close(slave);
  close(master);
}

static void window(void) {
  int slave, master = open_pair(&slave);
  struct winsize w = {0};
  OK(ioctl(slave, TIOCGWINSZ, &w));
  EQ(0, w.ws_row);
  w.ws_row = 24;
  w.ws_col = 80;
  w.ws_xpixel = 3;
  w.ws_ypixel = 4;
  OK(ioctl(master, TIOCSWINSZ, &w));
  struct winsize got = {0};
  OK(ioctl(slave, TIOCGWINSZ, &got));
  CHECK(memcmp(&w, &got, sizeof w) == 0);
  FAILS(EFAULT, ioctl(slave, TIOCGWINSZ, BAD));
  FAILS(EFAULT, ioctl(slave, TIOCSWINSZ, BAD));
  FAILS(ENOTTY, ioctl(slave, 0x54ff, 0));
  int excl = -1;
  OK(ioctl(slave, TIOCGEXCL, &excl));
  EQ(0, excl);
  OK(ioctl(slave, TIOCEXCL));
  OK(ioctl(slave, TIOCGEXCL, &excl));
  EQ(1, excl);
  OK(ioctl(slave, TIOCNXCL));
  close(slave);
  close(master);
}

int main(void) {
  names();
  data();
  full();
  ends();
  packet();
  window();
  DONE();
}
