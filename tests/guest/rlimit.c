/* man 2 getrlimit, man 2 prlimit. Runs as root. */
#include "test.h"
#include <sys/resource.h>

int main(void) {
  struct rlimit rl, old;
  FAILS(EINVAL, getrlimit((__rlimit_resource_t)16, &rl));
  FAILS(EINVAL, syscall(SYS_setrlimit, -1, &rl));
  FAILS(EFAULT, syscall(SYS_getrlimit, RLIMIT_NOFILE, BAD));
  FAILS(EFAULT, syscall(SYS_setrlimit, RLIMIT_NOFILE, BAD));
  for (int r = 0; r < 16; r++) {
    OK(getrlimit((__rlimit_resource_t)r, &rl));
    CHECK(rl.rlim_cur <= rl.rlim_max);
  }
  OK(getrlimit(RLIMIT_NOFILE, &old));
  rl = (struct rlimit){20, old.rlim_max};
  OK(setrlimit(RLIMIT_NOFILE, &rl));
  int fd = -1, last = -1;
  while ((fd = dup(0)) >= 0) last = fd;
  EQ(EMFILE, errno);
  EQ(19, last);
  for (int i = 3; i < 20; i++) close(i);
  rl = (struct rlimit){30, 20};
  FAILS(EINVAL, setrlimit(RLIMIT_NOFILE, &rl));
  OK(setrlimit(RLIMIT_NOFILE, &old));
  rl = (struct rlimit){2 << 20, 2 << 20};
  FAILS(EPERM, setrlimit(RLIMIT_NOFILE, &rl));
  pid_t c = OK(fork());
  if (c == 0) pause();
  rl = (struct rlimit){100, 200};
  OK(prlimit(c, RLIMIT_NOFILE, &rl, &old));
  OK(prlimit(c, RLIMIT_NOFILE, NULL, &old));
  EQ(100, old.rlim_cur);
  EQ(200, old.rlim_max);
  OK(kill(c, SIGKILL));
  OK(waitpid(c, NULL, 0));
  FAILS(ESRCH, prlimit(31234, RLIMIT_NOFILE, NULL, &old));
  c = OK(fork());
  if (c == 0) {
    struct rlimit low = {5, 10}, high = {5, 11};
    if (setuid(1000)) _exit(2);
    if (setrlimit(RLIMIT_CORE, &low) && errno != EPERM) _exit(3);
    low = (struct rlimit){0, 0};
    if (setrlimit(RLIMIT_CORE, &low)) _exit(4);
    if (setrlimit(RLIMIT_CORE, &high) != -1 || errno != EPERM) _exit(5);
    if (prlimit(getppid(), RLIMIT_NOFILE, NULL, &low) != -1 || errno != EPERM) _exit(6);
    _exit(0);
  }
  int st;
  OK(waitpid(c, &st, 0));
  EQ(0, st);
  DONE();
}
