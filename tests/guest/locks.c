/* flock(2), and the locks of fcntl(2). */
#include "tmpdir.h"
#include <sys/file.h>

static int lock(int fd, int command, int type, long start, long length) {
  struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(fd, command, &l);
}

/* Runs in a child: who holds a lock that keeps us from this one? */
static struct flock ask(int fd, int type, long start, long length) {
  struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  OK(fcntl(fd, F_GETLK, &l));
  return l;
}

static int in_child(void (*f)(int), int fd) {
  pid_t pid = fork();
  if (pid == 0) {
    failures = 0;
    f(fd);
    _exit(failures != 0);
  }
  int status;
  OK(waitpid(pid, &status, 0));
  return status;
}

static void sees_locks(int fd) {
  struct flock l = ask(fd, F_WRLCK, 0, 0);
  EQ(F_WRLCK, l.l_type);
  EQ(10, l.l_start);
  EQ(20, l.l_len);
  EQ(getppid(), l.l_pid);
  EQ(F_UNLCK, ask(fd, F_WRLCK, 30, 10).l_type);
  EQ(F_UNLCK, ask(fd, F_WRLCK, 0, 10).l_type);
  EQ(F_WRLCK, ask(fd, F_RDLCK, 29, 1).l_type);
  EQ(F_UNLCK, ask(fd, F_RDLCK, 100, 10).l_type);
  EQ(F_RDLCK, ask(fd, F_WRLCK, 100, 10).l_type);
  FAILS(EAGAIN, lock(fd, F_SETLK, F_WRLCK, 15, 1));
  OK(lock(fd, F_SETLK, F_RDLCK, 100, 5));
}

static void sees_split(int fd) {
  EQ(F_UNLCK, ask(fd, F_WRLCK, 15, 5).l_type);
  EQ(10, ask(fd, F_WRLCK, 0, 0).l_start);
  EQ(5, ask(fd, F_WRLCK, 0, 0).l_len);
  EQ(20, ask(fd, F_WRLCK, 15, 0).l_start);
  EQ(10, ask(fd, F_WRLCK, 15, 80).l_len);
}

static void sees_none(int fd) { EQ(F_UNLCK, ask(fd, F_WRLCK, 0, 0).l_type); }

static void posix(void) {
  int fd = OK(open("p", O_RDWR | O_CREAT, 0600));
  OK(lock(fd, F_SETLK, F_WRLCK, 10, 20));
  OK(lock(fd, F_SETLK, F_RDLCK, 100, 10));
  EQ(0, in_child(sees_locks, fd));
  OK(lock(fd, F_SETLK, F_UNLCK, 15, 5));
  EQ(0, in_child(sees_split, fd));
  /* Any close by the owner gives the locks up. */
  OK(close(OK(dup(fd))));
  EQ(0, in_child(sees_none, fd));
  int ro = OK(open("p", O_RDONLY));
  FAILS(EBADF, lock(ro, F_SETLK, F_WRLCK, 0, 1));
  FAILS(EINVAL, lock(fd, F_SETLK, 7, 0, 1));
  FAILS(EINVAL, lock(fd, F_SETLK, F_RDLCK, -1, 1));
  FAILS(EFAULT, fcntl(fd, F_SETLK, BAD));
  FAILS(EFAULT, fcntl(fd, F_GETLK, BAD));
  OK(close(ro));
  OK(close(fd));
}

static void waiting(void) {
  int fd = OK(open("w", O_RDWR | O_CREAT, 0600));
  int ready[2];
  OK(pipe(ready));
  OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
  pid_t pid = fork();
  if (pid == 0) {
    OK(lock(fd, F_SETLK, F_WRLCK, 20, 10));
    EQ(1, write(ready[1], "x", 1));
    OK(lock(fd, F_SETLKW, F_WRLCK, 0, 10));
    _exit(failures != 0);
  }
  char c;
  EQ(1, read(ready[0], &c, 1));
  usleep(20000);
  /* The child waits for us: waiting for it would never end. */
  FAILS(EDEADLK, lock(fd, F_SETLKW, F_WRLCK, 20, 10));
  OK(lock(fd, F_SETLK, F_UNLCK, 0, 10));
  int status;
  OK(waitpid(pid, &status, 0));
  EQ(0, status);
  OK(lock(fd, F_SETLKW, F_WRLCK, 20, 10));
  OK(close(fd));
}

