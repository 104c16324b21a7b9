/* process_mrelease (Linux 5.15): gives back the memory of a process that is being killed, before it is gone. */
#include "test.h"
#include <sys/prctl.h>

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

static long release(int pidfd, unsigned flags) { return syscall(SYS_process_mrelease, pidfd, flags); }

int main(void) {
  if (release(-1, 0) == -1 && errno == ENOSYS) SKIP("no process_mrelease in this kernel");
  pid_t child = OK(fork());
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pause();
  }
  int fd = OK(syscall(SYS_pidfd_open, child, 0)), file = OK(open("/dev/null", O_RDONLY));
  FAILS(EBADF, release(-1, 0));
  FAILS(EBADF, release(file, 0));
  FAILS(EINVAL, release(fd, 1));
  /* It lives, and nobody kills it. */
  FAILS(EINVAL, release(fd, 0));
  OK(kill(child, SIGKILL));
  /* It may be faster. */
  CHECK(release(fd, 0) == 0 || errno == ESRCH);
  siginfo_t si;
  OK(waitid(P_PID, child, &si, WEXITED | WNOWAIT));
  FAILS(ESRCH, release(fd, 0));
  OK(waitpid(child, NULL, 0));
  FAILS(ESRCH, release(fd, 0));
  DONE();
}
