/* man 2 set_tid_address, rt_sigreturn, exit_group, sync: what the C library calls by itself, called on purpose. */
#include "tmpdir.h"
#include <linux/futex.h>
#include <pthread.h>

static int *tid_word;

static void *leaver(void *arg) {
  (void)arg;
  *tid_word = gettid();
  EQ(gettid(), syscall(SYS_set_tid_address, tid_word));
  syscall(SYS_exit, 0);
  return NULL;
}

/* The kernel zeroes the word when the thread ends, and wakes who waits for it. */
static void tid_address(void) {
  char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  tid_word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  *tid_word = 77;
  int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  OK(clone((int (*)(void *))(void *)leaver, stack + 65536, flags, NULL));
  struct timespec limit = {10, 0};
  for (int v; (v = __atomic_load_n(tid_word, __ATOMIC_SEQ_CST)) != 0;)
    if (syscall(SYS_futex, tid_word, FUTEX_WAIT, v, &limit, NULL, 0) == -1 && errno == ETIMEDOUT) break;
  EQ(0, *tid_word);
  /* A process that ends alone clears a word that others see only when others share its memory. */
  *tid_word = 5;
  pid_t p = OK(fork());
  if (p == 0) {
    syscall(SYS_set_tid_address, tid_word);
    syscall(SYS_exit_group, 3);
  }
  int st;
  OK(waitpid(p, &st, 0));
  EQ(3, WEXITSTATUS(st));
  EQ(5, *tid_word);
  EQ(gettid(), syscall(SYS_set_tid_address, NULL));
}

/* A frame that is none kills, whatever is on the stack. */
static void wild_frames(void) {
  for (int kind = 0; kind < 2; kind++) {
    pid_t p = OK(fork());
    if (p == 0) {
      if (kind == 0) {
        char zeros[4096];
        memset(zeros, 0, sizeof zeros);
        __asm__ volatile("mov %0, %%rsp; mov %1, %%eax; syscall" : : "r"(zeros + 64), "i"(SYS_rt_sigreturn) : "memory");
      } else {
        __asm__ volatile("mov $0x1000, %%rsp; mov %0, %%eax; syscall" : : "i"(SYS_rt_sigreturn) : "memory");
      }
      _exit(1);
    }
    int st;
    OK(waitpid(p, &st, 0));
    CHECK(WIFSIGNALED(st));
    EQ(SIGSEGV, WTERMSIG(st));
  }
}

static void *sleeper(void *arg) {
  (void)arg;
  pause();
  return NULL;
}

/* Every thread ends, with the code of who called; only its low byte counts. */
static void exit_group(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    pthread_t t;
    for (int i = 0; i < 3; i++) pthread_create(&t, NULL, sleeper, NULL);
    syscall(SYS_exit_group, 0x1205);
  }
  int st;
  OK(waitpid(p, &st, 0));
  CHECK(WIFEXITED(st));
  EQ(5, WEXITSTATUS(st));
}

/* It has no errors; what was written is there afterwards as before. */
static void syncing(void) {
  put_file("f", "content");
  EQ(0, syscall(SYS_sync));
  sync();
  char b[8] = {0};
  int fd = OK(open("f", O_RDONLY));
  EQ(7, read(fd, b, sizeof b));
  CHECK(strcmp(b, "content") == 0);
  close(fd);
}

int main(void) {
  tmpdir_enter();
  tid_address();
  wild_frames();
  exit_group();
  syncing();
  tmpdir_leave();
  DONE();
}
