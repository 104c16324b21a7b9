/* The line discipline: what becomes of typed bytes in canonical and raw mode, echo, output processing. */
#include "test.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;

static void open_pair(void) {
  master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0) {
    SKIP("no /dev/ptmx here");
  }
  EQ(0, grantpt(master));
  EQ(0, unlockpt(master));
  slave = OK(open(ptsname(master), O_RDWR | O_NOCTTY));
}

static void close_pair(void) {
  close(slave);
  close(master);
}

static void type(const char *text) {
  EQ(strlen(text), write(master, text, strlen(text)));
}

static int readable(int fd, int timeout) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, timeout) == 1 && (p.revents & POLLIN) != 0;
}

/* What the program reads is this. */
static void reads(const char *want) {
  char buf[5000] = {0};
  CHECK(readable(slave, 1000));
  ssize_t n = read(slave, buf, sizeof buf - 1);
  EQ(strlen(want), n);
  if (n >= 0) {
    buf[n] = 0;
  }
  if (strcmp(want, buf) != 0) {
    printf("want \"%s\", got \"%s\"\n", want, buf);
    failures++;
  }
}

/* What the user sees is this. */
static void shows(const char *want) {
  char buf[5000] = {0};
  size_t have = 0;
  while (have < strlen(want) && readable(master, 1000)) {
    ssize_t n = read(master, buf + have, sizeof buf - 1 - have);
    if (n <= 0) {
      break;
    }
    have += n;
  }
  if (readable(master, 0)) {
    ssize_t n = read(master, buf + have, sizeof buf - 1 - have);
    have += n > 0 ? n : 0;
  }
  if (strcmp(want, buf) != 0) {
    printf("%s: want shown \"", __func__);
    for (const char *p = want; *p; p++) printf(*p < 32 || *p == 127 ? "\\%03o" : "%c", *p);
    printf("\", got \"");
    for (const char *p = buf; *p; p++) printf(*p < 32 || *p == 127 ? "\\%03o" : "%c", *p);
    printf("\"\n");
    failures++;
  }
}

static void set(tcflag_t ioff, tcflag_t ion, tcflag_t ooff, tcflag_t oon, tcflag_t loff, tcflag_t lon) {
  struct termios t;
  OK(tcgetattr(slave, &t));
  t.c_iflag = (t.c_iflag & ~ioff) | ion;
  t.c_oflag = (t.c_oflag & ~ooff) | oon;
  t.c_lflag = (t.c_lflag & ~loff) | lon;
  OK(tcsetattr(slave, TCSANOW, &t));
}

static void vmin(int min, int time) {
  struct termios t;
  OK(tcgetattr(slave, &t));
  t.c_lflag &= ~(ICANON | ECHO | ISIG);
  t.c_cc[VMIN] = min;
  t.c_cc[VTIME] = time;
  OK(tcsetattr(slave, TCSANOW, &t));
}

static void defaults(void) {
  open_pair();
  struct termios t;
  OK(tcgetattr(slave, &t));
  EQ(ICRNL | IXON, t.c_iflag);
  EQ(OPOST | ONLCR, t.c_oflag);
  EQ(CS8 | CREAD | B38400, t.c_cflag);
  EQ(ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN, t.c_lflag);
  EQ(3, t.c_cc[VINTR]);
  EQ(28, t.c_cc[VQUIT]);
  EQ(127, t.c_cc[VERASE]);
  EQ(21, t.c_cc[VKILL]);
  EQ(4, t.c_cc[VEOF]);
  EQ(1, t.c_cc[VMIN]);
  EQ(0, t.c_cc[VTIME]);
  EQ(26, t.c_cc[VSUSP]);
  EQ(23, t.c_cc[VWERASE]);
  EQ(22, t.c_cc[VLNEXT]);
  EQ(18, t.c_cc[VREPRINT]);
  EQ(B38400, cfgetospeed(&t));
  FAILS(EFAULT, ioctl(slave, TCGETS, BAD));
  FAILS(EFAULT, ioctl(slave, TCSETS, BAD));
  FAILS(EINVAL, tcflush(slave, 77));
  FAILS(EINVAL, tcflow(slave, 77));
  OK(tcdrain(slave));
  OK(tcsendbreak(slave, 0));
  close_pair();
}

