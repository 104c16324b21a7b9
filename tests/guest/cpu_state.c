/* What a thread's processor keeps: flags, selectors and vector registers over system calls, signals and clone; code that
 * changes; single steps; and threads that only compute, which signals and timers reach all the same. */
#include "test.h"
#include <immintrin.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <ucontext.h>

#define TF 0x100
#define DF 0x400
#define AC 0x40000
#define ID 0x200000

static long nanos(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* getppid with FLAGS set; what they are afterwards, and what rcx and r11 say. */
static void flags(void) {
  static const long set[] = {0, DF, AC, ID, 1, 4, 0x10, 0x40, 0x80, 0x800};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
    long after, r11, rcx, rip, rax = SYS_getppid;
    __asm__ volatile("pushfq\n pop %%r12\n"
                     "mov %%r12, %%r13\n and $~0x8d5, %%r13\n or %[set], %%r13\n"
                     "push %%r13\n popfq\n syscall\n 1: pushfq\n pop %[after]\n push %%r12\n popfq\n"
                     "mov %%r11, %[r11]\n lea 1b(%%rip), %[rip]\n"
                     : [after] "=&r"(after), [r11] "=&r"(r11), [rip] "=&r"(rip), "=c"(rcx), "+a"(rax)
                     : [set] "r"(set[i])
                     : "r11", "r12", "r13", "memory", "cc");
    EQ(set[i], after & (DF | AC | ID | 0x8d5));
    EQ(after, r11);
    EQ(rip, rcx);
    EQ(getppid(), rax);
  }
}

/* Loaded selectors stay, and so do the bases behind fs and gs. */
static void selectors(void) {
  unsigned short ds, es, was_ds, was_es;
  __asm__ volatile("mov %%ds, %0\n mov %%es, %1" : "=r"(was_ds), "=r"(was_es));
  __asm__ volatile("mov %0, %%ds\n mov %0, %%es" : : "r"(0x2b));
  for (int i = 0; i < 20; i++) {
    getppid();
    sched_yield();
    usleep(100);
    __asm__ volatile("mov %%ds, %0\n mov %%es, %1" : "=r"(ds), "=r"(es));
    EQ(0x2b, ds);
    EQ(0x2b, es);
  }
  __asm__ volatile("mov %0, %%ds\n mov %1, %%es" : : "r"((int)was_ds), "r"((int)was_es));
}

static volatile sig_atomic_t handled;

/* Leaves nothing of the vector registers as it was. */
static void clobber(int signo) {
  (void)signo;
  unsigned mxcsr = 0x1fbf;
  short cw = 0x27f;
  __asm__ volatile("ldmxcsr %0\n fldcw %1\n fldz\n pcmpeqd %%xmm0, %%xmm0\n movdqa %%xmm0, %%xmm7\n movdqa %%xmm0, %%xmm15"
                   :
                   : "m"(mxcsr), "m"(cw)
                   : "xmm0", "xmm7", "xmm15");
  handled++;
}

__attribute__((target("avx"))) static void clobber_avx(int signo) {
  clobber(signo);
  __asm__ volatile("vxorps %%ymm0, %%ymm0, %%ymm0\n vcmpps $15, %%ymm0, %%ymm0, %%ymm1\n vmovaps %%ymm1, %%ymm7"
                   : : : "xmm0", "xmm1", "xmm7");
}

struct vectors {
  uint8_t y[4][32];
  double x87;
  unsigned mxcsr;
  short cw;
};

static void fill(struct vectors *v, int seed) {
  memset(v, 0, sizeof *v);
  for (int r = 0; r < 4; r++)
    for (int i = 0; i < 32; i++) v->y[r][i] = seed * 31 + r * 7 + i;
  v->x87 = seed + 0.5;
  v->mxcsr = 0x1f80 | (seed & 3) << 13;
  v->cw = 0x37f & ~((seed & 3) << 8);
}

/* Loads WANT into registers, makes a system call (or spins ROUNDS times), and stores them in GOT. */
__attribute__((target("avx"))) static long keep_avx(const struct vectors *want, struct vectors *got, long number, long a,
                                                    long b, long rounds) {
  long result = number;
  memset(got, 0, sizeof *got);
  __asm__ volatile(
      "fninit\n fldcw %c[cw](%[w])\n fldl %c[x87](%[w])\n ldmxcsr %c[mx](%[w])\n"
      "vmovups (%[w]), %%ymm0\n vmovups 32(%[w]), %%ymm7\n vmovups 64(%[w]), %%ymm8\n vmovups 96(%[w]), %%ymm15\n"
      "test %%rax, %%rax\n js 1f\n syscall\n"
      "1: sub $1, %[n]\n jg 1b\n"
      "vmovups %%ymm0, (%[g])\n vmovups %%ymm7, 32(%[g])\n vmovups %%ymm8, 64(%[g])\n vmovups %%ymm15, 96(%[g])\n"
      "fstpl %c[x87](%[g])\n fnstcw %c[cw](%[g])\n stmxcsr %c[mx](%[g])\n fninit\n vzeroupper\n"
      : "+a"(result), [n] "+r"(rounds)
      : [w] "r"(want), [g] "r"(got), "D"(a), "S"(b), [cw] "i"(offsetof(struct vectors, cw)),
        [x87] "i"(offsetof(struct vectors, x87)), [mx] "i"(offsetof(struct vectors, mxcsr))
      : "rcx", "r11", "memory", "cc", "xmm0", "xmm7", "xmm8", "xmm15", "st");
  unsigned mxcsr = 0x1f80;
  __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
  return result;
}

