/* Random mapping calls on an arena, against a model of what every page must hold; forks check and go on. */
#include "test.h"

#include <pthread.h>
#include <setjmp.h>

#define PAGE 4096L
#define PAGES 192
#define STEPS 300

struct page {
  int mapped, prot, shared;
  unsigned value; /* first word */
};

static char *arena;
static struct page model[PAGES];
static int file;
static unsigned seed;

static unsigned rnd(unsigned n) {
  seed = seed * 1103515245u + 12345u;
  return (seed >> 8) % n;
}

static sigjmp_buf jump;
static volatile int faulted;

static void on_fault(int sig, siginfo_t *info, void *c) {
  (void)sig, (void)info, (void)c;
  faulted = 1;
  siglongjmp(jump, 1);
}

static int try_load(int i, unsigned *value) {
  faulted = 0;
  if (sigsetjmp(jump, 1) == 0) {
    *value = *(volatile unsigned *)(arena + i * PAGE);
  }
  return !faulted;
}

static int try_store(int i, unsigned value) {
  faulted = 0;
  if (sigsetjmp(jump, 1) == 0) {
    *(volatile unsigned *)(arena + i * PAGE) = value;
  }
  return !faulted;
}

static void check_page(int i) {
  unsigned value = 0;
  int ok = try_load(i, &value);
  EQ(model[i].mapped && model[i].prot != PROT_NONE, ok);
  if (ok) {
    EQ(model[i].value, value);
  }
}

static void check_all(void) {
  for (int i = 0; i < PAGES; i++) {
    check_page(i);
  }
}

static int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE};

