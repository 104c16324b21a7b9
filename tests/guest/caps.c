/* Capabilities: man 7 capabilities, man 2 capget. Runs as root with every capability it needs. */
#include "test.h"
#include <linux/capability.h>
#include <sys/prctl.h>

struct caps {
  uint64_t e, p, i;
};

static struct caps get(void) {
  struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct d[2];
  OK(syscall(SYS_capget, &h, d));
  return (struct caps){d[0].effective | (uint64_t)d[1].effective << 32, d[0].permitted | (uint64_t)d[1].permitted << 32,
                       d[0].inheritable | (uint64_t)d[1].inheritable << 32};
}

static int set(struct caps c) {
  struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct d[2] = {{c.e, c.p, c.i}, {c.e >> 32, c.p >> 32, c.i >> 32}};
  return syscall(SYS_capset, &h, d);
}

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
#define BIT(c) (1ull << (c))

static int dropping(void) {
  struct caps c = get();
  NEED(c.e & BIT(CAP_SETUID));
  c.e &= ~BIT(CAP_SETUID);
  NEED(set(c) == 0);
  NEED(setuid(1000) == -1 && errno == EPERM);
  c.e |= BIT(CAP_SETUID);
  NEED(set(c) == 0);
  c.e &= ~BIT(CAP_SETUID);
  c.p &= ~BIT(CAP_SETUID);
  NEED(set(c) == 0);
  c.p |= BIT(CAP_SETUID);
  NEED(set(c) == -1 && errno == EPERM);
  return 0;
}

static int uid_change(void) {
  NEED(setuid(1000) == 0);
  struct caps c = get();
  NEED(c.e == 0 && c.p == 0);
  return 0;
}

static int keep(void) {
  NEED(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
  NEED(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 1);
  NEED(setuid(1000) == 0);
  struct caps c = get();
  NEED(c.e == 0 && c.p != 0);
  c.e = BIT(CAP_SETUID);
  NEED(set(c) == 0);
  NEED(setuid(0) == 0);
  return 0;
}

static int effective_follows(void) {
  NEED(seteuid(1000) == 0);
  struct caps c = get();
  NEED(c.e == 0 && c.p != 0);
  NEED(seteuid(0) == 0);
  c = get();
  NEED(c.e == c.p);
  return 0;
}

static int bounding(void) {
  NEED(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 1);
  NEED(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0) == 0);
  NEED(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 0);
  NEED(prctl(PR_CAPBSET_READ, 63, 0, 0, 0) == -1 && errno == EINVAL);
  struct caps c = get();
  c.i |= BIT(CAP_CHOWN);
  NEED(set(c) == -1 && errno == EPERM);
  return 0;
}

static int ambient(void) {
  NEED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0) == 0);
  NEED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) == -1 && errno == EPERM);
  struct caps c = get();
  c.i |= BIT(CAP_CHOWN);
  NEED(set(c) == 0);
  NEED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) == 0);
  NEED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0) == 1);
  c.i &= ~BIT(CAP_CHOWN);
  NEED(set(c) == 0);
  NEED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0) == 0);
  NEED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0);
  NEED(prctl(PR_CAP_AMBIENT, 9, CAP_CHOWN, 0, 0) == -1 && errno == EINVAL);
  return 0;
}

static void headers(void) {
  struct __user_cap_header_struct h = {0x1234, 0};
  struct __user_cap_data_struct d[2];
  FAILS(EINVAL, syscall(SYS_capget, &h, d));
  EQ(_LINUX_CAPABILITY_VERSION_3, h.version);
  h.version = 1;
  OK(syscall(SYS_capget, &h, NULL));
  h = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_3, 31000};
  FAILS(ESRCH, syscall(SYS_capget, &h, d));
  h.pid = -1;
  FAILS(EINVAL, syscall(SYS_capget, &h, d));
  h.pid = 1;
  if (getpid() != 1) FAILS(EPERM, syscall(SYS_capset, &h, d));
  FAILS(EFAULT, syscall(SYS_capget, BAD, d));
  h.pid = 0;
  FAILS(EFAULT, syscall(SYS_capget, &h, BAD));
  FAILS(EFAULT, syscall(SYS_capset, &h, BAD));
}

int main(void) {
  if (getuid() != 0) SKIP("needs root");
  EQ(0, in_child(dropping));
  EQ(0, in_child(uid_change));
  EQ(0, in_child(keep));
  EQ(0, in_child(effective_follows));
  EQ(0, in_child(bounding));
  EQ(0, in_child(ambient));
  headers();
  DONE();
}
