/* mremap and brk: man 2 mremap, man 2 brk. */
#include "test.h"

#define PAGE 4096L

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static char *map(size_t pages, int prot, int flags) {
  char *p = mmap(NULL, pages * PAGE, prot, flags | MAP_ANONYMOUS, -1, 0);
  CHECK(p != MAP_FAILED);
  return p;
}

static int mapped(char *p) {
  unsigned char vec;
  return mincore(p, PAGE, &vec) == 0;
}

static void resize(void) {
  char *area = map(32, PROT_NONE, MAP_PRIVATE);
  OK(munmap(area, 32 * PAGE));
  char *p = mmap(area, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  CHECK(p == area);
  for (int i = 0; i < 4; i++) {
    p[i * PAGE] = (char)(i + 1);
  }
  CHECK(mremap(p, 4 * PAGE, 8 * PAGE, 0) == p); /* there is room */
  EQ(4, p[3 * PAGE]);
  EQ(0, p[7 * PAGE]);
  CHECK(mremap(p, 8 * PAGE, 2 * PAGE, 0) == p);
  CHECK(!mapped(p + 2 * PAGE));
  char *block = mmap(p + 2 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  CHECK(block == p + 2 * PAGE);
  FAILS(ENOMEM, (long)mremap(p, 2 * PAGE, 4 * PAGE, 0));
  char *q = mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
  CHECK(q != MAP_FAILED && q != p);
  EQ(1, q[0]);
  EQ(2, q[PAGE]);
  q[3 * PAGE] = 4;
  CHECK(!mapped(p));
  char *target = map(4, PROT_READ, MAP_PRIVATE);
  char *r = mremap(q, 4 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
  CHECK(r == target);
  EQ(2, r[PAGE]);
  r[2 * PAGE] = 9;
  CHECK(mapped(target + 3 * PAGE));
  OK(munmap(target, 4 * PAGE));
  OK(munmap(block, PAGE));
}

static void errors(void) {
  char *p = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  FAILS(EINVAL, (long)mremap(p + 1, PAGE, PAGE, 0));
  FAILS(EINVAL, (long)mremap(p, PAGE, 0, 0));
  FAILS(EINVAL, (long)mremap(p, PAGE, PAGE, 64));
  FAILS(EINVAL, (long)mremap(p, PAGE, PAGE, MREMAP_FIXED, p + 2 * PAGE));
  FAILS(EINVAL, (long)mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE));
  FAILS(EINVAL, (long)mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * PAGE + 1));
  FAILS(EINVAL, (long)mremap(p, 0, PAGE, MREMAP_MAYMOVE)); /* private: no duplicates */
  FAILS(EFAULT, (long)mremap((void *)0x10000, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
  OK(munmap(p + 2 * PAGE, PAGE));
  FAILS(EFAULT, (long)mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
  OK(munmap(p, 4 * PAGE));
}

static void duplicate(void) {
  char *p = map(2, PROT_READ | PROT_WRITE, MAP_SHARED);
  char *q = mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE);
  CHECK(q != MAP_FAILED && q != p);
  p[PAGE] = 7;
  EQ(7, q[PAGE]);
  q[0] = 8;
  EQ(8, p[0]);
  OK(munmap(p, 2 * PAGE));
  EQ(8, q[0]);
  OK(munmap(q, 2 * PAGE));
}

static void dont_unmap(void) {
  char *p = map(2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  p[0] = 3;
  char *q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  if (q == MAP_FAILED && errno == EINVAL) {
    return; /* Linux before 5.7 */
  }
  CHECK(q != MAP_FAILED && q != p);
  EQ(3, q[0]);
  EQ(0, p[0]);
  p[0] = 4;
  EQ(3, q[0]);
  OK(munmap(p, 2 * PAGE));
  OK(munmap(q, 2 * PAGE));
}

static void file_offset(void) {
  char name[] = "/tmp/mremap-XXXXXX";
  int fd = OK(mkstemp(name));
  OK(unlink(name));
  for (int i = 0; i < 8; i++) {
    char c = (char)('a' + i);
    EQ(1, pwrite(fd, &c, 1, i * PAGE));
  }
  OK(ftruncate(fd, 8 * PAGE));
  char *p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE);
  char *q = mremap(p + PAGE, 2 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
  CHECK(q != MAP_FAILED);
  EQ('d', q[0]);
  EQ('h', q[4 * PAGE]);
  EQ('c', p[0]);
  EQ('f', p[3 * PAGE]);
  CHECK(!mapped(p + PAGE));
  OK(close(fd));
}

static void program_break(void) {
  char *start = sbrk(0);
  CHECK(start != (void *)-1);
  CHECK(sbrk(5 * PAGE + 10) == start);
  start[5 * PAGE] = 1;
  EQ(0, start[3 * PAGE]);
  OK(brk(start + PAGE));
  CHECK(sbrk(0) == start + PAGE);
  OK(brk(start + 6 * PAGE));
  EQ(0, start[5 * PAGE]);
  OK(brk(start));
  /* a break that cannot be is not moved, and told as it is */
  EQ((long)start, syscall(SYS_brk, 0));
  EQ((long)start, syscall(SYS_brk, 1ul << 60));
  FAILS(ENOMEM, brk((void *)(1ul << 46)));
}

int main(void) {
  resize();
  errors();
  duplicate();
  dont_unmap();
  file_offset();
  program_break();
  DONE();
}
