/* man 2 pidfd_open, man 2 pidfd_send_signal, man 2 pidfd_getfd, man 2 kcmp. */
#include "test.h"
#include <linux/kcmp.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <poll.h>

static long pidfd_open(pid_t p, unsigned f) { return syscall(SYS_pidfd_open, p, f); }
static long send_sig(int fd, int sig, void *info, unsigned f) { return syscall(SYS_pidfd_send_signal, fd, sig, info, f); }

int main(void) {
  FAILS(EINVAL, pidfd_open(0, 0));
  FAILS(EINVAL, pidfd_open(-1, 0));
  FAILS(EINVAL, pidfd_open(getpid(), 1));
  FAILS(ESRCH, pidfd_open(30001, 0));
  int fds[2];
  OK(pipe(fds));
  pid_t c = OK(fork());
  if (c == 0) {
    dup2(fds[1], 77);
    if (write(fds[1], "r", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char b;
  EQ(1, read(fds[0], &b, 1));
  int fd = OK(pidfd_open(c, 0));
  EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
  struct pollfd p = {fd, POLLIN, 0};
  EQ(0, poll(&p, 1, 0));
  OK(send_sig(fd, 0, NULL, 0));
  FAILS(EINVAL, send_sig(fd, 65, NULL, 0));
  FAILS(EINVAL, send_sig(fd, 0, NULL, 8));
  FAILS(EFAULT, send_sig(fd, SIGUSR1, BAD, 0));
  FAILS(EBADF, send_sig(0, 0, NULL, 0));
  siginfo_t si;
  memset(&si, 0, sizeof si);
  si.si_signo = SIGUSR2;
  FAILS(EINVAL, send_sig(fd, SIGUSR1, &si, 0));
  si.si_signo = SIGUSR1;
  FAILS(EPERM, send_sig(fd, SIGUSR1, &si, 0));
  int got = OK(syscall(SYS_pidfd_getfd, fd, 77, 0));
  EQ(1, write(got, "z", 1));
  EQ(1, read(fds[0], &b, 1));
  EQ('z', b);
  FAILS(EBADF, syscall(SYS_pidfd_getfd, fd, 78, 0));
  FAILS(EINVAL, syscall(SYS_pidfd_getfd, fd, 77, 1));
  EQ(0, syscall(SYS_kcmp, getpid(), c, KCMP_FILE, got, 77));
  CHECK(syscall(SYS_kcmp, getpid(), c, KCMP_FILE, fds[0], 77) > 0);
  CHECK(syscall(SYS_kcmp, getpid(), c, KCMP_VM, 0, 0) > 0);
  EQ(0, syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM, 0, 0));
  FAILS(EINVAL, syscall(SYS_kcmp, getpid(), getpid(), 99, 0, 0));
  /* Neither has what is made when it is first needed: nothing is equal to nothing. */
  EQ(0, syscall(SYS_kcmp, getpid(), c, KCMP_SYSVSEM, 0, 0));
  int sem = OK(semget(IPC_PRIVATE, 1, 0600));
  struct sembuf up = {0, 1, SEM_UNDO};
  OK(semop(sem, &up, 1));
  OK(semctl(sem, 0, IPC_RMID));
  CHECK(syscall(SYS_kcmp, getpid(), c, KCMP_SYSVSEM, 0, 0) > 0);
  EQ(0, syscall(SYS_kcmp, getpid(), getpid(), KCMP_SYSVSEM, 0, 0));
  OK(send_sig(fd, SIGTERM, NULL, 0));
  EQ(1, poll(&p, 1, 2000));
  int st;
  EQ(c, waitpid(c, &st, 0));
  EQ(SIGTERM, WTERMSIG(st));
  FAILS(ESRCH, send_sig(fd, 0, NULL, 0));
  EQ(1, poll(&p, 1, 0));
  DONE();
}