static long keep_sse(const struct vectors *want, struct vectors *got, long number, long a, long b, long rounds) {
  long result = number;
  *got = *want;
  __asm__ volatile(
      "fninit\n fldcw %c[cw](%[w])\n fldl %c[x87](%[w])\n ldmxcsr %c[mx](%[w])\n"
      "movups (%[w]), %%xmm0\n movups 32(%[w]), %%xmm7\n movups 64(%[w]), %%xmm8\n movups 96(%[w]), %%xmm15\n"
      "test %%rax, %%rax\n js 1f\n syscall\n"
      "1: sub $1, %[n]\n jg 1b\n"
      "movups %%xmm0, (%[g])\n movups %%xmm7, 32(%[g])\n movups %%xmm8, 64(%[g])\n movups %%xmm15, 96(%[g])\n"
      "fstpl %c[x87](%[g])\n fnstcw %c[cw](%[g])\n stmxcsr %c[mx](%[g])\n fninit\n"
      : "+a"(result), [n] "+r"(rounds)
      : [w] "r"(want), [g] "r"(got), "D"(a), "S"(b), [cw] "i"(offsetof(struct vectors, cw)),
        [x87] "i"(offsetof(struct vectors, x87)), [mx] "i"(offsetof(struct vectors, mxcsr))
      : "rcx", "r11", "memory", "cc", "xmm0", "xmm7", "xmm8", "xmm15", "st");
  unsigned mxcsr = 0x1f80;
  __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
  return result;
}

static long (*keep)(const struct vectors *, struct vectors *, long, long, long, long) = keep_sse;

static void vectors_over_signals(void) {
  struct sigaction sa = {.sa_handler = keep == keep_sse ? clobber : clobber_avx};
  sigaction(SIGUSR1, &sa, NULL);
  sigaction(SIGALRM, &sa, NULL);
  struct vectors want, got;
  for (int i = 0; i < 20; i++) {
    fill(&want, i);
    handled = 0;
    EQ(0, keep(&want, &got, SYS_kill, getpid(), SIGUSR1, 0));
    EQ(1, handled);
    EQ(0, memcmp(&want, &got, sizeof want));
  }
  /* While it computes. */
  struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
  handled = 0;
  setitimer(ITIMER_REAL, &often, NULL);
  for (int i = 0; i < 20; i++) {
    fill(&want, i + 100);
    keep(&want, &got, -1, 0, 0, 10000000);
    EQ(0, memcmp(&want, &got, sizeof want));
  }
  setitimer(ITIMER_REAL, &never, NULL);
  CHECK(handled >= 5);
}

static void vectors_over_clone(void) {
  struct vectors want, got;
  fill(&want, 77);
  long p = keep(&want, &got, SYS_fork, 0, 0, 0);
  if (p == 0) _exit(memcmp(&want, &got, sizeof want) != 0);
  EQ(0, memcmp(&want, &got, sizeof want));
  int status = -1;
  EQ(p, waitpid(p, &status, 0));
  EQ(0, status);
}

#define THREADS 48
static atomic_int wrong, ready;
static atomic_long turns;

static void *holder(void *arg) {
  struct vectors want, got;
  ready++;
  for (int i = 0; i < 40; i++) {
    fill(&want, (int)(long)arg + i * THREADS);
    keep(&want, &got, i % 2 ? SYS_sched_yield : -1, 0, 0, 100000);
    if (memcmp(&want, &got, sizeof want) != 0) wrong++;
    turns++;
  }
  return NULL;
}

/* More threads than processors, each with registers of its own. */
static void many_threads(void) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) EQ(0, pthread_create(&t[i], NULL, holder, (void *)i));
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  EQ(0, wrong);
  EQ(40 * THREADS, turns);
}

static atomic_int spin_on;

static void *spinner(void *arg) {
  (void)arg;
  ready++;
  while (spin_on) __builtin_ia32_pause();
  return NULL;
}

