/* A task that spins in its own code, and calls nothing, is reached at once: by signals of others, by timers, by stops
 * and by its end; and more spinning tasks than there are processors keep nobody from running. Times are medians with room
 * for a busy machine: what does not reach a spinning task takes seconds, or for ever. */
#include "test.h"
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/time.h>

enum { TRIES = 15, SPINNERS = 8, MANY = 1000, MEDIAN_MILLIS = 100 };

static volatile sig_atomic_t caught;
static volatile long handled_at;
static volatile int run;

static long millis(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void handler(int signo) {
  handled_at = millis();
  caught = signo;
}

static int ascending(const void *a, const void *b) {
  long x = *(const long *)a, y = *(const long *)b;
  return (x > y) - (x < y);
}

static long median(long *times) {
  qsort(times, TRIES, sizeof *times, ascending);
  return times[TRIES / 2];
}

/* Until the flag is off; it may be off for ever. */
static void *spin(void *flag) {
  volatile int *on = flag;
  while (*on) continue;
  return NULL;
}

static pid_t spinner(void) {
  static volatile int forever = 1;
  pid_t pid = OK(fork());
  if (pid == 0) {
    spin((void *)&forever);
    _exit(1);
  }
  return pid;
}

static void timers_reach_it(void) {
  long late[TRIES];
  signal(SIGALRM, handler);
  for (int i = 0; i < TRIES; i++) {
    caught = 0;
    struct itimerval in_5_ms = {.it_value.tv_usec = 5000};
    long begin = millis();
    OK(setitimer(ITIMER_REAL, &in_5_ms, NULL));
    while (!caught) continue;
    late[i] = handled_at - begin - 5;
  }
  CHECK(median(late) < MEDIAN_MILLIS);
}

static void signals_of_a_thread_reach_it(void) {
  long late[TRIES];
  pthread_t t;
  signal(SIGUSR1, handler);
  run = 1;
  EQ(0, pthread_create(&t, NULL, spin, (void *)&run));
  for (int i = 0; i < TRIES; i++) {
    usleep(2000);
    caught = 0;
    long begin = millis();
    EQ(0, pthread_kill(t, SIGUSR1));
    while (!caught) usleep(100);
    late[i] = handled_at - begin;
  }
  run = 0;
  EQ(0, pthread_join(t, NULL));
  CHECK(median(late) < MEDIAN_MILLIS);
}

static void it_dies_at_once(void) {
  long late[TRIES];
  for (int i = 0; i < TRIES; i++) {
    pid_t pid = spinner();
    usleep(2000);
    long begin = millis();
    int status;
    EQ(0, kill(pid, SIGKILL));
    EQ(pid, waitpid(pid, &status, 0));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    late[i] = millis() - begin;
  }
  CHECK(median(late) < MEDIAN_MILLIS);
}

static void it_stops_and_goes_on(void) {
  pid_t pid = spinner();
  int status;
  for (int i = 0; i < TRIES; i++) {
    EQ(0, kill(pid, SIGSTOP));
    EQ(pid, waitpid(pid, &status, WUNTRACED));
    CHECK(WIFSTOPPED(status));
    EQ(0, kill(pid, SIGCONT));
    EQ(pid, waitpid(pid, &status, WCONTINUED));
    CHECK(WIFCONTINUED(status));
  }
  EQ(0, kill(pid, SIGKILL));
  EQ(pid, waitpid(pid, &status, 0));
}

/* A tracer gets hold of it, makes it step, and lets it go. */
static void it_is_traced_and_stepped(void) {
  pid_t pid = spinner();
  int status;
  EQ(0, ptrace(PTRACE_SEIZE, pid, 0, 0));
  EQ(0, ptrace(PTRACE_INTERRUPT, pid, 0, 0));
  EQ(pid, waitpid(pid, &status, 0));
  EQ(SIGTRAP | PTRACE_EVENT_STOP << 8, status >> 8);
  for (int i = 0; i < 20; i++) {
    EQ(0, ptrace(PTRACE_SINGLESTEP, pid, 0, 0));
    EQ(pid, waitpid(pid, &status, 0));
    EQ(SIGTRAP, status >> 8);
  }
  EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
  EQ(0, kill(pid, SIGKILL));
  EQ(pid, waitpid(pid, &status, 0));
}

static void many_keep_nobody_from_running(void) {
  pid_t pids[SPINNERS];
  long late[TRIES];
  for (int i = 0; i < SPINNERS; i++) pids[i] = spinner();
  for (int i = 0; i < TRIES; i++) {
    long begin = millis();
    usleep(1000);
    late[i] = millis() - begin - 1;
  }
  CHECK(median(late) < MEDIAN_MILLIS);
  for (int i = 0; i < SPINNERS; i++) EQ(0, kill(pids[i], SIGKILL));
  for (int i = 0; i < SPINNERS; i++) EQ(pids[i], waitpid(pids[i], NULL, 0));
}

static void die_as(int kind) {
  volatile int on = 1;
  int fds[2];
  char c;
  pthread_t t;
  switch (kind) {
    case 0:
      spin((void *)&on);
      break;
    case 1:
      for (;;) pause();
    case 2:
      if (pipe(fds) == 0 && read(fds[0], &c, 1) < 0) break;
      break;
    case 3:
      pthread_create(&t, NULL, spin, (void *)&on);
      spin((void *)&on);
      break;
    case 4:
      raise(SIGSTOP);
      break;
    case 5:
      for (;;) getppid();
    case 6:
      for (;;) munmap(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 65536);
    default:
      *(volatile char *)BAD = 1; /* dies by itself */
  }
  _exit(1);
}

/* None is left behind, whatever it did when it was killed: there is room for the next ones. */
static void a_thousand_are_killed(void) {
  enum { BATCH = 8 };
  for (int done = 0; done < MANY; done += BATCH) {
    pid_t pids[BATCH];
    for (int i = 0; i < BATCH; i++) {
      pids[i] = OK(fork());
      if (pids[i] == 0) die_as(i % 8);
    }
    for (int i = 0; i < BATCH; i++) kill(pids[i], SIGKILL);
    for (int i = 0; i < BATCH; i++) {
      int status;
      EQ(pids[i], waitpid(pids[i], &status, 0));
      CHECK(WIFSIGNALED(status));
    }
  }
  FAILS(ECHILD, waitpid(-1, NULL, 0));
}

int main(void) {
  timers_reach_it();
  signals_of_a_thread_reach_it();
  it_dies_at_once();
  it_stops_and_goes_on();
  it_is_traced_and_stepped();
  many_keep_nobody_from_running();
  a_thousand_are_killed();
  DONE();
}
