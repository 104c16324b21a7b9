/* man 7 numa: policies, their masks, and where pages are, on a machine of one node or more. Runs as root. */
#include "test.h"
#include <linux/mempolicy.h>

#define F_NODE 1
#define F_ADDR 2
#define F_MEMS_ALLOWED 4

static long set(int mode, const unsigned long *mask, unsigned long bits) {
  return syscall(SYS_set_mempolicy, mode, mask, bits);
}
static long get(int *mode, unsigned long *mask, unsigned long bits, void *addr, int flags) {
  return syscall(SYS_get_mempolicy, mode, mask, bits, addr, flags);
}
static long bind_range(void *addr, unsigned long n, int mode, const unsigned long *mask, unsigned long bits, int flags) {
  return syscall(SYS_mbind, addr, n, mode, mask, bits, flags);
}
static long migrate(int pid, unsigned long bits, const unsigned long *from, const unsigned long *to) {
  return syscall(SYS_migrate_pages, pid, bits, from, to);
}
static long move(int pid, unsigned long n, void **pages, const int *nodes, int *status, int flags) {
  return syscall(SYS_move_pages, pid, n, pages, nodes, status, flags);
}

static unsigned long first = 1, none, far[16] = {[15] = 1UL << 60};
static char *area;
static long page;

static void own_policy(void) {
  int mode = -1;
  unsigned long mask[16] = {0};
  OK(get(&mode, mask, 1024, NULL, 0));
  EQ(MPOL_DEFAULT, mode);
  EQ(0, mask[0]);
  OK(get(NULL, NULL, 0, NULL, 0));
  /* One node at least may be used, and it is node 0. */
  OK(get(NULL, mask, 1024, NULL, F_MEMS_ALLOWED));
  CHECK(mask[0] & 1);

  static const int modes[] = {MPOL_BIND, MPOL_INTERLEAVE, MPOL_PREFERRED, MPOL_PREFERRED_MANY};
  for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
    OK(set(modes[i], &first, 64));
    mask[0] = 0;
    OK(get(&mode, mask, 1024, NULL, 0));
    EQ(modes[i], mode);
    EQ(1, mask[0]);
  }
  OK(set(MPOL_PREFERRED, NULL, 0));
  OK(get(&mode, NULL, 0, NULL, 0));
  CHECK(mode == MPOL_PREFERRED || mode == MPOL_LOCAL);
  OK(set(MPOL_LOCAL, NULL, 0));
  OK(get(&mode, mask, 1024, NULL, 0));
  EQ(MPOL_LOCAL, mode);
  EQ(0, mask[0]);
  OK(set(MPOL_BIND | MPOL_F_STATIC_NODES, &first, 64));
  OK(get(&mode, mask, 1024, NULL, 0));
  EQ(MPOL_BIND | MPOL_F_STATIC_NODES, mode);

  /* A child has it, a program that is started too; another thread keeps its own. */
  pid_t p = OK(fork());
  if (p == 0) _exit(get(&mode, NULL, 0, NULL, 0) == 0 && mode == (MPOL_BIND | MPOL_F_STATIC_NODES) ? 0 : 1);
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
  OK(set(MPOL_DEFAULT, NULL, 0));
  OK(set(MPOL_DEFAULT, &none, 64));

  FAILS(EINVAL, set(99, NULL, 0));
  FAILS(EINVAL, set(-1, NULL, 0));
  FAILS(EINVAL, set(MPOL_DEFAULT, &first, 64));
  FAILS(EINVAL, set(MPOL_LOCAL, &first, 64));
  FAILS(EINVAL, set(MPOL_BIND, NULL, 0));
  FAILS(EINVAL, set(MPOL_BIND, &none, 64));
  FAILS(EINVAL, set(MPOL_INTERLEAVE, &none, 64));
  FAILS(EINVAL, set(MPOL_BIND, far, 1024));
  FAILS(EINVAL, set(MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, &first, 64));
  OK(set(MPOL_DEFAULT | MPOL_F_STATIC_NODES, NULL, 0));
  FAILS(EFAULT, set(MPOL_BIND, BAD, 64));
  FAILS(EINVAL, set(MPOL_BIND, &first, 1UL << 40));

  FAILS(EFAULT, get(BAD, NULL, 0, NULL, 0));
  FAILS(EFAULT, get(NULL, BAD, 1024, NULL, 0));
  FAILS(EINVAL, get(&mode, mask, 0, NULL, 0));
  FAILS(EINVAL, get(&mode, NULL, 0, NULL, 8));
  FAILS(EINVAL, get(&mode, NULL, 0, area, 0));
  FAILS(EINVAL, get(&mode, mask, 1024, area, F_MEMS_ALLOWED | F_ADDR));
  FAILS(EINVAL, get(&mode, mask, 1024, NULL, F_MEMS_ALLOWED | F_NODE));
  FAILS(EINVAL, get(&mode, NULL, 0, NULL, F_NODE));
  FAILS(EFAULT, get(&mode, NULL, 0, BAD, F_ADDR));
}

