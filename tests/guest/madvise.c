/* madvise, mlock, msync, mincore: their man pages. */
#include "test.h"

#include <sys/resource.h>

#define PAGE 4096L

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static char *map(size_t pages, int flags) {
  char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  CHECK(p != MAP_FAILED);
  return p;
}

static void dont_need(void) {
  char *p = map(16, MAP_PRIVATE);
  memset(p, 1, 16 * PAGE);
  OK(madvise(p + 4 * PAGE, 4 * PAGE, MADV_DONTNEED));
  EQ(1, p[3 * PAGE]);
  EQ(0, p[4 * PAGE]);
  EQ(0, p[7 * PAGE]);
  EQ(1, p[8 * PAGE]);
  p[5 * PAGE] = 2;
  EQ(2, p[5 * PAGE]);
  pid_t child = OK(fork());
  if (child == 0) {
    CHECK(madvise(p, 16 * PAGE, MADV_DONTNEED) == 0);
    CHECK(p[8 * PAGE] == 0 && p[5 * PAGE] == 0);
    _exit(failures);
  }
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  EQ(1, p[8 * PAGE]);
  EQ(2, p[5 * PAGE]);
  OK(madvise(p, PAGE, MADV_FREE));
  CHECK(p[0] == 0 || p[0] == 1);
  p[0] = 3;
  EQ(3, p[0]);
  OK(madvise(p, 0, MADV_DONTNEED));
  FAILS(EINVAL, madvise(p + 1, PAGE, MADV_DONTNEED));
  FAILS(EINVAL, madvise(p, PAGE, 12345));
  FAILS(EINVAL, madvise(p, -1ul, MADV_DONTNEED));
  OK(munmap(p + PAGE, PAGE));
  FAILS(ENOMEM, madvise(p, 4 * PAGE, MADV_DONTNEED));
  EQ(0, p[0]);
  EQ(0, p[2 * PAGE]);
  OK(munmap(p, 16 * PAGE));
  char *s = map(4, MAP_SHARED);
  s[0] = 5;
  OK(madvise(s, 4 * PAGE, MADV_DONTNEED));
  EQ(5, s[0]);
  FAILS(EINVAL, madvise(s, PAGE, MADV_FREE));
  OK(madvise(s, PAGE, MADV_REMOVE));
  EQ(0, s[0]);
  OK(munmap(s, 4 * PAGE));
}

static void hints(void) {
  char *p = map(4, MAP_PRIVATE);
  p[0] = 1;
  int all[] = {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTDUMP, MADV_DODUMP, MADV_COLD,
               MADV_PAGEOUT};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    OK(madvise(p, 4 * PAGE, all[i]));
  }
  EQ(1, p[0]);
  if (madvise(p, 4 * PAGE, MADV_POPULATE_WRITE) == 0) { /* Linux 5.14 */
    unsigned char vec[4];
    OK(mincore(p, 4 * PAGE, vec));
    EQ(1, vec[0] & 1);
    OK(madvise(p, 4 * PAGE, MADV_POPULATE_READ));
    OK(mprotect(p, PAGE, PROT_READ));
    FAILS(EINVAL, madvise(p, 4 * PAGE, MADV_POPULATE_WRITE));
    OK(munmap(p + PAGE, PAGE));
    FAILS(ENOMEM, madvise(p, 4 * PAGE, MADV_POPULATE_READ));
  }
  OK(munmap(p, 4 * PAGE));
}

static void on_fork(void) {
  char *p = map(3, MAP_PRIVATE);
  p[0] = p[PAGE] = p[2 * PAGE] = 1;
  OK(madvise(p, PAGE, MADV_WIPEONFORK));
  OK(madvise(p + PAGE, PAGE, MADV_DONTFORK));
  pid_t child = OK(fork());
  if (child == 0) {
    unsigned char vec;
    CHECK(p[0] == 0);
    CHECK(mincore(p + PAGE, PAGE, &vec) == -1 && errno == ENOMEM);
    CHECK(p[2 * PAGE] == 1);
    _exit(failures);
  }
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  EQ(1, p[0]);
  EQ(1, p[PAGE]);
  OK(madvise(p, PAGE, MADV_KEEPONFORK));
  OK(madvise(p + PAGE, PAGE, MADV_DOFORK));
  child = OK(fork());
  if (child == 0) {
    _exit(p[0] + p[PAGE] + p[2 * PAGE] == 3 ? 0 : 1);
  }
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  char *s = map(1, MAP_SHARED);
  FAILS(EINVAL, madvise(s, PAGE, MADV_WIPEONFORK));
  OK(munmap(p, 3 * PAGE));
}

static void core(void) {
  char *p = map(8, MAP_PRIVATE);
  unsigned char vec[8];
  memset(vec, 9, sizeof vec);
  OK(mincore(p, 8 * PAGE, vec));
  EQ(0, vec[5] & 1);
  p[5 * PAGE] = 1;
  OK(mincore(p, 8 * PAGE, vec));
  EQ(1, vec[5] & 1);
  EQ(0, vec[7] & 1);
  FAILS(EINVAL, mincore(p + 1, PAGE, vec));
  FAILS(EFAULT, mincore(p, PAGE, BAD));
  OK(munmap(p + 7 * PAGE, PAGE));
  FAILS(ENOMEM, mincore(p, 8 * PAGE, vec));
  FAILS(ENOMEM, mincore(p, -1ul, vec));
  OK(munmap(p, 7 * PAGE));
}