static void ofd(void) {
  int a = OK(open("o", O_RDWR | O_CREAT, 0600)), b = OK(open("o", O_RDWR));
  OK(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
  FAILS(EAGAIN, lock(b, F_OFD_SETLK, F_WRLCK, 5, 1));
  OK(lock(b, F_OFD_SETLK, F_WRLCK, 10, 10));
  struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  OK(fcntl(b, F_OFD_GETLK, &l));
  EQ(F_WRLCK, l.l_type);
  EQ(-1, l.l_pid);
  l.l_pid = 3;
  FAILS(EINVAL, fcntl(b, F_OFD_SETLK, &l));
  FAILS(EAGAIN, lock(b, F_SETLK, F_WRLCK, 0, 1));
  int c = OK(dup(a));
  OK(close(a));
  FAILS(EAGAIN, lock(b, F_OFD_SETLK, F_WRLCK, 5, 1));
  OK(close(c));
  OK(lock(b, F_OFD_SETLK, F_WRLCK, 5, 1));
  OK(close(b));
}

static void whole(void) {
  int a = OK(open("f", O_RDWR | O_CREAT, 0600)), b = OK(open("f", O_RDONLY));
  OK(flock(a, LOCK_SH));
  OK(flock(b, LOCK_SH | LOCK_NB));
  FAILS(EAGAIN, flock(a, LOCK_EX | LOCK_NB));
  OK(flock(b, LOCK_UN));
  OK(flock(a, LOCK_EX | LOCK_NB));
  FAILS(EAGAIN, flock(b, LOCK_SH | LOCK_NB));
  int c = OK(dup(a));
  OK(close(a));
  FAILS(EAGAIN, flock(b, LOCK_SH | LOCK_NB));
  pid_t pid = fork();
  if (pid == 0) {
    usleep(20000);
    _exit(flock(c, LOCK_UN) != 0);
  }
  OK(flock(b, LOCK_EX));
  int status;
  OK(waitpid(pid, &status, 0));
  EQ(0, status);
  FAILS(EINVAL, flock(b, 0));
  FAILS(EINVAL, flock(b, 16));
  FAILS(EBADF, flock(-1, LOCK_SH));
  OK(close(b));
  OK(close(c));
}

static void on_alarm(int s) { (void)s; }

static void interrupted(void) {
  int a = OK(open("i", O_RDWR | O_CREAT, 0600)), b = OK(open("i", O_RDWR));
  OK(flock(a, LOCK_EX));
  struct sigaction sa = {.sa_handler = on_alarm};
  OK(sigaction(SIGALRM, &sa, NULL));
  alarm(1);
  FAILS(EINTR, flock(b, LOCK_EX));
  OK(close(a));
  OK(close(b));
}

/* /proc/locks has a line for each lock: kind, WRITE or READ, pid, device and inode, range. */
static int listed(int fd, const char *kind, const char *access, const char *range) {
  struct stat st;
  OK(fstat(fd, &st));
  char line[256], want[256];
  FILE *f = fopen("/proc/locks", "r");
  int found = 0;
  while (f && fgets(line, sizeof line, f)) {
    char k[16], adv[16], a[16], where[64], from[32], to[32];
    int pid;
    unsigned long ino = 0;
    if (sscanf(line, "%*d: %15s %15s %15s %d %63s %31s %31s", k, adv, a, &pid, where, from, to) != 7)
      continue;
    sscanf(strrchr(where, ':') + 1, "%lu", &ino);
    snprintf(want, sizeof want, "%s %s", from, to);
    if (ino == st.st_ino && !strcmp(k, kind) && !strcmp(a, access) && !strcmp(want, range)
        && (pid == getpid() || !strcmp(kind, "OFDLCK")))
      found++;
  }
  if (f)
    fclose(f);
  return found;
}

static void table(void) {
  int fd = OK(open("locks-table", O_RDWR | O_CREAT, 0600));
  OK(flock(fd, LOCK_EX));
  EQ(1, listed(fd, "FLOCK", "WRITE", "0 EOF"));
  OK(flock(fd, LOCK_UN));
  EQ(0, listed(fd, "FLOCK", "WRITE", "0 EOF"));
  OK(lock(fd, F_SETLK, F_RDLCK, 10, 20));
  OK(lock(fd, F_SETLK, F_WRLCK, 100, 0));
  EQ(1, listed(fd, "POSIX", "READ", "10 29"));
  EQ(1, listed(fd, "POSIX", "WRITE", "100 EOF"));
  OK(lock(fd, F_SETLK, F_UNLCK, 0, 0));
  EQ(0, listed(fd, "POSIX", "READ", "10 29"));
  OK(lock(fd, F_OFD_SETLK, F_WRLCK, 1, 1));
  EQ(1, listed(fd, "OFDLCK", "WRITE", "1 1"));
  close(fd);
}

int main(void) {
  tmpdir_enter();
  posix();
  waiting();
  ofd();
  whole();
  table();
  interrupted();
  tmpdir_leave();
  DONE();
}
