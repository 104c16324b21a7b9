/* man 2 membarrier: the barriers for other processes. */
#include "test.h"

#define QUERY 0
#define GLOBAL (1 << 0)
#define GLOBAL_EXPEDITED (1 << 1)
#define REGISTER_GLOBAL_EXPEDITED (1 << 2)
#define GET_REGISTRATIONS (1 << 9)

static long membarrier(int command, int flags) { return syscall(SYS_membarrier, command, flags, 0); }

struct shared {
  volatile int a, b, stop;
  volatile long both;
};

/* Dekker's algorithm across processes, with the barrier on one side only. */
static void dekker(int command) {
  struct shared *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t p = OK(fork());
  if (p == 0) {
    if (command == GLOBAL_EXPEDITED && membarrier(REGISTER_GLOBAL_EXPEDITED, 0)) _exit(1);
    s->both = 1;
    while (!s->stop) {
      s->a = 1;
      __asm__ volatile("" ::: "memory"); /* no barrier but the compiler's */
      if (s->b == 0) s->both++;
      s->a = 0;
    }
    _exit(0);
  }
  for (int i = 0; s->both == 0 && i < 1000; i++) usleep(1000);
  for (int i = 0; i < 50; i++) {
    s->b = 1;
    OK(membarrier(command, 0));
    if (s->a == 0) {
      long before = s->both;
      for (int k = 0; k < 1000; k++) __asm__ volatile("pause");
      EQ(before, s->both);
    }
    s->b = 0;
    if (i % 10 == 0) usleep(100);
  }
  s->stop = 1;
  int st;
  OK(waitpid(p, &st, 0));
  EQ(0, st);
}

int main(void) {
  long commands = membarrier(QUERY, 0);
  if (commands < 0 || !(commands & GLOBAL)) SKIP("no global barrier");
  CHECK(commands & GLOBAL_EXPEDITED);
  CHECK(commands & REGISTER_GLOBAL_EXPEDITED);
  OK(membarrier(GLOBAL, 0));
  OK(membarrier(GLOBAL_EXPEDITED, 0)); /* Who makes it need not be registered. */
  OK(membarrier(REGISTER_GLOBAL_EXPEDITED, 0));
  OK(membarrier(REGISTER_GLOBAL_EXPEDITED, 0));
  FAILS(EINVAL, membarrier(GLOBAL, 1));
  FAILS(EINVAL, membarrier(GLOBAL | GLOBAL_EXPEDITED, 0));
  if (commands & GET_REGISTRATIONS) CHECK(OK(membarrier(GET_REGISTRATIONS, 0)) & REGISTER_GLOBAL_EXPEDITED);
  dekker(GLOBAL);
  dekker(GLOBAL_EXPEDITED);
  DONE();
}
