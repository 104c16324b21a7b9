/* Sessions, process groups and orphaned jobs: man 2 setsid, man 2 setpgid, man 7 credentials. */
#include "test.h"
#include <sys/prctl.h>

static int status_of(pid_t p) {
  int st = 0;
  EQ(p, waitpid(p, &st, 0));
  return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + WTERMSIG(st);
}

static void groups(void) {
  FAILS(EINVAL, setpgid(0, -1));
  FAILS(ESRCH, setpgid(31000, 0));
  FAILS(ESRCH, getpgid(31000));
  FAILS(ESRCH, getsid(31000));
  EQ(getpgrp(), getpgid(0));
  pid_t p = OK(fork());
  if (p == 0) {
    if (getpgrp() == getpid()) _exit(1);
    if (setpgid(0, 0)) _exit(2);
    if (getpgrp() != getpid()) _exit(3);
    if (setpgid(0, getpid())) _exit(4);
    if (setpgid(0, 30999) != -1 || errno != EPERM) _exit(5);
    if (setsid() != -1 || errno != EPERM) _exit(6);
    _exit(0);
  }
  EQ(0, status_of(p));
}

static void session(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    pid_t old = getsid(0);
    if (setsid() != getpid()) _exit(1);
    if (getsid(0) != getpid() || getpgrp() != getpid() || old == getpid()) _exit(2);
    if (setpgid(0, 0) != -1 || errno != EPERM) _exit(3);
    if (open("/dev/tty", O_RDWR) != -1 || errno != ENXIO) _exit(4);
    pid_t c = fork();
    if (c == 0) {
      if (getsid(0) != getppid()) _exit(1);
      _exit(setsid() == getpid() ? 0 : 2);
    }
    int st;
    waitpid(c, &st, 0);
    _exit(st ? 5 : 0);
  }
  EQ(0, status_of(p));
  /* Not into another session. */
  int fds[2];
  OK(pipe(fds));
  p = OK(fork());
  if (p == 0) {
    setsid();
    if (write(fds[1], "x", 1) != 1) _exit(1);
    pause();
  }
  char c;
  EQ(1, read(fds[0], &c, 1));
  FAILS(EPERM, setpgid(p, p));
  FAILS(EPERM, setpgid(p, getpgrp()));
  OK(kill(p, SIGKILL));
  status_of(p);
}

static void signal_to_group(void) {
  pid_t leader = OK(fork());
  if (leader == 0) {
    setpgid(0, 0);
    for (int i = 0; i < 3; i++)
      if (fork() == 0)
        for (;;) pause();
    kill(0, SIGTERM);
    for (;;) pause();
  }
  EQ(1000 + SIGTERM, status_of(leader));
  while (wait(NULL) > 0) continue;
  FAILS(ESRCH, kill(-leader, 0));
}

static void after_exec(void) {
  int fds[2];
  OK(pipe2(fds, O_CLOEXEC));
  pid_t p = OK(fork());
  if (p == 0) {
    execl("/proc/self/exe", "sessions", "sleep", NULL);
    _exit(1);
  }
  close(fds[1]);
  char c;
  EQ(0, read(fds[0], &c, 1));
  FAILS(EACCES, setpgid(p, p));
  OK(kill(p, SIGKILL));
  status_of(p);
}

/* A stopped group that loses its last parent in the session gets SIGHUP and SIGCONT. */
static void orphaned_job(void) {
  int fds[2];
  OK(pipe(fds));
  pid_t shell = OK(fork());
  if (shell == 0) {
    setsid();
    pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      close(fds[0]);
      raise(SIGSTOP);
      for (;;) pause();
    }
    setpgid(job, job);
    waitpid(job, NULL, WUNTRACED);
    _exit(0);
  }
  close(fds[1]);
  EQ(0, status_of(shell));
  char c;
  /* The job's end of the pipe closes when SIGHUP has killed it. */
  EQ(0, read(fds[0], &c, 1));
}

/* The same group is orphaned at once when it stops by the terminal's signals: they are not taken. */
static void orphans_do_not_stop(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    setsid();
    raise(SIGTSTP);
    raise(SIGTTIN);
    raise(SIGTTOU);
    _exit(7);
  }
  int st;
  EQ(p, waitpid(p, &st, WUNTRACED));
  CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 7);
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "sleep"))
    for (;;) pause();
  OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
  groups();
  session();
  signal_to_group();
  after_exec();
  orphaned_job();
  orphans_do_not_stop();
  DONE();
}
