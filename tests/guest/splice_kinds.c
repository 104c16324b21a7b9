/* sendfile(2) and splice(2): what kinds of files they take bytes out of and put bytes into. */
#include "tmpdir.h"
#include <pty.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum { SEEKS = 1, OUT = 2, IN = 4, PIPE = 8, READ_ONLY = 16 };

struct kind {
  const char *name;
  int flags;
};

static const struct kind kinds[] = {
  {"file", SEEKS | OUT | IN},
  {"memfd", SEEKS | OUT | IN},
  {"proc", SEEKS | OUT | READ_ONLY},
  {"zero", SEEKS | OUT | IN},
  {"null", SEEKS | IN},
  {"full", SEEKS | OUT},
  {"urandom", SEEKS | OUT | IN},
  {"pipe", PIPE | OUT | IN},
  {"unix", OUT | IN},
  {"tty", OUT | IN},
  {"ptmx", OUT | IN},
  {"eventfd", 0},
  {"timerfd", 0},
  {"inotify", READ_ONLY},
  {"epoll", 0},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Opens one that has "hello\n" to read, or that takes bytes; *other keeps its other end. */
static int open_kind(int kind, int write_end, int *other) {
  int p[2], fd;
  *other = -1;
  switch (kind) {
  case 0: fd = OK(open(write_end ? "out" : "in", O_RDWR | O_CREAT | O_TRUNC, 0600)); break;
  case 1: fd = OK(memfd_create("m", 0)); break;
  case 2: return OK(open("/proc/version", O_RDONLY));
  case 3: return OK(open("/dev/zero", O_RDWR));
  case 4: return OK(open("/dev/null", O_RDWR));
  case 5: return OK(open("/dev/full", O_RDWR));
  case 6: return OK(open("/dev/urandom", O_RDWR));
  case 7:
    OK(pipe(p));
    EQ(6, write(p[1], "hello\n", 6));
    *other = p[!write_end];
    return p[write_end];
  case 8:
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    EQ(6, write(p[1], "hello\n", 6));
    *other = p[1];
    return p[0];
  case 9:
    OK(openpty(&p[0], &p[1], NULL, NULL, NULL));
    EQ(6, write(p[0], "hello\n", 6));
    *other = p[0];
    return p[1];
  case 10:
    OK(openpty(&p[0], &p[1], NULL, NULL, NULL));
    EQ(6, write(p[1], "hello\n", 6));
    *other = p[1];
    return p[0];
  case 11: return OK(eventfd(1, 0));
  case 12: return OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  case 13: return OK(inotify_init1(IN_NONBLOCK));
  default: return OK(epoll_create1(0));
  }
  if (!write_end) {
    EQ(6, write(fd, "hello\n", 6));
    EQ(0, lseek(fd, 0, SEEK_SET));
  }
  return fd;
}

static void check(const struct kind *from, const struct kind *to, const char *call, int works, long result) {
  int refusal = to->flags & READ_ONLY ? EBADF : EINVAL;
  if (works ? result <= 0 : result != -1 || errno != refusal) {
    printf("%s from %s to %s: %ld (%s)\n", call, from->name, to->name, result, strerror(errno));
    failures++;
  }
}

static void every_pair(void) {
  for (int i = 0; i < KINDS; i++) {
    for (int o = 0; o < KINDS; o++) {
      const struct kind *from = &kinds[i], *to = &kinds[o];
      int in_other, out_other, can = (from->flags & OUT) && (to->flags & IN);
      int in = open_kind(i, 0, &in_other), out = open_kind(o, 1, &out_other);
      check(from, to, "sendfile", can && !(from->flags & PIPE) && (from->flags & SEEKS || to->flags & PIPE),
          sendfile(out, in, NULL, 6));
      close(in), close(in_other), close(out), close(out_other);
      in = open_kind(i, 0, &in_other), out = open_kind(o, 1, &out_other);
      check(from, to, "splice", can && (from->flags & PIPE || to->flags & PIPE), splice(in, NULL, out, NULL, 6, 0));
      close(in), close(in_other), close(out), close(out_other);
    }
  }
}

/* An end of file that was typed stays for the next read. */
static void end_of_file_of_a_terminal(void) {
  int master, tty, p[2];
  char line[8];
  OK(openpty(&master, &tty, NULL, NULL, NULL));
  OK(pipe(p));
  EQ(5, write(master, "abc\n\4", 5));
  EQ(4, splice(tty, NULL, p[1], NULL, 4096, 0));
  EQ(0, read(tty, line, sizeof line));
  EQ(5, write(master, "abc\n\4", 5));
  EQ(4, sendfile(p[1], tty, NULL, 4096));
  EQ(0, read(tty, line, sizeof line));
  FAILS(EINVAL, sendfile(tty, tty, NULL, 4096));
}

int main(void) {
  tmpdir_enter();
  every_pair();
  end_of_file_of_a_terminal();
  tmpdir_leave();
  DONE();
}
