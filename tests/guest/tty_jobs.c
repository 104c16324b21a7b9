/* Controlling terminals and job control: sessions, foreground groups, signal characters, background reads and writes,
 * hangup. */
#include "test.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master;
static char name[64];

static void new_pair(void) {
  master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0) {
    SKIP("no /dev/ptmx here");
  }
  EQ(0, grantpt(master));
  EQ(0, unlockpt(master));
  strcpy(name, ptsname(master));
}

/* Runs BODY in a session of its own; its failures count here. */
static void in_session(void (*body)(void)) {
  new_pair();
  pid_t child = fork();
  if (child == 0) {
    failures = 0;
    OK(setsid());
    body();
    fflush(stdout);
    _exit(failures > 100 ? 100 : failures);
  }
  int status;
  EQ(child, waitpid(child, &status, 0));
  CHECK(WIFEXITED(status));
  failures += WEXITSTATUS(status);
  close(master);
}

static volatile sig_atomic_t seen[65];

static void note(int sig) {
  seen[sig]++;
}

static void catch(int sig) {
  struct sigaction sa = {.sa_handler = note};
  sigaction(sig, &sa, NULL);
}

static void wait_for(int sig) {
  for (int i = 0; i < 200 && !seen[sig]; i++) {
    usleep(5000);
  }
  EQ(1, seen[sig] > 0);
  seen[sig] = 0;
}

static void acquiring(void) {
  pid_t pgrp = -1;
  FAILS(ENXIO, open("/dev/tty", O_RDWR));
  int tty = OK(open(name, O_RDWR | O_NOCTTY));
  FAILS(ENOTTY, tcgetpgrp(tty));
  FAILS(ENOTTY, ioctl(tty, TIOCNOTTY));
  close(tty);
  tty = OK(open(name, O_RDWR));
  EQ(getpid(), tcgetpgrp(tty));
  EQ(getpid(), tcgetsid(tty));
  OK(ioctl(master, TIOCGPGRP, &pgrp));
  EQ(getpid(), pgrp);
  OK(ioctl(tty, TIOCSCTTY, 0));
  int dev = OK(open("/dev/tty", O_RDWR));
  EQ(getpid(), tcgetpgrp(dev));
  EQ(1, write(dev, "x", 1));
  close(dev);
  FAILS(EFAULT, ioctl(tty, TIOCGPGRP, BAD));
  FAILS(EFAULT, ioctl(tty, TIOCSPGRP, BAD));
  FAILS(EFAULT, ioctl(tty, TIOCGSID, BAD));
  pgrp = -5;
  FAILS(EINVAL, ioctl(tty, TIOCSPGRP, &pgrp));
  pgrp = 0x3ffffff;
  FAILS(ESRCH, ioctl(tty, TIOCSPGRP, &pgrp));
  pgrp = getpgid(getppid()); /* of another session */
  FAILS(EPERM, ioctl(tty, TIOCSPGRP, &pgrp));
  /* Not for who leads no session. */
  pid_t child = fork();
  if (child == 0) {
    failures = 0;
    OK(setsid());
    FAILS(ENXIO, open("/dev/tty", O_RDWR));
    FAILS(ENOTTY, tcgetpgrp(tty));
    int again = OK(open(name, O_RDWR));
    FAILS(ENOTTY, tcgetpgrp(again));
    _exit(failures);
  }
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  catch(SIGHUP);
  catch(SIGCONT);
  OK(ioctl(tty, TIOCNOTTY));
  wait_for(SIGHUP);
  wait_for(SIGCONT);
  FAILS(ENXIO, open("/dev/tty", O_RDWR));
}

static void signals(void) {
  int tty = OK(open(name, O_RDWR));
  catch(SIGINT);
  catch(SIGQUIT);
  catch(SIGTSTP);
  catch(SIGWINCH);
  EQ(1, write(master, "\003", 1));
  wait_for(SIGINT);
  EQ(1, write(master, "\034", 1));
  wait_for(SIGQUIT);
  EQ(1, write(master, "\032", 1));
  wait_for(SIGTSTP);
  char buf[64] = {0};
  usleep(10000);
  EQ(6, read(master, buf, sizeof buf));
  CHECK(strcmp(buf, "^C^\\^Z") == 0);
  struct winsize w = {.ws_row = 10, .ws_col = 20};
  OK(ioctl(master, TIOCSWINSZ, &w));
  wait_for(SIGWINCH);
  OK(ioctl(tty, TIOCSWINSZ, &w));
  usleep(20000);
  EQ(0, seen[SIGWINCH]);
  /* What was typed before is forgotten. */
  EQ(4, write(master, "abc\003", 4));
  wait_for(SIGINT);
  EQ(2, write(master, "d\n", 2));
  memset(buf, 0, sizeof buf);
  EQ(2, read(tty, buf, sizeof buf));
  CHECK(strcmp(buf, "d\n") == 0);
  /* A signal interrupts a read. */
  pid_t child = fork();
  if (child == 0) {
    usleep(50000);
    _exit(write(master, "\003", 1) != 1);
  }
  FAILS(EINTR, read(tty, buf, sizeof buf));
  waitpid(child, NULL, 0);
  OK(ioctl(master, TIOCSIG, SIGINT));
  wait_for(SIGINT);
}

/* A child in a background group. */
static pid_t background(void (*body)(int tty), int tty) {
  pid_t child = fork();
  if (child == 0) {
    failures = 0;
    setpgid(0, 0);
    body(tty);
    fflush(stdout);
    _exit(failures);
  }
  setpgid(child, child);
  return child;
}