static void ranges(void) {
  int mode = -1;
  unsigned long mask[16] = {0};
  OK(bind_range(area, 2 * page, MPOL_BIND, &first, 64, 0));
  OK(get(&mode, mask, 1024, area, F_ADDR));
  EQ(MPOL_BIND, mode);
  EQ(1, mask[0]);
  OK(get(&mode, NULL, 0, area + page + 5, F_ADDR));
  EQ(MPOL_BIND, mode);
  OK(get(&mode, NULL, 0, area + 2 * page, F_ADDR));
  EQ(MPOL_DEFAULT, mode);
  area[0] = 1;
  OK(get(&mode, NULL, 0, area, F_NODE | F_ADDR));
  EQ(0, mode);
  OK(bind_range(area, page, MPOL_INTERLEAVE, &first, 64, MPOL_MF_STRICT | MPOL_MF_MOVE));
  OK(bind_range(area, page, MPOL_PREFERRED, &first, 64, MPOL_MF_MOVE_ALL));
  OK(get(&mode, NULL, 0, area, F_ADDR));
  EQ(MPOL_PREFERRED, mode);
  OK(get(&mode, NULL, 0, area + page, F_ADDR));
  EQ(MPOL_BIND, mode);
  /* A child has its parent's policies. */
  pid_t p = OK(fork());
  if (p == 0) _exit(get(&mode, NULL, 0, area, F_ADDR) == 0 && mode == MPOL_PREFERRED ? 0 : 1);
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
  OK(bind_range(area, 3 * page, MPOL_DEFAULT, NULL, 0, 0));
  OK(get(&mode, NULL, 0, area, F_ADDR));
  EQ(MPOL_DEFAULT, mode);
  OK(bind_range(area, 0, MPOL_BIND, &first, 64, 0));
  OK(bind_range(area, 1, MPOL_LOCAL, NULL, 0, 0));

  FAILS(EINVAL, bind_range(area + 1, page, MPOL_BIND, &first, 64, 0));
  FAILS(EINVAL, bind_range(area, page, MPOL_BIND, &first, 64, 64));
  FAILS(EINVAL, bind_range(area, page, 99, &first, 64, 0));
  FAILS(EINVAL, bind_range(area, page, MPOL_BIND, NULL, 0, 0));
  FAILS(EINVAL, bind_range(area, page, MPOL_DEFAULT, &first, 64, 0));
  FAILS(EINVAL, bind_range(area, -1UL - page, MPOL_BIND, &first, 64, 0));
  FAILS(EFAULT, bind_range(area, page, MPOL_BIND, BAD, 64, 0));
  FAILS(EFAULT, bind_range(area + 3 * page, 2 * page, MPOL_BIND, &first, 64, 0));
  FAILS(EFAULT, bind_range((void *)0x1000, page, MPOL_BIND, &first, 64, 0));
}

static void movement(void) {
  void *pages[4] = {area, area + page, area + 4 * page, BAD};
  int nodes[4] = {0}, status[4] = {9, 9, 9, 9};
  area[0] = 1;
  /* One that was touched, one that was not, one that is not mapped. */
  OK(munmap(area + 4 * page, page));
  OK(move(0, 3, pages, NULL, status, 0));
  EQ(0, status[0]);
  EQ(-ENOENT, status[1]);
  CHECK(status[2] == -EFAULT || status[2] == -ENOENT);
  status[0] = 9;
  OK(move(0, 1, pages, nodes, status, MPOL_MF_MOVE));
  EQ(0, status[0]);
  OK(move(getpid(), 0, NULL, NULL, NULL, 0));
  FAILS(EINVAL, move(0, 1, pages, nodes, status, 64));
  FAILS(ESRCH, move(31111, 1, pages, nodes, status, 0));
  FAILS(EFAULT, move(0, 1, BAD, NULL, status, 0));
  FAILS(EFAULT, move(0, 1, pages, NULL, BAD, 0));
  FAILS(EFAULT, move(0, 1, pages, BAD, status, MPOL_MF_MOVE));
  int absent[1] = {1000};
  FAILS(ENODEV, move(0, 1, pages, absent, status, MPOL_MF_MOVE));

  EQ(0, migrate(0, 64, &first, &first));
  EQ(0, migrate(getpid(), 64, &first, &first));
  FAILS(ESRCH, migrate(31111, 64, &first, &first));
  FAILS(EFAULT, migrate(0, 64, BAD, &first));
  FAILS(EFAULT, migrate(0, 64, &first, BAD));
  FAILS(EINVAL, migrate(0, 64, &first, &none));
  FAILS(EINVAL, migrate(0, 1024, &first, far));
}

/* Another's pages are for who may trace it, and moving shared ones needs CAP_SYS_NICE. */
static void as_user(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    int before = failures, status[1] = {9};
    void *pages[1] = {area};
    if (setgid(1234) || setuid(1234)) _exit(1);
    FAILS(EPERM, move(getppid(), 1, pages, NULL, status, 0));
    FAILS(EPERM, migrate(getppid(), 64, &first, &first));
    FAILS(EPERM, move(0, 1, pages, NULL, status, MPOL_MF_MOVE_ALL));
    FAILS(EPERM, bind_range(area, page, MPOL_BIND, &first, 64, MPOL_MF_MOVE_ALL));
    OK(bind_range(area, page, MPOL_BIND, &first, 64, MPOL_MF_MOVE));
    OK(set(MPOL_BIND, &first, 64));
    _exit(failures != before);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
}

int main(void) {
  if (get(NULL, NULL, 0, NULL, 0) == -1 && errno == ENOSYS) SKIP("this kernel knows no NUMA");
  page = sysconf(_SC_PAGESIZE);
  area = mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  OK(munmap(area + 4 * page, page));
  own_policy();
  ranges();
  movement();
  as_user();
  DONE();
}
