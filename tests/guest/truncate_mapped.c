/* man 2 truncate and man 2 mmap: what a mapping sees of a file that becomes shorter, and longer again. */
#include "tmpdir.h"
#include <setjmp.h>

static long page;
static sigjmp_buf back;
static void on_bus(int s) { siglongjmp(back, s); }

/* The signal that reading there gives, or 0. */
static int touch(volatile char *p) {
  int s = sigsetjmp(back, 1);
  if (s == 0) (void)*p;
  return s;
}

static int is_zero(const char *p, long n) {
  for (long i = 0; i < n; i++)
    if (p[i] != 0) return 0;
  return 1;
}

static void shrink(int fd, int flags) {
  OK(ftruncate(fd, 3 * page));
  char *p = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, flags, fd, 0);
  CHECK(p != MAP_FAILED);
  memset(p, 'x', 3 * page);
  /* Copies of a private mapping go as well: behind the end there is nothing. */
  OK(ftruncate(fd, page));
  EQ(0, touch(p));
  EQ(SIGBUS, touch(p + page));
  EQ(SIGBUS, touch(p + 3 * page - 1));
  EQ('x', p[page - 1]);
  OK(ftruncate(fd, 3 * page));
  CHECK(is_zero(p + page, 2 * page));
  EQ('x', p[0]);
  /* Within a page: the file's rest is zeroed, a copy is kept as it is. */
  memset(p, 'y', 3 * page);
  OK(ftruncate(fd, page + 10));
  EQ(0, touch(p + page + 20));
  EQ(flags == MAP_SHARED ? 0 : 'y', p[page + 20]);
  EQ(SIGBUS, touch(p + 2 * page));
  EQ('y', p[page + 9]);
  /* A child that was made before sees the same. */
  OK(ftruncate(fd, 3 * page));
  memset(p, 'z', 3 * page);
  int ready[2];
  OK(pipe(ready));
  pid_t child = OK(fork());
  if (child == 0) {
    char c;
    if (read(ready[0], &c, 1) != 1) _exit(1);
    _exit(touch(p + page) == SIGBUS && p[0] == 'z' ? 0 : 2);
  }
  OK(ftruncate(fd, page));
  EQ(1, write(ready[1], "x", 1));
  int st;
  OK(waitpid(child, &st, 0));
  EQ(0, st);
  OK(munmap(p, 3 * page));
}

/* A hole takes the file's pages, not the copies. */
static void holes(int fd) {
  OK(ftruncate(fd, 2 * page));
  char *shared = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  memset(shared, 's', 2 * page);
  /* What is stored into the file after this may or may not be seen: man 2 mmap. */
  char *private = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  private[page] = 'p';
  if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page, page) == -1) {
    EQ(EOPNOTSUPP, errno);
    return;
  }
  CHECK(is_zero(shared + page, page));
  EQ('p', private[page]);
  EQ('s', private[page + 1]);
  EQ('s', private[0]);
  OK(munmap(shared, 2 * page));
  OK(munmap(private, 2 * page));
}

int main(void) {
  page = sysconf(_SC_PAGESIZE);
  struct sigaction sa = {.sa_handler = on_bus};
  sigaction(SIGBUS, &sa, NULL);
  tmpdir_enter();
  int file = OK(open("f", O_RDWR | O_CREAT, 0600)), memory = OK(memfd_create("m", 0));
  shrink(file, MAP_SHARED);
  shrink(file, MAP_PRIVATE);
  shrink(memory, MAP_SHARED);
  shrink(memory, MAP_PRIVATE);
  holes(file);
  holes(memory);
  tmpdir_leave();
  DONE();
}
