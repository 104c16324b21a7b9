/* Signals of files: F_SETOWN, F_SETSIG, O_ASYNC, and SIGURG for urgent data. */
#include "sock.h"
#include <poll.h>

static volatile int count[65], fd_of[65], band_of[65], code_of[65];

static void handler(int signo, siginfo_t *info, void *context) {
  (void)context;
  count[signo]++;
  fd_of[signo] = info->si_fd;
  band_of[signo] = info->si_band;
  code_of[signo] = info->si_code;
}

static void catch(int signo) {
  struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
  OK(sigaction(signo, &a, 0));
  count[signo] = 0;
}

static void owner(void) {
  int p[2];
  OK(pipe(p));
  EQ(0, fcntl(p[0], F_GETOWN));
  EQ(0, OK(fcntl(p[0], F_SETOWN, getpid())));
  EQ(getpid(), fcntl(p[0], F_GETOWN));
  struct f_owner_ex ex;
  OK(fcntl(p[0], F_GETOWN_EX, &ex));
  EQ(F_OWNER_PID, ex.type);
  EQ(getpid(), ex.pid);
  OK(fcntl(p[0], F_SETOWN, -getpgrp()));
  EQ(-getpgrp(), fcntl(p[0], F_GETOWN)); /* the C library asks F_GETOWN_EX: small groups look like errors */
  OK(fcntl(p[0], F_GETOWN_EX, &ex));
  EQ(F_OWNER_PGRP, ex.type);
  EQ(getpgrp(), ex.pid);
  ex.type = F_OWNER_TID;
  ex.pid = gettid();
  OK(fcntl(p[0], F_SETOWN_EX, &ex));
  EQ(gettid(), fcntl(p[0], F_GETOWN));
  ex.type = 7;
  FAILS(EINVAL, fcntl(p[0], F_SETOWN_EX, &ex));
  pid_t child = fork();
  if (!child)
    _exit(0);
  waitpid(child, 0, 0);
  FAILS(ESRCH, fcntl(p[0], F_SETOWN, child));
  FAILS(EINVAL, fcntl(p[0], F_SETSIG, 65));
  FAILS(EINVAL, fcntl(p[0], F_SETSIG, -1));
  EQ(0, fcntl(p[0], F_GETSIG));
  OK(fcntl(p[0], F_SETSIG, SIGUSR1));
  EQ(SIGUSR1, fcntl(p[0], F_GETSIG));
  /* A regular file has no events to signal. */
  int f = OK(open("/tmp/sigio-file", O_RDWR | O_CREAT | O_TRUNC, 0600));
  unlink("/tmp/sigio-file");
  OK(fcntl(f, F_SETFL, O_ASYNC));
  EQ(0, fcntl(f, F_GETFL) & O_ASYNC);
  close(f);
  close(p[0]);
  close(p[1]);
}

static void pipes(void) {
  int p[2];
  OK(pipe(p));
  catch(SIGIO);
  OK(fcntl(p[0], F_SETOWN, getpid()));
  write(p[1], "x", 1);
  EQ(0, count[SIGIO]);
  OK(fcntl(p[0], F_SETFL, O_ASYNC));
  EQ(O_ASYNC, fcntl(p[0], F_GETFL) & O_ASYNC);
  write(p[1], "x", 1);
  EQ(1, count[SIGIO]);
  OK(fcntl(p[0], F_SETFL, 0));
  write(p[1], "x", 1);
  EQ(1, count[SIGIO]);
  int on = 1;
  OK(ioctl(p[0], FIOASYNC, &on));
  catch(SIGRTMIN + 3);
  OK(fcntl(p[0], F_SETSIG, SIGRTMIN + 3));
  write(p[1], "x", 1);
  EQ(1, count[SIGRTMIN + 3]);
  EQ(p[0], fd_of[SIGRTMIN + 3]);
  EQ(POLL_IN, code_of[SIGRTMIN + 3]);
  EQ(POLLIN | POLLRDNORM, band_of[SIGRTMIN + 3]);
  /* Real-time signals queue: one for each event. */
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  OK(sigprocmask(SIG_BLOCK, &set, &old));
  for (int i = 0; i < 3; i++)
    write(p[1], "x", 1);
  OK(sigprocmask(SIG_SETMASK, &old, 0));
  EQ(4, count[SIGRTMIN + 3]);
  /* Room for a writer. */
  OK(fcntl(p[1], F_SETFL, O_NONBLOCK));
  char page[4096] = {0};
  while (write(p[1], page, sizeof page) > 0)
    ;
  catch(SIGUSR1);
  OK(fcntl(p[1], F_SETOWN, getpid()));
  OK(fcntl(p[1], F_SETSIG, SIGUSR1));
  OK(fcntl(p[1], F_SETFL, O_NONBLOCK | O_ASYNC));
  while (read(p[0], page, sizeof page) == sizeof page)
    ;
  CHECK(count[SIGUSR1] >= 1);
  EQ(POLL_OUT, code_of[SIGUSR1]);
  close(p[0]);
  close(p[1]);
}