/* Threads that only compute do not keep others, signals, timers or the end of the process waiting. */
static void spinning(void) {
  pthread_t t[6];
  ready = 0;
  spin_on = 1;
  for (int i = 0; i < 6; i++) pthread_create(&t[i], NULL, spinner, NULL);
  while (ready < 6) usleep(1000);
  handled = 0;
  for (int i = 0; i < 6; i++) {
    struct sigaction sa = {.sa_handler = clobber};
    sigaction(SIGUSR1, &sa, NULL);
    int before = handled;
    EQ(0, pthread_kill(t[i], SIGUSR1));
    long until = nanos() + 5000000000L;
    while (handled == before && nanos() < until) usleep(1000);
    EQ(before + 1, handled);
  }
  /* What another thread takes away, is away; what it writes as code is what runs. */
  char *p = (char *)OK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < 50; i++) {
    *(volatile char *)p = 1;
    EQ(0, mprotect(p, 4096, PROT_READ));
    EQ(0, mprotect(p, 4096, PROT_READ | PROT_WRITE));
  }
  munmap(p, 4096);
  spin_on = 0;
  for (int i = 0; i < 6; i++) pthread_join(t[i], NULL);

  pid_t child = OK(fork());
  if (child == 0) {
    spin_on = 1;
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, spinner, NULL);
    spinner(NULL);
  }
  usleep(50000);
  long begin = nanos();
  kill(child, SIGKILL);
  int status;
  EQ(child, waitpid(child, &status, 0));
  EQ(SIGKILL, WTERMSIG(status));
  CHECK(nanos() - begin < 3000000000L);
}

typedef int (*function)(void);

/* mov eax, VALUE; ret */
static void write_code(volatile uint8_t *at, int value) {
  at[0] = 0xb8;
  for (int i = 0; i < 4; i++) at[1 + i] = (uint8_t)(value >> 8 * i);
  at[5] = 0xc3;
}

static void changing_code(void) {
  uint8_t *p = (uint8_t *)OK(mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < 1000; i++) {
    write_code(p, i);
    EQ(i, ((function)p)());
  }
  /* The instruction behind the store: mov byte [rip+1], 9; mov eax, 5; ret */
  memcpy(p, "\xc6\x05\x01\x00\x00\x00\x09\xb8\x05\x00\x00\x00\xc3", 13);
  EQ(9, ((function)p)());
  /* Across two pages. */
  for (int i = 0; i < 100; i++) {
    write_code(p + 4093, 1000 + i);
    EQ(1000 + i, ((function)(p + 4093))());
  }
  /* Written here, executed there. */
  int fd = OK(memfd_create("code", 0));
  OK(ftruncate(fd, 4096));
  uint8_t *w = (uint8_t *)OK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  uint8_t *x = (uint8_t *)OK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0));
  for (int i = 0; i < 1000; i++) {
    write_code(w, i * 3);
    EQ(i * 3, ((function)x)());
  }
  /* Either written or executed, never both. */
  for (int i = 0; i < 100; i++) {
    OK(mprotect(p, 4096, PROT_READ | PROT_WRITE));
    write_code(p, i + 7);
    OK(mprotect(p, 4096, PROT_READ | PROT_EXEC));
    EQ(i + 7, ((function)p)());
  }
  /* Another page in its place. */
  for (int i = 0; i < 100; i++) {
    uint8_t *q = (uint8_t *)OK(mmap(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    EQ(0, q[0]);
    write_code(q, i + 9);
    EQ(i + 9, ((function)p)());
  }
  munmap(p, 8192);
  munmap(w, 4096);
  munmap(x, 4096);
  close(fd);
}

static int steps, step_code;
static long stepped[16];

static void step(int signo, siginfo_t *si, void *context) {
  (void)signo;
  ucontext_t *uc = context;
  step_code = si->si_code;
  if (steps < 16) stepped[steps] = uc->uc_mcontext.gregs[REG_RIP];
  if ((long)si->si_addr != uc->uc_mcontext.gregs[REG_RIP]) failures++;
  steps++;
}

/* The trap flag, set by the program itself. */
static void single_steps(void) {
  struct sigaction sa = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &sa, NULL);
  long start, end, rax = SYS_getppid;
  steps = 0;
  __asm__ volatile("pushfq\n orq $0x100, (%%rsp)\n popfq\n"
                   "nop\n 1: nop\n nop\n"
                   "pushfq\n andq $~0x100, (%%rsp)\n popfq\n"
                   "2: lea 1b(%%rip), %0\n lea 2b(%%rip), %1\n"
                   : "=r"(start), "=r"(end)
                   :
                   : "memory", "cc");
  /* After nop, nop, nop, pushfq, andq, popfq: that one is still traced, its own flags come after it. */
  EQ(6, steps);
  EQ(TRAP_TRACE, step_code);
  EQ(start, stepped[0]);
  EQ(start + 1, stepped[1]);
  EQ(start + 2, stepped[2]);
  EQ(end, stepped[5]);
  /* Over a system call: not lost, and the call is carried out once. */
  steps = 0;
  __asm__ volatile("pushfq\n orq $0x100, (%%rsp)\n popfq\n"
                   "syscall\n nop\n nop\n"
                   "pushfq\n andq $~0x100, (%%rsp)\n popfq\n"
                   : "+a"(rax)
                   :
                   : "rcx", "r11", "memory", "cc");
  EQ(getppid(), rax);
  CHECK(steps >= 5);
}

int main(void) {
  if (__builtin_cpu_supports("avx")) keep = keep_avx;
  flags();
  selectors();
  vectors_over_signals();
  vectors_over_clone();
  many_threads();
  spinning();
  changing_code();
  single_steps();
  DONE();
}