static void canonical(void) {
  open_pair();
  type("one");
  CHECK(!readable(slave, 50));
  type("\n");
  reads("one\n");
  shows("one\r\n");
  /* A carriage return becomes a newline. */
  type("two\r");
  reads("two\n");
  shows("two\r\n");
  /* One read, one line. */
  type("a\nb\n");
  char buf[16];
  EQ(2, read(slave, buf, sizeof buf));
  EQ(2, read(slave, buf, sizeof buf));
  shows("a\r\nb\r\n");
  /* A small buffer takes the line in pieces. */
  type("12345\n");
  EQ(4, read(slave, buf, 4));
  EQ(2, read(slave, buf, 4));
  shows("12345\r\n");
  int avail = -1;
  type("xyz\n");
  CHECK(readable(slave, 1000));
  OK(ioctl(slave, FIONREAD, &avail));
  EQ(4, avail);
  reads("xyz\n");
  shows("xyz\r\n");
  close_pair();
}

static void end_of_file(void) {
  open_pair();
  char buf[16];
  type("\004");
  CHECK(readable(slave, 1000));
  EQ(0, read(slave, buf, sizeof buf));
  /* After text it ends the line without being part of it. */
  type("abc\004");
  EQ(3, read(slave, buf, sizeof buf));
  type("abc\004");
  EQ(3, read(slave, buf, 3));
  CHECK(!readable(slave, 50));
  shows("abcabc");
  /* A character of one's own ends lines too. */
  struct termios t;
  OK(tcgetattr(slave, &t));
  t.c_cc[VEOL] = ';';
  OK(tcsetattr(slave, TCSANOW, &t));
  type("l;");
  reads("l;");
  close_pair();
}

static void editing(void) {
  open_pair();
  type("abx\177c\n");
  reads("abc\n");
  shows("abx\b \bc\r\n");
  type("nothing\025x\n");
  reads("x\n");
  shows("nothing\b \b\b \b\b \b\b \b\b \b\b \b\b \bx\r\n");
  type("ab cd\027e\n");
  reads("ab e\n");
  shows("ab cd\b \b\b \be\r\n");
  /* Literally next: no signal, no erasing. */
  type("\026\003\026\177\n");
  reads("\003\177\n");
  shows("^\b^C^\b^?\r\n");
  /* Erasing a control character takes both of its places away. */
  type("\026\001\177y\n");
  reads("y\n");
  shows("^\b^A\b \b\b \by\r\n");
  type("ab\022\n");
  reads("ab\n");
  shows("ab^R\r\nab\r\n");
  /* A tab is erased to where it started. */
  type("ab\t\177z\n");
  reads("abz\n");
  shows("ab\t\b\b\b\b\b\bz\r\n");
  /* Nothing to erase, nothing shown. */
  type("\177\n");
  reads("\n");
  shows("\r\n");
  set(0, IUTF8, 0, 0, 0, 0);
  type("\xc3\xa9\177q\n");
  reads("q\n");
  shows("\xc3\xa9\b \bq\r\n");
  close_pair();
}

static void echo(void) {
  open_pair();
  set(0, 0, 0, 0, ECHO, 0);
  type("secret\n");
  reads("secret\n");
  CHECK(!readable(master, 50));
  set(0, 0, 0, 0, ECHO, ECHONL);
  type("s\n");
  reads("s\n");
  shows("\r\n");
  set(0, 0, 0, 0, ECHOCTL | ECHONL, ECHO);
  type("a\001\n");
  reads("a\001\n");
  shows("a\001\r\n");
  set(0, 0, 0, 0, ECHOE | ECHOCTL, ECHO);
  type("a\177\n");
  reads("\n");
  shows("a\177\r\n");
  set(0, 0, 0, 0, ECHOKE, ECHOE | ECHOK | ECHOCTL);
  type("ab\025\n");
  reads("\n");
  shows("ab^U\r\n\r\n");
  set(0, 0, 0, 0, 0, ECHOPRT);
  type("ab\177c\n");
  reads("ac\n");
  shows("ab\\b/c\r\n");
  close_pair();
}

static void input_flags(void) {
  open_pair();
  set(ICRNL, 0, 0, 0, ECHO, 0);
  type("a\rb\n");
  reads("a\rb\n");
  set(0, IGNCR, 0, 0, 0, 0);
  type("a\rb\n");
  reads("ab\n");
  set(IGNCR, INLCR, 0, 0, ICANON, 0);
  type("\n");
  reads("\r");
  set(INLCR, ISTRIP, 0, 0, 0, 0);
  type("\xe1");
  reads("a");
  set(ISTRIP, IUCLC, 0, 0, 0, 0);
  type("ABC");
  reads("abc");
  close_pair();
}

