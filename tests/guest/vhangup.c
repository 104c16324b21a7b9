/* man 2 vhangup, in sessions of its own: never on a terminal of who runs this. Runs as root. */
#define _XOPEN_SOURCE 700
#include "test.h"
#include <sys/ioctl.h>
#include <termios.h>

static volatile int hups, conts;
static void on_hup(int s) { (void)s, hups++; }
static void on_cont(int s) { (void)s, conts++; }

static void terminal(void) {
  if (setsid() < 0) _exit(9);
  /* Without a terminal there is nothing to hang up. */
  EQ(0, syscall(SYS_vhangup));
  int master = OK(posix_openpt(O_RDWR | O_NOCTTY));
  OK(grantpt(master));
  OK(unlockpt(master));
  int slave = OK(open(ptsname(master), O_RDWR | O_NOCTTY));
  OK(ioctl(slave, TIOCSCTTY, 0));
  int tty = OK(open("/dev/tty", O_RDWR));
  EQ(getsid(0), tcgetsid(slave));
  signal(SIGHUP, on_hup);
  signal(SIGCONT, on_cont);
  EQ(0, syscall(SYS_vhangup));
  EQ(1, hups);
  EQ(1, conts);
  char b;
  EQ(0, read(slave, &b, 1));
  FAILS(EIO, write(slave, "x", 1));
  EQ(0, read(tty, &b, 1));
  FAILS(EIO, tcgetsid(slave));
  FAILS(ENXIO, open("/dev/tty", O_RDWR));
  EQ(0, syscall(SYS_vhangup));
  EQ(1, hups);
}

/* The other end may be opened again, and works. */
static void afterwards(void) {
  if (setsid() < 0) _exit(9);
  int master = OK(posix_openpt(O_RDWR | O_NOCTTY));
  OK(grantpt(master));
  OK(unlockpt(master));
  int slave = OK(open(ptsname(master), O_RDWR | O_NOCTTY));
  OK(ioctl(slave, TIOCSCTTY, 0));
  signal(SIGHUP, SIG_IGN);
  EQ(0, syscall(SYS_vhangup));
  close(slave);
  slave = OK(open(ptsname(master), O_RDWR | O_NOCTTY));
  struct termios raw;
  OK(tcgetattr(slave, &raw));
  raw.c_lflag = raw.c_oflag = 0;
  OK(tcsetattr(slave, TCSANOW, &raw));
  EQ(1, write(slave, "y", 1));
  char b = 0;
  EQ(1, read(master, &b, 1));
  EQ('y', b);
}

static void user(void) {
  if (setsid() < 0 || setgid(1234) || setuid(1234)) _exit(9);
  FAILS(EPERM, syscall(SYS_vhangup));
}

static int child(void (*test)(void)) {
  pid_t p = OK(fork());
  if (p == 0) {
    failures = 0;
    test();
    _exit(failures != 0);
  }
  int st = -1;
  OK(waitpid(p, &st, 0));
  return st;
}

int main(void) {
  EQ(0, child(terminal));
  EQ(0, child(afterwards));
  EQ(0, child(user));
  DONE();
}