static void sync_file(void) {
  char name[] = "/tmp/msync-XXXXXX";
  int fd = OK(mkstemp(name));
  OK(unlink(name));
  OK(ftruncate(fd, 2 * PAGE));
  char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  p[PAGE] = 'x';
  OK(msync(p, 2 * PAGE, MS_SYNC));
  OK(msync(p, 2 * PAGE, MS_ASYNC));
  OK(msync(p, 0, MS_SYNC));
  char c;
  EQ(1, pread(fd, &c, 1, PAGE));
  EQ('x', c);
  FAILS(EINVAL, msync(p + 1, PAGE, MS_SYNC));
  FAILS(EINVAL, msync(p, PAGE, MS_SYNC | MS_ASYNC));
  FAILS(EINVAL, msync(p, PAGE, 64));
  OK(munmap(p + PAGE, PAGE));
  FAILS(ENOMEM, msync(p, 2 * PAGE, MS_SYNC));
  OK(close(fd));
}

static void lock(void) {
  char *p = map(4, MAP_PRIVATE);
  OK(mlock(p + 10, PAGE));
  FAILS(EINVAL, madvise(p, PAGE, MADV_DONTNEED));
  FAILS(EBUSY, msync(p, PAGE, MS_INVALIDATE));
  OK(munlock(p, 2 * PAGE));
  OK(madvise(p, PAGE, MADV_DONTNEED));
  OK(syscall(SYS_mlock2, p, PAGE, 1));
  FAILS(EINVAL, syscall(SYS_mlock2, p, PAGE, 2));
  OK(munlockall());
  FAILS(EINVAL, mlockall(0));
  FAILS(EINVAL, mlockall(64));
  OK(munmap(p + PAGE, PAGE));
  FAILS(ENOMEM, mlock(p, 2 * PAGE));
  pid_t child = OK(fork());
  if (child == 0) {
    struct rlimit r = {2 * PAGE, 2 * PAGE};
    CHECK(setrlimit(RLIMIT_MEMLOCK, &r) == 0);
    CHECK(setuid(12345) == 0);
    CHECK(mlock(p + 2 * PAGE, 2 * PAGE) == 0);
    CHECK(mlock(p, PAGE) == -1 && errno == ENOMEM);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED);
    CHECK(errno == EAGAIN);
    CHECK(munlock(p + 2 * PAGE, 2 * PAGE) == 0);
    CHECK(mlock(p, PAGE) == 0);
    _exit(failures);
  }
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
}

/* MADV_REMOVE: a hole in the file behind a shared mapping; here of a file system in memory. */
static void removes(void) {
  char name[] = "/tmp/removeXXXXXX";
  int fd = OK(mkstemp(name));
  OK(unlink(name));
  OK(ftruncate(fd, 4 * PAGE));
  char *p = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(p != MAP_FAILED);
  memset(p, 7, 4 * PAGE);
  if (madvise(p + PAGE, PAGE, MADV_REMOVE) != 0) {
    EQ(EOPNOTSUPP, errno); /* no such thing on the host's file system */
  } else {
    EQ(0, p[PAGE]);
    EQ(7, p[0]);
    EQ(7, p[2 * PAGE]);
    char c = 1;
    EQ(1, pread(fd, &c, 1, PAGE));
    EQ(0, c);
  }
  char *mine = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  FAILS(EACCES, madvise(mine, PAGE, MADV_REMOVE));
  OK(munmap(mine, PAGE));
  OK(munmap(p, 4 * PAGE));
  OK(close(fd));
}

/* Ranges that no memory can have: refused, and what there is stays as it is. */
static void absurd_ranges(void) {
  static const unsigned long starts[] = {1ul << 63, (1ul << 63) + 4096, 0x7ffffffffffff000ul, 1ul << 47};
  for (unsigned i = 0; i < sizeof starts / sizeof *starts; i++) {
    void *start = (void *)starts[i];
    FAILS(ENOMEM, mlock(start, 1));
    FAILS(ENOMEM, munlock(start, 1));
    FAILS(ENOMEM, madvise(start, 4096, MADV_DONTDUMP));
    CHECK(mlock(start, 0x7ffffffffffff000ul) == -1);
    CHECK(munlock(start, 1ul << 63) == -1);
    CHECK(mprotect(start, 4096, PROT_READ) == -1);
    FAILS(EINVAL, munmap(start, 4096));
  }
  char line[256];
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps)) {
    CHECK(strtoul(line, 0, 16) < 1ul << 47 || strstr(line, "vsyscall"));
  }
  CHECK(maps && fclose(maps) == 0);
}

int main(void) {
  removes();
  absurd_ranges();
  dont_need();
  hints();
  on_fork();
  core();
  sync_file();
  lock();
  DONE();
}
