/* User and group ids: man 7 credentials, man 2 setuid and its kin. Runs as root. */
#include "test.h"
#include <grp.h>
#include <sys/fsuid.h>

static int in_child(int (*f)(void)) {
  pid_t p = fork();
  if (p == 0) _exit(f());
  int st = 0;
  EQ(p, waitpid(p, &st, 0));
  return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + WTERMSIG(st);
}

#define NEED(c)              \
  do {                       \
    if (!(c)) return __LINE__ & 0xff; \
  } while (0)

static int uids(unsigned r, unsigned e, unsigned s) {
  uid_t a, b, c;
  getresuid(&a, &b, &c);
  return a == r && b == e && c == s;
}

static int setuid_root(void) {
  NEED(setuid(1000) == 0);
  NEED(uids(1000, 1000, 1000));
  NEED(setuid(0) == -1 && errno == EPERM);
  NEED(seteuid(0) == -1 && errno == EPERM);
  return 0;
}

static int saved(void) {
  NEED(setresuid(1000, 1001, 1002) == 0);
  NEED(uids(1000, 1001, 1002));
  NEED(setuid(1002) == 0);
  NEED(uids(1000, 1002, 1002));
  NEED(setresuid(-1, 1000, -1) == 0);
  NEED(uids(1000, 1000, 1002));
  NEED(setresuid(5, -1, -1) == -1 && errno == EPERM);
  NEED(setreuid(1002, 1000) == -1 && errno == EPERM);
  NEED(setreuid(-1, 1002) == 0);
  NEED(setreuid(1002, -1) == 0);
  NEED(uids(1002, 1002, 1002));
  return 0;
}

static int temporary(void) {
  NEED(seteuid(1000) == 0);
  NEED(uids(0, 1000, 0));
  NEED(seteuid(0) == 0);
  NEED(uids(0, 0, 0));
  return 0;
}

static int fsuid(void) {
  EQ(0, setfsuid(-1));
  EQ(0, setfsuid(1234));
  EQ(1234, setfsuid(-1));
  EQ(0, setfsgid(77));
  EQ(77, setfsgid(-1));
  NEED(setuid(1000) == 0);
  EQ(1000, setfsuid(5));
  EQ(1000, setfsuid(-1));
  return failures;
}

static int gids(void) {
  gid_t a, b, c, list[8];
  NEED(setresgid(10, 11, 12) == 0);
  NEED(getresgid(&a, &b, &c) == 0 && a == 10 && b == 11 && c == 12);
  NEED(setregid(20, 21) == 0);
  NEED(getresgid(&a, &b, &c) == 0 && a == 20 && b == 21 && c == 21);
  gid_t set[] = {300, 100, 200};
  NEED(setgroups(3, set) == 0);
  NEED(getgroups(0, NULL) == 3);
  NEED(getgroups(8, list) == 3);
  NEED(getgroups(2, list) == -1 && errno == EINVAL);
  NEED(getgroups(-1, list) == -1 && errno == EINVAL);
  NEED(syscall(SYS_setgroups, 70000, set) == -1 && errno == EINVAL);
  NEED(syscall(SYS_setgroups, 3, BAD) == -1 && errno == EFAULT);
  NEED(syscall(SYS_getgroups, 3, BAD) == -1 && errno == EFAULT);
  NEED(setgid(30) == 0);
  NEED(setuid(1000) == 0);
  NEED(setgroups(0, NULL) == -1 && errno == EPERM);
  NEED(setgid(31) == -1 && errno == EPERM);
  NEED(setgid(30) == 0);
  return 0;
}

static int files(void) {
  char name[] = "/tmp/credXXXXXX";
  int fd = mkstemp(name);
  fchmod(fd, 0600);
  close(fd);
  NEED(seteuid(1000) == 0);
  NEED(open(name, O_RDONLY) == -1 && errno == EACCES);
  NEED(access(name, R_OK) == 0);
  NEED(seteuid(0) == 0);
  NEED(setfsuid(1000) == 0);
  NEED(open(name, O_RDONLY) == -1 && errno == EACCES);
  setfsuid(0);
  NEED(unlink(name) == 0);
  return 0;
}

static int signals(void) {
  pid_t root = getppid();
  NEED(setuid(1000) == 0);
  NEED(kill(root, 0) == -1 && errno == EPERM);
  NEED(kill(root, SIGCONT) == 0);
  return 0;
}

int main(void) {
  if (getuid() != 0) SKIP("needs root");
  EQ(0, in_child(setuid_root));
  EQ(0, in_child(saved));
  EQ(0, in_child(temporary));
  EQ(0, in_child(fsuid));
  EQ(0, in_child(gids));
  EQ(0, in_child(files));
  EQ(0, in_child(signals));
  FAILS(EINVAL, setuid(-1));
  FAILS(EFAULT, syscall(SYS_getresuid, BAD, BAD, BAD));
  FAILS(EFAULT, syscall(SYS_getresgid, BAD, BAD, BAD));
  DONE();
}
