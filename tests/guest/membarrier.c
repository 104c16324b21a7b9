/* man 2 membarrier: Dekker's algorithm with the barrier on one side only. */
#include "test.h"

#include <pthread.h>

#define QUERY 0
#define PRIVATE_EXPEDITED (1 << 3)
#define REGISTER_PRIVATE_EXPEDITED (1 << 4)

static volatile int a, b, stop;
static volatile long both;

static long membarrier(int command, int flags) { return syscall(SYS_membarrier, command, flags, 0); }

static void *fast(void *arg) {
  (void)arg;
  while (!stop) {
    a = 1;
    __asm__ volatile("" ::: "memory"); /* no barrier but the compiler's */
    if (b == 0) {
      both++;
    }
    a = 0;
  }
  return NULL;
}

int main(void) {
  long commands = membarrier(QUERY, 0);
  if (commands < 0 || !(commands & PRIVATE_EXPEDITED)) {
    SKIP("no membarrier");
  }
  FAILS(EINVAL, membarrier(QUERY, 2));
  FAILS(EINVAL, membarrier(12345, 0));
  FAILS(EPERM, membarrier(PRIVATE_EXPEDITED, 0));
  OK(membarrier(REGISTER_PRIVATE_EXPEDITED, 0));
  OK(membarrier(PRIVATE_EXPEDITED, 0));
  pthread_t thread;
  EQ(0, pthread_create(&thread, NULL, fast, NULL));
  int entered = 0;
  for (int i = 0; i < 500; i++) {
    b = 1;
    OK(membarrier(PRIVATE_EXPEDITED, 0));
    if (a == 0) {
      /* the other thread must see b from now on */
      long before = both;
      for (int k = 0; k < 1000; k++) {
        __asm__ volatile("pause");
      }
      entered++;
      EQ(before, both);
    }
    b = 0;
    if (i % 50 == 0) {
      usleep(100);
    }
  }
  stop = 1;
  EQ(0, pthread_join(thread, NULL));
  (void)entered;
  DONE();
}
