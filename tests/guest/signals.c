/* Sending, blocking, handling: man 2 sigaction, man 2 sigprocmask, man 2 kill, man 7 signal. */
#include "test.h"
#include <pthread.h>
#include <setjmp.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last_sig;
static siginfo_t last;

static void on_signal(int sig, siginfo_t *si, void *uc) {
  (void)uc;
  count++;
  last_sig = sig;
  last = *si;
}

static void catch_signal(int sig, int flags) {
  struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};
  OK(sigaction(sig, &sa, NULL));
}

static void action_arguments(void) {
  struct sigaction sa = {.sa_handler = SIG_IGN};
  FAILS(EINVAL, sigaction(0, &sa, NULL));
  FAILS(EINVAL, sigaction(65, &sa, NULL));
  FAILS(EINVAL, sigaction(SIGKILL, &sa, NULL));
  FAILS(EINVAL, sigaction(SIGSTOP, &sa, NULL));
  OK(sigaction(SIGKILL, NULL, &sa));
  FAILS(EINVAL, syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
  FAILS(EFAULT, syscall(SYS_rt_sigaction, SIGUSR1, BAD, NULL, 8));
  FAILS(EFAULT, syscall(SYS_rt_sigaction, SIGUSR1, NULL, BAD, 8));
  unsigned long set = 0;
  FAILS(EINVAL, syscall(SYS_rt_sigprocmask, 3, &set, NULL, 8));
  FAILS(EINVAL, syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4));
  FAILS(EFAULT, syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8));
  FAILS(EFAULT, syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, BAD, 8));
  OK(syscall(SYS_rt_sigprocmask, 99, NULL, &set, 8));
}

static void kill_arguments(void) {
  FAILS(EINVAL, kill(getpid(), 65));
  FAILS(EINVAL, kill(getpid(), -1));
  OK(kill(getpid(), 0));
  FAILS(ESRCH, kill(30000, 0));
  FAILS(ESRCH, kill(-30000, 0));
  FAILS(EINVAL, syscall(SYS_tkill, 0, SIGUSR1));
  FAILS(EINVAL, syscall(SYS_tgkill, getpid(), -1, SIGUSR1));
  FAILS(ESRCH, syscall(SYS_tgkill, 1234567, getpid(), SIGUSR1));
}

static void info(void) {
  catch_signal(SIGUSR1, 0);
  count = 0;
  OK(kill(getpid(), SIGUSR1));
  EQ(1, count);
  EQ(SIGUSR1, last.si_signo);
  EQ(SI_USER, last.si_code);
  EQ(getpid(), last.si_pid);
  EQ(getuid(), last.si_uid);
  OK(raise(SIGUSR1));
  EQ(SI_TKILL, last.si_code);
}

static void masks(void) {
  sigset_t set, old, pending;
  catch_signal(SIGUSR1, 0);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  OK(sigprocmask(SIG_BLOCK, &set, &old));
  count = 0;
  OK(kill(getpid(), SIGUSR1));
  OK(kill(getpid(), SIGUSR1));
  EQ(0, count);
  OK(sigpending(&pending));
  CHECK(sigismember(&pending, SIGUSR1));
  CHECK(!sigismember(&pending, SIGUSR2));
  OK(sigprocmask(SIG_SETMASK, &old, NULL));
  EQ(1, count);
  /* KILL and STOP cannot be blocked. */
  sigfillset(&set);
  OK(sigprocmask(SIG_SETMASK, &set, &old));
  OK(sigprocmask(SIG_SETMASK, NULL, &set));
  CHECK(!sigismember(&set, SIGKILL) && !sigismember(&set, SIGSTOP) && sigismember(&set, SIGTERM));
  OK(sigprocmask(SIG_SETMASK, &old, NULL));
  /* Ignoring a pending signal forgets it. */
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  OK(sigprocmask(SIG_BLOCK, &set, NULL));
  OK(kill(getpid(), SIGUSR1));
  signal(SIGUSR1, SIG_IGN);
  OK(sigpending(&pending));
  CHECK(!sigismember(&pending, SIGUSR1));
  OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
}

static volatile int nested, nested_max;
static void on_nested(int sig) {
  nested++;
  if (nested > nested_max) nested_max = nested;
  if (nested < 3) raise(sig);
  nested--;
}

static void nodefer(void) {
  struct sigaction sa = {.sa_handler = on_nested, .sa_flags = SA_NODEFER};
  OK(sigaction(SIGUSR1, &sa, NULL));
  raise(SIGUSR1);
  EQ(3, nested_max);
}

static volatile int in_handler_blocked;
static void on_blocked(int sig) {
  sigset_t now;
  (void)sig;
  sigprocmask(SIG_SETMASK, NULL, &now);
  in_handler_blocked = sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2) && !sigismember(&now, SIGHUP);
}