static void step(int allow_fork) {
  int at = rnd(PAGES), n = 1 + rnd(rnd(4) ? 8 : 60);
  if (at + n > PAGES) {
    n = PAGES - at;
  }
  char *p = arena + at * PAGE;
  switch (rnd(allow_fork ? 13 : 12)) {
    case 0:
    case 1: { /* new private memory */
      int prot = prots[rnd(4)];
      CHECK(mmap(p, n * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
      for (int i = at; i < at + n; i++) {
        model[i] = (struct page){1, prot, 0, 0};
      }
      break;
    }
    case 2: { /* a private view of the file */
      int prot = prots[1 + rnd(3)], off = rnd(64);
      CHECK(mmap(p, n * PAGE, prot, MAP_PRIVATE | MAP_FIXED, file, off * PAGE) == p);
      for (int i = at; i < at + n; i++) {
        model[i] = (struct page){1, prot, 0, 7000 + off + i - at};
      }
      break;
    }
    case 3: { /* new shared memory */
      CHECK(mmap(p, n * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
      for (int i = at; i < at + n; i++) {
        model[i] = (struct page){1, PROT_READ | PROT_WRITE, 1, 0};
      }
      break;
    }
    case 4:
      OK(munmap(p, n * PAGE));
      memset(&model[at], 0, n * sizeof model[0]);
      break;
    case 5: {
      int prot = prots[rnd(4)], hole = 0, i;
      for (i = at; i < at + n && model[i].mapped; i++) {
        model[i].prot = prot;
      }
      hole = i < at + n;
      EQ(hole ? -1 : 0, mprotect(p, n * PAGE, prot));
      break;
    }
    case 6: { /* private memory becomes what it was at first */
      int fits = 1;
      for (int i = at; i < at + n; i++) {
        fits &= model[i].mapped && !model[i].shared && model[i].value < 7000;
      }
      if (fits) {
        OK(madvise(p, n * PAGE, MADV_DONTNEED));
        for (int i = at; i < at + n; i++) {
          unsigned v;
          if (model[i].prot != PROT_NONE && try_load(i, &v)) {
            /* zero, or what a private file page was mapped with */
            CHECK(v == 0 || v >= 7000);
            model[i].value = v;
          } else if (model[i].prot == PROT_NONE) {
            OK(mprotect(arena + i * PAGE, PAGE, PROT_READ));
            model[i].prot = PROT_READ;
            CHECK(try_load(i, &v));
            CHECK(v == 0 || v >= 7000);
            model[i].value = v;
          }
        }
      }
      break;
    }
    case 7: { /* move a page: of more, kernels differ about those that are not one mapping */
      int to = rnd(PAGES);
      if (to == at || !model[at].mapped) {
        break;
      }
      CHECK(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, arena + to * PAGE) == arena + to * PAGE);
      model[to] = model[at];
      memset(&model[at], 0, sizeof model[at]);
      break;
    }
    case 12: {
      pid_t child = fork();
      if (child == 0) {
        for (int i = 0; i < PAGES; i++) { /* stores to shared memory would be seen */
          if (model[i].shared) {
            munmap(arena + i * PAGE, PAGE);
            memset(&model[i], 0, sizeof model[i]);
          }
        }
        check_all();
        for (int i = 0; i < 60; i++) {
          step(0);
        }
        check_all();
        _exit(failures != 0);
      }
      for (int i = 0; i < 5; i++) {
        step(0);
      }
      int status;
      EQ(child, waitpid(child, &status, 0));
      EQ(0, status);
      break;
    }
    default:
      for (int i = at; i < at + n; i++) {
        unsigned value = rnd(6000) + 1;
        int may = model[i].mapped && (model[i].prot & PROT_WRITE);
        if (rnd(2)) {
          EQ(may, try_store(i, value));
        } else {
          int fd = open("/proc/self/cmdline", O_RDONLY); /* a store by the kernel */
          char buf[4];
          (void)!read(fd, buf, 4);
          close(fd);
          int tube[2];
          OK(pipe(tube));
          EQ(4, write(tube[1], &value, 4));
          ssize_t r = read(tube[0], arena + i * PAGE, 4);
          EQ(may ? 4 : -1, r);
          close(tube[0]);
          close(tube[1]);
        }
        if (may) {
          model[i].value = value;
        }
      }
  }
}

static volatile int stop;

/* Another thread that maps, touches and unmaps all the time, in a place of its own. */
static void *disturb(void *arg) {
  char *place = arg;
  while (!stop) {
    char *p = mmap(place, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    for (int i = 0; i < 64; i += 3) {
      p[i * PAGE] = (char)i;
    }
    for (int i = 0; i < 64; i += 3) {
      if (p[i * PAGE] != (char)i) {
        return (void *)1;
      }
    }
    munmap(p, 64 * PAGE);
  }
  return NULL;
}

int main(int argc, char **argv) {
  alarm(120);
  seed = argc > 1 ? (unsigned)atoi(argv[1]) : 12345;
  struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  OK(sigaction(SIGSEGV, &sa, NULL));
  OK(sigaction(SIGBUS, &sa, NULL));
  char name[] = "/tmp/random-XXXXXX";
  file = OK(mkstemp(name));
  OK(unlink(name));
  for (unsigned i = 0; i < 64 + PAGES; i++) {
    unsigned v = 7000 + i;
    EQ(4, pwrite(file, &v, 4, i * PAGE));
  }
  /* The pages around it stay: a hole at its border would be part of a larger one, where a thread's stack fits. */
  arena = mmap(NULL, (PAGES + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  arena += PAGE;
  for (int i = 0; i < PAGES; i++) {
    model[i] = (struct page){1, PROT_NONE, 0, 0};
  }
  pthread_t thread;
  for (int i = 0; i < STEPS && failures < 20; i++) {
    if (i == STEPS / 2) {
      check_all();
      EQ(0, pthread_create(&thread, NULL, disturb, (void *)0x200000000000));
    }
    step(1);
    check_page(rnd(PAGES));
  }
  stop = 1;
  if (failures < 20) {
    void *result;
    EQ(0, pthread_join(thread, &result));
    CHECK(result == NULL);
  }
  check_all();
  DONE();
}
