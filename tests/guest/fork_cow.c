/* Copy on write between parents, children and grandchildren, threads included. */
#include "test.h"

#include <pthread.h>

#define PAGE 4096L
#define PAGES 256

static int expect(volatile int *p, int from, int to, int value) {
  int wrong = 0;
  for (int i = from; i < to; i++) {
    wrong += p[i * PAGE / 4] != value;
  }
  return wrong;
}

static void fill(volatile int *p, int from, int to, int value) {
  for (int i = from; i < to; i++) {
    p[i * PAGE / 4] = value;
  }
}

static int *area(void) {
  int *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(p != MAP_FAILED);
  return p;
}

static void generations(void) {
  int *p = area();
  fill(p, 0, PAGES, 1);
  int tube[2], back[2];
  OK(pipe(tube));
  OK(pipe(back));
  pid_t child = OK(fork());
  if (child == 0) {
    CHECK(expect(p, 0, PAGES, 1) == 0);
    fill(p, 0, 64, 2);
    pid_t grandchild = fork();
    if (grandchild == 0) {
      CHECK(expect(p, 0, 64, 2) == 0);
      CHECK(expect(p, 64, PAGES, 1) == 0);
      fill(p, 32, 96, 3);
      char c;
      CHECK(write(back[1], "r", 1) == 1);
      CHECK(read(tube[0], &c, 1) == 1); /* the others have stored by now */
      CHECK(expect(p, 0, 32, 2) == 0);
      CHECK(expect(p, 32, 96, 3) == 0);
      CHECK(expect(p, 96, PAGES, 1) == 0);
      _exit(failures);
    }
    fill(p, 0, 16, 4);
    CHECK(expect(p, 16, 64, 2) == 0);
    int status;
    CHECK(waitpid(grandchild, &status, 0) == grandchild && status == 0);
    CHECK(expect(p, 16, 64, 2) == 0);
    CHECK(expect(p, 64, PAGES, 1) == 0);
    _exit(failures);
  }
  char c;
  EQ(1, read(back[0], &c, 1));
  fill(p, 0, PAGES, 5);
  EQ(1, write(tube[1], "g", 1));
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  EQ(0, expect(p, 0, PAGES, 5));
  OK(munmap(p, PAGES * PAGE));
}

/* The kernel's stores copy, too. */
static void kernel_stores(void) {
  int *p = area();
  fill(p, 0, PAGES, 7);
  int zero = OK(open("/dev/zero", O_RDONLY));
  pid_t child = OK(fork());
  if (child == 0) {
    CHECK(read(zero, p, PAGES * PAGE / 2) == PAGES * PAGE / 2);
    CHECK(expect(p, 0, PAGES / 2, 0) == 0);
    CHECK(expect(p, PAGES / 2, PAGES, 7) == 0);
    _exit(failures);
  }
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
  EQ(0, expect(p, 0, PAGES, 7));
  child = OK(fork());
  if (child == 0) {
    usleep(20000);
    CHECK(expect(p, 0, PAGES, 7) == 0);
    _exit(failures);
  }
  EQ(PAGES * PAGE, read(zero, p, PAGES * PAGE));
  EQ(0, expect(p, 0, PAGES, 0));
  EQ(child, waitpid(child, &status, 0));
  EQ(0, status);
}

static volatile int stop;

static void *writer(void *arg) {
  volatile int *p = arg;
  int n = 0;
  while (!stop) {
    n++;
    for (int i = 0; i < 16; i++) {
      p[i * PAGE / 4] = n;
      if (p[i * PAGE / 4] != n) {
        return (void *)1;
      }
    }
  }
  return NULL;
}

/* Stores go on while others fork: none may be lost. */
static void threads(void) {
  int *p = area();
  pthread_t thread;
  EQ(0, pthread_create(&thread, NULL, writer, p));
  for (int i = 0; i < 50; i++) {
    pid_t child = OK(fork());
    if (child == 0) {
      int first = p[0];
      usleep(100);
      _exit(p[0] == first ? 0 : 1);
    }
    int status;
    EQ(child, waitpid(child, &status, 0));
    EQ(0, status);
  }
  stop = 1;
  void *result;
  EQ(0, pthread_join(thread, &result));
  CHECK(result == NULL);
}

static int global = 11;
static int bss[4096];

static void program_data(void) {
  int local = 5;
  bss[4000] = 6;
  for (int i = 0; i < 20; i++) {
    pid_t child = OK(fork());
    if (child == 0) {
      global++;
      local++;
      bss[4000]++;
      _exit(global == 12 && local == 6 && bss[4000] == 7 ? 0 : 1);
    }
    int status;
    EQ(child, waitpid(child, &status, 0));
    EQ(0, status);
  }
  EQ(11, global);
  EQ(5, local);
  EQ(6, bss[4000]);
}

static void vforked(void) {
  volatile int seen = 0;
  pid_t child = vfork();
  if (child == 0) {
    seen = 1;
    _exit(0);
  }
  CHECK(child > 0);
  EQ(1, seen);
  int status;
  EQ(child, waitpid(child, &status, 0));
}

int main(void) {
  generations();
  kernel_stores();
  threads();
  program_data();
  vforked();
  DONE();
}