/* A signal reaches a process that waits, the whole of a group, and one thread alone. */
static void others(void) {
  int p[2], ready[2];
  OK(pipe(p));
  OK(pipe(ready));
  pid_t child = fork();
  if (!child) {
    setpgid(0, 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    sigprocmask(SIG_BLOCK, &set, 0);
    write(ready[1], "r", 1);
    int got;
    alarm(10);
    sigwait(&set, &got);
    _exit(got == SIGIO ? 7 : 1);
  }
  char c;
  read(ready[0], &c, 1);
  OK(fcntl(p[0], F_SETOWN, -child));
  OK(fcntl(p[0], F_SETFL, O_ASYNC));
  write(p[1], "x", 1);
  int status;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  /* The owner is gone: nothing happens. */
  write(p[1], "x", 1);
  catch(SIGIO);
  struct f_owner_ex ex = {F_OWNER_TID, gettid()};
  OK(fcntl(p[0], F_SETOWN_EX, &ex));
  write(p[1], "x", 1);
  EQ(1, count[SIGIO]);
  /* The last writer goes away: that is an event for the reader. */
  close(p[1]);
  EQ(2, count[SIGIO]);
  close(p[0]);
}

static void sockets(void) {
  int s[2];
  OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  catch(SIGIO);
  int pid = getpid(), on = 1;
  OK(ioctl(s[0], FIOSETOWN, &pid));
  int got = 0;
  OK(ioctl(s[0], SIOCGPGRP, &got));
  EQ(pid, got);
  OK(ioctl(s[0], FIOASYNC, &on));
  write(s[1], "x", 1);
  EQ(1, count[SIGIO]);
  catch(SIGRTMIN);
  OK(fcntl(s[0], F_SETSIG, SIGRTMIN));
  write(s[1], "x", 1);
  EQ(1, count[SIGRTMIN]);
  close(s[1]);
  CHECK(count[SIGRTMIN] >= 2);
  EQ(POLL_HUP, code_of[SIGRTMIN]);
  close(s[0]);

  int l = tcp_listener(), c = OK(socket(AF_INET, SOCK_STREAM, 0));
  OK(fcntl(l, F_SETOWN, getpid()));
  OK(fcntl(l, F_SETFL, O_ASYNC));
  catch(SIGIO);
  struct sockaddr_in a = in4("127.0.0.1", port_of(l));
  OK(connect(c, (void *)&a, sizeof a));
  for (int i = 0; i < 100 && !count[SIGIO]; i++)
    usleep(1000);
  CHECK(count[SIGIO] >= 1);
  int d = OK(accept(l, 0, 0));
  /* Urgent data needs an owner, not O_ASYNC. */
  catch(SIGURG);
  OK(send(c, "u", 1, MSG_OOB));
  usleep(1000);
  EQ(0, count[SIGURG]);
  OK(fcntl(d, F_SETOWN, getpid()));
  OK(send(c, "v", 1, MSG_OOB));
  for (int i = 0; i < 100 && !count[SIGURG]; i++)
    usleep(1000);
  CHECK(count[SIGURG] >= 1);
  close(c);
  close(d);
  close(l);
}

int main(void) {
  owner();
  pipes();
  others();
  sockets();
  DONE();
}
