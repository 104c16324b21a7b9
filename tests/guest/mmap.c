/* mmap, munmap, mprotect: man 2 mmap. */
#include "test.h"

#include <setjmp.h>
#include <sys/resource.h>

#define PAGE 4096L

static sigjmp_buf jump;
static volatile int got_signal, got_code;
static void *volatile got_addr;

static void on_fault(int sig, siginfo_t *info, void *context) {
  (void)context;
  got_signal = sig;
  got_code = info->si_code;
  got_addr = info->si_addr;
  siglongjmp(jump, 1);
}

/* The signal that touching ADDR gives, 0 for none. */
static int touch(volatile char *addr, int write) {
  got_signal = 0;
  if (sigsetjmp(jump, 1) == 0) {
    if (write) {
      *addr = 1;
    } else {
      (void)*addr;
    }
  }
  return got_signal;
}

static char *map(size_t length, int prot, int flags) {
  char *p = mmap(NULL, length, prot, flags, -1, 0);
  CHECK(p != MAP_FAILED);
  return p;
}

static void anonymous(void) {
  char *p = map(16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  for (int i = 0; i < 16; i++) {
    EQ(0, p[i * PAGE]);
    p[i * PAGE + 7] = (char)i;
  }
  OK(munmap(p + 4 * PAGE, 4 * PAGE));
  EQ(SIGSEGV, touch(p + 5 * PAGE, 0));
  EQ(SEGV_MAPERR, got_code);
  CHECK(got_addr == p + 5 * PAGE);
  EQ(3, p[3 * PAGE + 7]);
  EQ(8, p[8 * PAGE + 7]);
  OK(munmap(p, 16 * PAGE)); /* over a hole */
  EQ(SIGSEGV, touch(p, 1));
  size_t big = 64 << 20;
  p = map(big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  for (size_t i = 0; i < big; i += PAGE) {
    p[i] = (char)(i / PAGE);
  }
  int wrong = 0;
  for (size_t i = 0; i < big; i += PAGE) {
    wrong += p[i] != (char)(i / PAGE);
  }
  EQ(0, wrong);
  OK(munmap(p, big));
}

static void protection(void) {
  char *p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  memset(p, 5, 4 * PAGE);
  OK(mprotect(p + PAGE, PAGE, PROT_READ));
  EQ(0, touch(p + PAGE, 0));
  EQ(SIGSEGV, touch(p + PAGE, 1));
  EQ(SEGV_ACCERR, got_code);
  EQ(0, touch(p + 2 * PAGE, 1));
  OK(mprotect(p + PAGE, PAGE, PROT_NONE));
  EQ(SIGSEGV, touch(p + PAGE, 0));
  EQ(SEGV_ACCERR, got_code);
  FAILS(EFAULT, write(open("/dev/null", O_WRONLY), p + PAGE, 1) == 1 ? read(open("/dev/zero", O_RDONLY), p + PAGE, 1)
                                                                     : -1);
  OK(mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE));
  EQ(5, p[PAGE]);
  EQ(0, touch(p + PAGE, 1));
  /* a load of a page of zeros, then a store */
  char *z = map(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
  EQ(0, touch(z, 0));
  EQ(SIGSEGV, touch(z, 1));
  EQ(SIGSEGV, touch(z, 1));
  OK(mprotect(z, PAGE, PROT_READ | PROT_WRITE));
  EQ(0, touch(z, 1));
  /* code */
  unsigned char ret42[] = {0xb8, 42, 0, 0, 0, 0xc3};
  memcpy(z, ret42, sizeof ret42);
  got_signal = 0;
  if (sigsetjmp(jump, 1) == 0) {
    ((int (*)(void))z)();
  }
  EQ(SIGSEGV, got_signal);
  EQ(SEGV_ACCERR, got_code);
  OK(mprotect(z, PAGE, PROT_READ | PROT_EXEC));
  EQ(42, ((int (*)(void))z)());
  FAILS(EINVAL, mprotect(p + 1, PAGE, PROT_READ));
  FAILS(EINVAL, mprotect(p, PAGE, 0x40));
  FAILS(EINVAL, mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN));
  OK(mprotect(p, 0, PROT_READ));
  OK(munmap(p + 2 * PAGE, PAGE));
  FAILS(ENOMEM, mprotect(p, 4 * PAGE, PROT_READ));
  EQ(SIGSEGV, touch(p + PAGE, 1)); /* up to the hole it was done */
  EQ(0, touch(p + 3 * PAGE, 1));
}

static void flags(void) {
  char *p = map(8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  p[2 * PAGE] = 1;
  char *q = mmap(p + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  CHECK(q == p + 2 * PAGE);
  EQ(0, *q);
  EQ(SIGSEGV, touch(q, 1));
  FAILS(EEXIST, (long)mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  OK(munmap(p, 8 * PAGE));
  q = mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  CHECK(q == p);
  OK(munmap(q, PAGE));
  q = mmap(p + 100, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* a wish, rounded down */
  CHECK(q == p);
  OK(munmap(q, PAGE));
  q = map(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT);
  CHECK((uintptr_t)q < 1ul << 31);
  OK(munmap(q, PAGE));
  FAILS(EINVAL, (long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  FAILS(EINVAL, (long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
  FAILS(EINVAL, (long)mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  FAILS(ENOMEM, (long)mmap((void *)0x7ffffffff000, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  FAILS(ENOMEM, (long)mmap(NULL, 1ul << 48, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  FAILS(ENOMEM, (long)mmap(NULL, -1ul, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  FAILS(EBADF, (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
  FAILS(EINVAL, syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1));
  FAILS(EINVAL, munmap(p + 1, PAGE));
  FAILS(EINVAL, munmap(p, 0));
  FAILS(EINVAL, munmap((void *)(1ul << 60), PAGE));
  OK(munmap(p, PAGE)); /* nothing there */
}

static void files(void) {
  char name[] = "/tmp/mmap-XXXXXX";
  int fd = OK(mkstemp(name));
  OK(unlink(name));
  char buf[3 * PAGE];
  for (int i = 0; i < 3; i++) {
    memset(buf + i * PAGE, 'a' + i, PAGE);
  }
  EQ(3 * PAGE - 100, write(fd, buf, 3 * PAGE - 100));
  char *s = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
  CHECK(s != MAP_FAILED && p != MAP_FAILED);
  EQ('a', s[0]);
  EQ('b', p[0]);
  EQ('c', p[PAGE]);
  EQ(0, s[3 * PAGE - 1]); /* the rest of the last page is zeros */
  s[0] = 'A';
  EQ(1, pread(fd, buf, 1, 0));
  EQ('A', buf[0]);
  EQ(1, pwrite(fd, "Z", 1, 1));
  EQ('Z', s[1]);
  p[0] = 'P';
  EQ('b', s[PAGE]);
  s[2 * PAGE] = 'S';
  EQ('P', p[0]);
  EQ(SIGBUS, touch(s + 3 * PAGE, 0));
  EQ(BUS_ADRERR, got_code);
  CHECK(got_addr == s + 3 * PAGE);
  FAILS(EFAULT, write(fd, s + 3 * PAGE, 1));
  OK(ftruncate(fd, 4 * PAGE));
  EQ(0, touch(s + 3 * PAGE, 1));
  EQ(1, pread(fd, buf, 1, 3 * PAGE));
  EQ(1, buf[0]);
  OK(ftruncate(fd, PAGE));
  EQ(SIGBUS, touch(s + 2 * PAGE, 0));
  EQ('A', s[0]);
  /* a mapping keeps the file */
  OK(close(fd));
  EQ('A', s[0]);
  OK(munmap(s, 4 * PAGE));
  OK(munmap(p, 2 * PAGE));
}

static void access_modes(void) {
  char name[] = "/tmp/mmap-XXXXXX";
  int rw = OK(mkstemp(name));
  EQ(PAGE, pwrite(rw, (char[PAGE]){1}, PAGE, 0));
  int ro = OK(open(name, O_RDONLY)), wo = OK(open(name, O_WRONLY)), path = OK(open(name, O_PATH));
  FAILS(EACCES, (long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0));
  FAILS(EACCES, (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0));
  FAILS(EACCES, (long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, wo, 0));
  FAILS(EBADF, (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, path, 0));
  FAILS(EOPNOTSUPP, (long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | (1 << 24), ro, 0));
  char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0);
  CHECK(p != MAP_FAILED);
  *p = 2;
  EQ(2, *p);
  char *s = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
  CHECK(s != MAP_FAILED);
  EQ(1, *s);
  FAILS(EACCES, mprotect(s, PAGE, PROT_READ | PROT_WRITE));
  int pipes[2];
  OK(pipe(pipes));
  FAILS(ENODEV, (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0));
  int dir = OK(open("/tmp", O_RDONLY));
  FAILS(ENODEV, (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0));
  OK(unlink(name));
}

static void shared(void) {
  int *p = (int *)map(32 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
  p[0] = 1;
  pid_t child = OK(fork());
  if (child == 0) {
    p[5 << 20] = p[0] + 1;
    _exit(0);
  }
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(2, p[5 << 20]);
  OK(munmap(p, 32 << 20));
}

/* Addresses cost nothing until they are used. */
static void huge(void) {
  size_t length = 1ul << 44;
  for (int i = 0; i < 2; i++) {
    char *p = mmap(NULL, length, PROT_READ | PROT_WRITE,
                   (i ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(p != MAP_FAILED);
    for (size_t at = 0; at < length; at += length / 64) {
      p[at + 5] = 1;
    }
    p[length - 1] = 2;
    EQ(1, p[length / 64 * 63 + 5]);
    EQ(0, p[length / 2 + PAGE]);
    OK(munmap(p, length));
  }
}

static void limits(void) {
  struct rlimit old, now;
  OK(getrlimit(RLIMIT_AS, &old));
  now = old;
  now.rlim_cur = 256 << 20;
  OK(setrlimit(RLIMIT_AS, &now));
  FAILS(ENOMEM, (long)mmap(NULL, 256 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char *p = map(16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
  OK(munmap(p, 16 << 20));
  OK(setrlimit(RLIMIT_AS, &old));
}

static int depth(int n) {
  char frame[2048];
  memset(frame, n, sizeof frame);
  return n == 0 ? frame[100] : depth(n - 1) + frame[5] - frame[6];
}

static void stack(void) {
  EQ(0, depth(2000)); /* 4 MiB */
}

/* Many pages, one apart: no two can be one mapping. */
static void checkered(void) {
  int n = 512;
  char *p = map(2 * n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  for (int i = 0; i < n; i++) {
    OK(munmap(p + (2 * i + 1) * PAGE, PAGE));
    p[2 * i * PAGE] = (char)i;
  }
  int wrong = 0;
  for (int i = 0; i < n; i++) {
    wrong += p[2 * i * PAGE] != (char)i;
  }
  EQ(0, wrong);
  OK(munmap(p, 2 * n * PAGE));
}

int main(void) {
  struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  OK(sigaction(SIGSEGV, &sa, NULL));
  OK(sigaction(SIGBUS, &sa, NULL));
  anonymous();
  protection();
  flags();
  files();
  access_modes();
  shared();
  huge();
  limits();
  stack();
  checkered();
  DONE();
}