static void handler_mask(void) {
  struct sigaction sa = {.sa_handler = on_blocked};
  sigaddset(&sa.sa_mask, SIGUSR2);
  OK(sigaction(SIGUSR1, &sa, NULL));
  raise(SIGUSR1);
  EQ(1, in_handler_blocked);
  sigset_t now;
  OK(sigprocmask(SIG_SETMASK, NULL, &now));
  CHECK(!sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));
}

static void resethand(void) {
  catch_signal(SIGUSR1, SA_RESETHAND);
  count = 0;
  raise(SIGUSR1);
  EQ(1, count);
  struct sigaction sa;
  OK(sigaction(SIGUSR1, NULL, &sa));
  CHECK(sa.sa_handler == SIG_DFL);
}

static sigjmp_buf jump;
static void on_fault(int sig, siginfo_t *si, void *uc) {
  (void)uc;
  last_sig = sig;
  last = *si;
  siglongjmp(jump, 1);
}

static void faults(void) {
  struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  OK(sigaction(SIGSEGV, &sa, NULL));
  OK(sigaction(SIGBUS, &sa, NULL));
  OK(sigaction(SIGFPE, &sa, NULL));
  OK(sigaction(SIGILL, &sa, NULL));
  OK(sigaction(SIGTRAP, &sa, NULL));
  last_sig = 0;
  if (!sigsetjmp(jump, 1)) *(volatile int *)BAD = 1;
  EQ(SIGSEGV, last_sig);
  EQ(SEGV_MAPERR, last.si_code);
  CHECK(last.si_addr == BAD);
  char *ro = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  last_sig = 0;
  if (!sigsetjmp(jump, 1)) *(volatile char *)ro = 1;
  EQ(SIGSEGV, last_sig);
  EQ(SEGV_ACCERR, last.si_code);
  CHECK(last.si_addr == ro);
  last_sig = 0;
  volatile int zero = 0, x = 1;
  if (!sigsetjmp(jump, 1)) x = x / zero;
  EQ(SIGFPE, last_sig);
  EQ(FPE_INTDIV, last.si_code);
  last_sig = 0;
  if (!sigsetjmp(jump, 1)) __asm__ volatile("ud2");
  EQ(SIGILL, last_sig);
  last_sig = 0;
  if (!sigsetjmp(jump, 1)) __asm__ volatile("int3");
  EQ(SIGTRAP, last_sig);
  last_sig = 0;
  /* A general protection fault has no address. */
  if (!sigsetjmp(jump, 1)) *(volatile int *)0x8000000000000000ul = 1;
  EQ(SIGSEGV, last_sig);
  EQ(SI_KERNEL, last.si_code);
  char name[] = "/tmp/busXXXXXX";
  int fd = OK(mkstemp(name));
  unlink(name);
  char *m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  last_sig = 0;
  if (!sigsetjmp(jump, 1)) *(volatile char *)m = 1;
  EQ(SIGBUS, last_sig);
  EQ(BUS_ADRERR, last.si_code);
  close(fd);
  signal(SIGSEGV, SIG_DFL);
  signal(SIGBUS, SIG_DFL);
  signal(SIGFPE, SIG_DFL);
  signal(SIGILL, SIG_DFL);
  signal(SIGTRAP, SIG_DFL);
}

static void on_skip(int sig, siginfo_t *si, void *context) {
  ucontext_t *uc = context;
  (void)sig;
  (void)si;
  uc->uc_mcontext.gregs[REG_RIP] += 2;
  uc->uc_mcontext.gregs[REG_RBX] = 4711;
}

static void context(void) {
  struct sigaction sa = {.sa_sigaction = on_skip, .sa_flags = SA_SIGINFO};
  OK(sigaction(SIGILL, &sa, NULL));
  long rbx;
  double before = 1.25, after;
  __asm__ volatile("movsd %2, %%xmm5\n\tud2\n\tmovsd %%xmm5, %1" : "=b"(rbx), "=m"(after) : "m"(before) : "xmm5", "memory");
  EQ(4711, rbx);
  CHECK(after == before);
  signal(SIGILL, SIG_DFL);
}

static int death(void (*how)(void)) {
  pid_t p = fork();
  if (p == 0) {
    how();
    _exit(0);
  }
  int st = 0;
  EQ(p, waitpid(p, &st, 0));
  return WIFSIGNALED(st) ? WTERMSIG(st) : -WEXITSTATUS(st);
}

