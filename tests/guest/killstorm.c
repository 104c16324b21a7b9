/* Processes that fork, run threads, execute, stop and wait are killed at any moment: all of them can be waited for. */
#include "test.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/prctl.h>

static unsigned seed = 1;
static unsigned rnd(unsigned n) {
  seed = seed * 1103515245 + 12345;
  return (seed >> 16) % n;
}

static void *spin(void *arg) {
  for (;;) sched_yield();
  return arg;
}
static void *sleeps(void *arg) {
  for (;;) pause();
  return arg;
}
static void *dies(void *arg) { return arg; }

static void victim(int kind) {
  pthread_t t;
  int fds[2], word = 0;
  char c;
  switch (kind) {
    case 0:
      for (;;) {
        pid_t p = fork();
        if (p == 0) _exit(0);
        waitpid(p, NULL, 0);
      }
    case 1:
      for (int i = 0; i < 4; i++) pthread_create(&t, NULL, i & 1 ? spin : sleeps, NULL);
      for (;;) pause();
    case 2:
      for (;;) {
        pthread_create(&t, NULL, dies, NULL);
        pthread_join(t, NULL);
      }
    case 3:
      execl("/proc/self/exe", "killstorm", "sleep", NULL);
      _exit(1);
    case 4:
      for (;;) {
        pid_t p = vfork();
        if (p == 0) {
          execl("/proc/self/exe", "killstorm", "exit", NULL);
          _exit(1);
        }
        waitpid(p, NULL, 0);
      }
    case 5:
      if (pipe(fds)) _exit(1);
      for (;;)
        if (read(fds[0], &c, 1) < 0) break;
      _exit(1);
    case 6:
      for (;;) syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
    case 7:
      for (;;) raise(SIGSTOP);
    case 8:
      pthread_create(&t, NULL, spin, NULL);
      for (;;) {
        pid_t p = fork();
        if (p == 0) {
          pthread_create(&t, NULL, sleeps, NULL);
          execl("/proc/self/exe", "killstorm", "exit", NULL);
        }
        waitpid(p, NULL, 0);
      }
    default:
      for (;;) {
        char *m = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int i = 0; i < 1 << 20; i += 4096) m[i] = 1;
        munmap(m, 1 << 20);
      }
  }
}

int main(int argc, char **argv) {
  if (argc > 1) {
    if (!strcmp(argv[1], "sleep"))
      for (;;) pause();
    return 0;
  }
  OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
  for (int round = 0; round < 60; round++) {
    pid_t p[4];
    for (int i = 0; i < 4; i++) {
      int kind = rnd(10);
      p[i] = OK(fork());
      if (p[i] == 0) victim(kind);
    }
    usleep(rnd(8000));
    for (int i = 0; i < 4; i++) OK(kill(p[i], SIGKILL));
    for (int i = 0; i < 4; i++) {
      int st = 0;
      EQ(p[i], waitpid(p[i], &st, 0));
      CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
    }
    /* What they left behind is ours now. */
    for (int i = 0; i < 100; i++) {
      pid_t left = waitpid(-1, NULL, WNOHANG);
      if (left < 0) break;
      if (left == 0) usleep(1000);
    }
  }
  DONE();
}
