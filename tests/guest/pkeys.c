/* man 7 pkeys, on a processor with them or without. */
#include "test.h"

static long protect(void *p, size_t n, int prot, int key) { return syscall(SYS_pkey_mprotect, p, n, prot, key); }

int main(void) {
  long page = sysconf(_SC_PAGESIZE);
  char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  p[0] = 1;
  if (protect(p, page, PROT_READ, -1) == -1 && errno == ENOSYS) SKIP("this kernel knows no protection keys");
  /* Key -1 is mprotect. */
  OK(protect(p, page, PROT_READ, -1));
  int pipe_fds[2];
  OK(pipe(pipe_fds));
  EQ(1, write(pipe_fds[1], p, 1));
  FAILS(EFAULT, read(pipe_fds[0], p, 1));
  OK(protect(p, page, PROT_READ | PROT_WRITE, -1));
  EQ(1, read(pipe_fds[0], p, 1));
  FAILS(EINVAL, protect(p + 1, page, PROT_READ, -1));
  FAILS(EINVAL, protect(p, page, PROT_READ | 0x100, -1));
  FAILS(ENOMEM, protect((void *)0x1000, page, PROT_READ, -1));
  EQ(0, protect(p, 0, PROT_READ, -1));
  /* Keys that nobody gave out. */
  FAILS(EINVAL, protect(p, page, PROT_READ, 99));
  FAILS(EINVAL, protect(p, page, PROT_READ, -2));
  FAILS(EINVAL, protect(p, page, PROT_READ, 15));
  FAILS(EINVAL, syscall(SYS_pkey_free, 99));
  FAILS(EINVAL, syscall(SYS_pkey_free, -1));
  FAILS(EINVAL, syscall(SYS_pkey_alloc, 1, 0));
  FAILS(EINVAL, syscall(SYS_pkey_alloc, 0, 8));
  int key = syscall(SYS_pkey_alloc, 0, 0);
  if (key == -1) {
    CHECK(errno == ENOSPC || errno == EINVAL);
  } else {
    CHECK(key > 0);
    OK(protect(p, page, PROT_READ, key));
    OK(syscall(SYS_pkey_free, key));
  }
  DONE();
}