static void reads_line(int tty) {
  char buf[16];
  EQ(3, read(tty, buf, sizeof buf));
}

static void reads_ignoring(int tty) {
  char buf[16];
  signal(SIGTTIN, SIG_IGN);
  FAILS(EIO, read(tty, buf, sizeof buf));
}

static void writes(int tty) {
  EQ(1, write(tty, "w", 1));
}

static void sets(int tty) {
  struct termios t;
  OK(tcgetattr(tty, &t));
  OK(tcsetattr(tty, TCSANOW, &t));
}

static void sets_ignoring(int tty) {
  signal(SIGTTOU, SIG_IGN);
  sets(tty);
  OK(tcsetpgrp(tty, getpgrp()));
}

static void in_background(void) {
  int tty = OK(open(name, O_RDWR)), status;
  signal(SIGTTOU, SIG_IGN);
  pid_t child = background(reads_line, tty);
  EQ(child, waitpid(child, &status, WUNTRACED));
  CHECK(WIFSTOPPED(status));
  EQ(SIGTTIN, WSTOPSIG(status));
  OK(tcsetpgrp(tty, child));
  EQ(child, tcgetpgrp(tty));
  OK(kill(-child, SIGCONT));
  EQ(3, write(master, "ab\n", 3));
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  OK(tcsetpgrp(tty, getpid()));

  child = background(reads_ignoring, tty);
  EQ(child, waitpid(child, &status, WUNTRACED));
  EQ(0, status);

  /* Writing is allowed unless TOSTOP. */
  child = background(writes, tty);
  EQ(child, waitpid(child, &status, WUNTRACED));
  EQ(0, status);
  struct termios t;
  OK(tcgetattr(tty, &t));
  t.c_lflag |= TOSTOP;
  OK(tcsetattr(tty, TCSANOW, &t));
  signal(SIGTTOU, SIG_DFL);
  child = background(writes, tty);
  EQ(child, waitpid(child, &status, WUNTRACED));
  CHECK(WIFSTOPPED(status));
  EQ(SIGTTOU, WSTOPSIG(status));
  t.c_lflag &= ~TOSTOP;
  OK(tcsetattr(tty, TCSANOW, &t));
  OK(kill(-child, SIGCONT));
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);

  child = background(sets, tty);
  EQ(child, waitpid(child, &status, WUNTRACED));
  CHECK(WIFSTOPPED(status));
  EQ(SIGTTOU, WSTOPSIG(status));
  OK(kill(-child, SIGKILL));
  EQ(child, waitpid(child, &status, 0));

  child = background(sets_ignoring, tty);
  EQ(child, waitpid(child, &status, WUNTRACED));
  EQ(0, status);
}

/* Ctrl-Z stops the foreground job, SIGCONT lets it go on. */
static void stopping(void) {
  int tty = OK(open(name, O_RDWR)), status;
  signal(SIGTTOU, SIG_IGN);
  pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    for (;;) {
      pause();
    }
  }
  setpgid(child, child);
  OK(tcsetpgrp(tty, child));
  EQ(1, write(master, "\032", 1));
  EQ(child, waitpid(child, &status, WUNTRACED));
  CHECK(WIFSTOPPED(status));
  EQ(SIGTSTP, WSTOPSIG(status));
  OK(kill(-child, SIGCONT));
  EQ(child, waitpid(child, &status, WCONTINUED));
  CHECK(WIFCONTINUED(status));
  EQ(1, write(master, "\003", 1));
  EQ(child, waitpid(child, &status, 0));
  CHECK(WIFSIGNALED(status));
  EQ(SIGINT, WTERMSIG(status));
}

/* The other end goes away. */
static void hangup(void) {
  int own = posix_openpt(O_RDWR | O_NOCTTY), status;
  OK(own);
  EQ(0, grantpt(own));
  EQ(0, unlockpt(own));
  pid_t child = fork();
  if (child == 0) {
    char buf[16];
    failures = 0;
    int tty = OK(open(ptsname(own), O_RDWR | O_NOCTTY));
    OK(setsid());
    OK(ioctl(tty, TIOCSCTTY, 0));
    catch(SIGHUP);
    catch(SIGCONT);
    close(own);
    wait_for(SIGHUP);
    wait_for(SIGCONT);
    EQ(0, read(tty, buf, sizeof buf));
    FAILS(EIO, write(tty, "x", 1));
    FAILS(ENXIO, open("/dev/tty", O_RDWR));
    fflush(stdout);
    _exit(failures);
  }
  usleep(100000);
  close(own);
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
}

/* A leader that dies takes the terminal from its session: the foreground gets SIGHUP. */
static void leader_exit(void) {
  int fds[2], status;
  OK(pipe(fds));
  pid_t leader = fork();
  if (leader == 0) {
    OK(setsid());
    OK(open(name, O_RDWR));
    pid_t child = fork();
    if (child == 0) {
      for (;;) {
        pause();
      }
    }
    close(fds[1]);
    _exit(0);
  }
  close(fds[1]);
  EQ(leader, waitpid(leader, &status, 0));
  /* End of file comes when the child is dead. */
  struct pollfd p = {.fd = fds[0], .events = POLLIN};
  EQ(1, poll(&p, 1, 2000));
  char c;
  EQ(0, read(fds[0], &c, 1));
  close(fds[0]);
}

int main(void) {
  in_session(acquiring);
  in_session(signals);
  in_session(in_background);
  in_session(stopping);
  in_session(hangup);
  in_session(leader_exit);
  DONE();
}
