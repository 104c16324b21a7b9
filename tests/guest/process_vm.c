/* man 2 process_vm_readv: copies between address spaces, what is partial, who may. Runs as root. */
#include "test.h"
#include <sys/prctl.h>
#include <sys/uio.h>

static char *area, *hole; /* Three pages, the middle one of "hole" is not mapped. */
static long page;

static void fill(char *p, char first) {
  for (int i = 0; i < 64; i++) p[i] = first + i % 26;
}

/* A child with memory of its own at the same addresses, that waits; it writes a byte when it is ready. */
static pid_t child(int *ready, int uid) {
  int p[2];
  OK(pipe(p));
  pid_t pid = OK(fork());
  if (pid == 0) {
    fill(area, 'A');
    if (uid && (setgid(uid) || setuid(uid))) _exit(1);
    if (uid) prctl(PR_SET_DUMPABLE, 1);
    if (write(p[1], "x", 1) != 1) _exit(2);
    pause();
    _exit(area[0] == 'z' ? 0 : 3);
  }
  char c;
  EQ(1, read(p[0], &c, 1));
  close(p[1]);
  *ready = p[0];
  return pid;
}

static void end(pid_t pid, int ready) {
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  close(ready);
}

static void copies(pid_t pid) {
  char b[128] = {0};
  struct iovec l[2] = {{b, 10}, {b + 50, 10}}, r[2] = {{area, 5}, {area + 20, 15}};
  EQ(20, process_vm_readv(pid, l, 2, r, 2, 0));
  CHECK(memcmp(b, "ABCDEUVWXY", 10) == 0);
  CHECK(memcmp(b + 50, "ZABCDEFGHI", 10) == 0);
  EQ('a', area[0]);
  /* The shorter side counts. */
  EQ(5, process_vm_readv(pid, l, 2, r, 1, 0));
  EQ(10, process_vm_readv(pid, l, 1, r, 2, 0));
  /* Writing changes the other's memory, not ours. */
  struct iovec w = {"zy", 2}, to = {area, 2};
  EQ(2, process_vm_writev(pid, &w, 1, &to, 1, 0));
  EQ('a', area[0]);
  EQ(5, process_vm_readv(pid, l, 1, r, 1, 0));
  CHECK(memcmp(b, "zyCDE", 5) == 0);
  /* Ourselves. */
  struct iovec self = {area, 3};
  EQ(3, process_vm_readv(getpid(), l, 1, &self, 1, 0));
  CHECK(memcmp(b, "abc", 3) == 0);
  /* Empty vectors and pieces. */
  EQ(0, process_vm_readv(pid, l, 0, r, 2, 0));
  EQ(0, process_vm_readv(pid, l, 2, r, 0, 0));
  struct iovec none[2] = {{NULL, 0}, {b, 4}};
  EQ(4, process_vm_readv(pid, none, 2, r, 1, 0));
  /* A page, more than one page, at odd addresses. */
  static char large[3 * 4096];
  struct iovec whole = {large + 1, 2 * page - 3}, far = {area + 3, 2 * page - 3};
  EQ(2 * page - 3, process_vm_readv(pid, &whole, 1, &far, 1, 0));
  CHECK(memcmp(large + 1, "DEF", 3) == 0);
}

static void partial(pid_t pid) {
  char *b = malloc(3 * page);
  struct iovec l = {b, 3 * page}, r = {hole, 3 * page};
  EQ(page, process_vm_readv(pid, &l, 1, &r, 1, 0));
  struct iovec two[2] = {{hole, 8}, {hole + page, 8}};
  EQ(8, process_vm_readv(pid, &l, 1, two, 2, 0));
  struct iovec gone = {hole + page, 8};
  FAILS(EFAULT, process_vm_readv(pid, &l, 1, &gone, 1, 0));
  FAILS(EFAULT, process_vm_writev(pid, &l, 1, &gone, 1, 0));
  EQ(page, process_vm_writev(pid, &l, 1, &r, 1, 0));
  /* Read-only there: not by writev. */
  char *ro = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct iovec readonly = {ro, 8};
  FAILS(EFAULT, process_vm_writev(getpid(), &l, 1, &readonly, 1, 0));
  EQ(8, process_vm_readv(getpid(), &l, 1, &readonly, 1, 0));
  free(b);
}

static void errors(pid_t pid) {
  char b[8];
  struct iovec l = {b, 8}, r = {area, 8}, wild = {BAD, 8}, negative = {b, -1UL};
  FAILS(EINVAL, process_vm_readv(pid, &l, 1, &r, 1, 1));
  FAILS(EINVAL, process_vm_writev(pid, &l, 1, &r, 1, 1));
  FAILS(EINVAL, process_vm_readv(pid, &l, IOV_MAX + 1, &r, 1, 0));
  FAILS(EINVAL, process_vm_readv(pid, &l, 1, &r, IOV_MAX + 1, 0));
  FAILS(EINVAL, process_vm_readv(pid, &negative, 1, &r, 1, 0));
  FAILS(EINVAL, process_vm_readv(pid, &l, 1, &negative, 1, 0));
  FAILS(EFAULT, process_vm_readv(pid, BAD, 1, &r, 1, 0));
  FAILS(EFAULT, process_vm_readv(pid, &l, 1, BAD, 1, 0));
  FAILS(EFAULT, process_vm_readv(pid, &wild, 1, &r, 1, 0));
  FAILS(EFAULT, process_vm_readv(pid, &l, 1, &wild, 1, 0));
  FAILS(EFAULT, process_vm_writev(pid, &wild, 1, &r, 1, 0));
  FAILS(EFAULT, process_vm_writev(pid, &l, 1, &wild, 1, 0));
  FAILS(ESRCH, process_vm_readv(31111, &l, 1, &r, 1, 0));
  FAILS(ESRCH, process_vm_readv(-1, &l, 1, &r, 1, 0));
  EQ(0, process_vm_readv(31111, &l, 1, &r, 0, 0));
  /* A zombie has no memory. */
  pid_t dead = OK(fork());
  if (dead == 0) _exit(0);
  siginfo_t si;
  waitid(P_PID, dead, &si, WEXITED | WNOWAIT);
  FAILS(ESRCH, process_vm_readv(dead, &l, 1, &r, 1, 0));
  waitpid(dead, NULL, 0);
}

static void rights(void) {
  int ready, ready_user;
  pid_t root = child(&ready, 0), user = child(&ready_user, 1234), p = OK(fork());
  if (p == 0) {
    char b[8];
    struct iovec l = {b, 8}, r = {area, 8};
    if (setgid(1234) || setuid(1234)) _exit(1);
    if (process_vm_readv(root, &l, 1, &r, 1, 0) != -1 || errno != EPERM) _exit(2);
    if (process_vm_writev(root, &l, 1, &r, 1, 0) != -1 || errno != EPERM) _exit(3);
    if (process_vm_readv(user, &l, 1, &r, 1, 0) != 8) _exit(4);
    if (process_vm_readv(getpid(), &l, 1, &r, 1, 0) != 8) _exit(5);
    _exit(0);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
  end(root, ready);
  end(user, ready_user);
}

int main(void) {
  page = sysconf(_SC_PAGESIZE);
  area = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  hole = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(hole, 'h', 3 * page);
  OK(munmap(hole + page, page));
  fill(area, 'a');
  int ready;
  pid_t pid = child(&ready, 0);
  copies(pid);
  partial(pid);
  errors(pid);
  end(pid, ready);
  rights();
  DONE();
}