static void output_flags(void) {
  open_pair();
  EQ(2, write(slave, "a\n", 2));
  shows("a\r\n");
  set(0, 0, OPOST, 0, 0, 0);
  EQ(2, write(slave, "a\n", 2));
  shows("a\n");
  set(0, 0, ONLCR, OPOST | OCRNL, 0, 0);
  EQ(2, write(slave, "b\r", 2));
  shows("b\n");
  set(0, 0, OCRNL, OLCUC, 0, 0);
  EQ(2, write(slave, "c\n", 2));
  shows("C\n");
  set(0, 0, OLCUC, ONLCR | XTABS, 0, 0);
  EQ(5, write(slave, "\nab\tc", 5));
  shows("\r\nab      c");
  close_pair();
}

static long elapsed(struct timespec from) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000;
}

static void raw_mode(void) {
  open_pair();
  char buf[16];
  struct timespec start;
  vmin(1, 0);
  type("x");
  reads("x");
  type("\r");
  reads("\n");
  /* Bytes that wait for VMIN are not readable yet. */
  vmin(3, 0);
  type("ab");
  CHECK(!readable(slave, 50));
  type("c");
  reads("abc");
  /* Without VMIN and VTIME a read never waits. */
  vmin(0, 0);
  EQ(0, read(slave, buf, sizeof buf));
  type("q");
  CHECK(readable(slave, 1000));
  EQ(1, read(slave, buf, sizeof buf));
  /* VTIME alone: so long from the read. */
  vmin(0, 2);
  clock_gettime(CLOCK_MONOTONIC, &start);
  EQ(0, read(slave, buf, sizeof buf));
  CHECK(elapsed(start) >= 150);
  type("w");
  EQ(1, read(slave, buf, sizeof buf));
  /* Both: so long from one byte to the next. */
  vmin(5, 2);
  type("ab");
  clock_gettime(CLOCK_MONOTONIC, &start);
  EQ(2, read(slave, buf, sizeof buf));
  CHECK(elapsed(start) >= 100);
  type("abcdefg");
  ssize_t n = read(slave, buf, 6);
  CHECK(n == 6 || n == 5);
  close_pair();
}

static void mode_switch(void) {
  open_pair();
  char buf[16];
  set(0, 0, 0, 0, ECHO, 0);
  /* An unfinished line becomes readable when canonical mode ends... */
  type("par");
  CHECK(!readable(slave, 50));
  set(0, 0, 0, 0, ICANON, 0);
  reads("par");
  /* ...and what was typed raw is a line when it begins. */
  type("raw");
  CHECK(readable(slave, 1000));
  set(0, 0, 0, 0, 0, ICANON);
  EQ(3, read(slave, buf, sizeof buf));
  type("gone");
  usleep(20000);
  OK(tcflush(slave, TCIFLUSH));
  type("x\n");
  reads("x\n");
  /* TCSAFLUSH forgets what was not read. */
  type("lost\n");
  CHECK(readable(slave, 1000));
  struct termios t;
  OK(tcgetattr(slave, &t));
  OK(tcsetattr(slave, TCSAFLUSH, &t));
  CHECK(!readable(slave, 20));
  close_pair();
}

static void flow(void) {
  open_pair();
  set(0, 0, 0, 0, ECHO, 0);
  type("\023");
  usleep(20000);
  OK(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK));
  FAILS(EAGAIN, write(slave, "x", 1));
  type("\021");
  usleep(20000);
  EQ(1, write(slave, "x", 1));
  shows("x");
  OK(tcflow(slave, TCOOFF));
  FAILS(EAGAIN, write(slave, "x", 1));
  OK(tcflow(slave, TCOON));
  EQ(1, write(slave, "y", 1));
  shows("y");
  OK(tcflow(slave, TCIOFF));
  shows("\023");
  close_pair();
}

/* A line has room for 4095 bytes; the end of a longer one is lost, its newline is not. */
static void long_line(void) {
  open_pair();
  static char text[5001];
  memset(text, 'z', 5000);
  set(0, 0, 0, 0, ECHO, 0);
  EQ(5000, write(master, text, 5000));
  EQ(1, write(master, "\n", 1));
  CHECK(readable(slave, 1000));
  static char buf[6000];
  ssize_t n = read(slave, buf, sizeof buf);
  CHECK(n >= 4090 && n <= 4096);
  if (n > 0) {
    EQ('\n', buf[n - 1]);
  }
  close_pair();
}

int main(void) {
  defaults();
  canonical();
  end_of_file();
  editing();
  echo();
  input_flags();
  output_flags();
  raw_mode();
  mode_switch();
  flow();
  long_line();
  DONE();
}