static void die_segv(void) { *(volatile int *)BAD = 1; }
static void die_blocked_segv(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  signal(SIGSEGV, SIG_IGN);
  *(volatile int *)BAD = 1;
}
static void die_abort(void) { abort(); }
static void die_kill(void) { kill(getpid(), SIGKILL); }
static void die_rt(void) { kill(getpid(), SIGRTMIN + 3); }
static void live_default(void) {
  kill(getpid(), SIGCHLD);
  kill(getpid(), SIGURG);
  kill(getpid(), SIGWINCH);
  kill(getpid(), SIGCONT);
}
static void die_bad_sigreturn(void) {
  __asm__ volatile("mov $0x1000, %%rsp\n\tmov $15, %%eax\n\tsyscall" ::: "rax", "memory");
}
static char zeros[8192] __attribute__((aligned(64)));
static void die_zero_sigreturn(void) {
  __asm__ volatile("lea 64(%0), %%rsp\n\tmov $15, %%eax\n\tsyscall" ::"r"(zeros) : "rax", "memory");
}
static void die_rip_sigreturn(void) {
  *(unsigned long *)(zeros + 64 + 40 + 16 * 8) = 0xdead000000000000ul;
  die_zero_sigreturn();
}
static void on_none(int sig) { (void)sig; }
static void die_no_restorer(void) {
  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
  } sa = {(void *)on_none, 0, 0, 0};
  syscall(SYS_rt_sigaction, SIGUSR1, &sa, NULL, 8);
  raise(SIGUSR1);
}
static void die_bad_stack(void) {
  struct sigaction sa = {.sa_handler = on_none};
  sigaction(SIGALRM, &sa, NULL);
  __asm__ volatile("mov $0x1000, %%rsp\n\tmov %0, %%edi\n\tmov $14, %%esi\n\tmov $62, %%eax\n\tsyscall" ::"r"(getpid())
                   : "rax", "rdi", "rsi", "memory");
}

static void default_actions(void) {
  EQ(SIGSEGV, death(die_segv));
  EQ(SIGSEGV, death(die_blocked_segv));
  EQ(SIGABRT, death(die_abort));
  EQ(SIGKILL, death(die_kill));
  EQ(SIGRTMIN + 3, death(die_rt));
  EQ(0, death(live_default));
  EQ(SIGSEGV, death(die_bad_sigreturn));
  EQ(SIGSEGV, death(die_zero_sigreturn));
  EQ(SIGSEGV, death(die_rip_sigreturn));
  EQ(SIGSEGV, death(die_no_restorer));
  EQ(SIGSEGV, death(die_bad_stack));
}

static pthread_barrier_t barrier;
static void *blocked_thread(void *arg) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  sigpending(&set);
  *(int *)arg = sigismember(&set, SIGUSR2);
  return NULL;
}

static void threads(void) {
  pthread_t t;
  int pending = 0;
  catch_signal(SIGUSR2, 0);
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_create(&t, NULL, blocked_thread, &pending);
  pthread_barrier_wait(&barrier);
  count = 0;
  OK(kill(getpid(), SIGUSR2));
  EQ(1, count);
  EQ(0, pthread_kill(t, SIGUSR2));
  EQ(1, count);
  pthread_barrier_wait(&barrier);
  pthread_join(t, NULL);
  EQ(1, pending);
  EQ(1, count);
}

static void *sleeper(void *arg) {
  for (;;) pause();
  return arg;
}

static void exit_group_kills_threads(void) {
  pid_t p = OK(fork());
  if (p == 0) {
    pthread_t t;
    for (int i = 0; i < 4; i++) pthread_create(&t, NULL, sleeper, NULL);
    exit(12);
  }
  int st;
  EQ(p, waitpid(p, &st, 0));
  EQ(12, WEXITSTATUS(st));
  p = OK(fork());
  if (p == 0) {
    pthread_t t;
    for (int i = 0; i < 4; i++) pthread_create(&t, NULL, sleeper, NULL);
    kill(getpid(), SIGKILL);
    pause();
  }
  EQ(p, waitpid(p, &st, 0));
  EQ(SIGKILL, WTERMSIG(st));
}

static void suspend(void) {
  sigset_t set, none;
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  catch_signal(SIGUSR1, 0);
  OK(sigprocmask(SIG_BLOCK, &set, NULL));
  count = 0;
  OK(kill(getpid(), SIGUSR1));
  FAILS(EINTR, sigsuspend(&none));
  EQ(1, count);
  OK(sigprocmask(SIG_SETMASK, NULL, &none));
  CHECK(sigismember(&none, SIGUSR1));
  OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
  FAILS(EFAULT, syscall(SYS_rt_sigsuspend, BAD, 8));
  FAILS(EINVAL, syscall(SYS_rt_sigsuspend, &none, 9));
}

int main(void) {
  action_arguments();
  kill_arguments();
  info();
  masks();
  nodefer();
  handler_mask();
  resethand();
  faults();
  context();
  default_actions();
  threads();
  exit_group_kills_threads();
  suspend();
  DONE();
}
