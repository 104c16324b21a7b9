/* man 2 ptrace. */
#include "test.h"
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <stddef.h>
#include <sys/user.h>
#include <elf.h>

static volatile long word = 1234;

static int wait_stop(pid_t p) {
  int st = 0;
  EQ(p, waitpid(p, &st, __WALL));
  return st;
}

static pid_t traced(void (*f)(void)) {
  pid_t p = OK(fork());
  if (p == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    f();
    _exit(0);
  }
  int st = wait_stop(p);
  CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
  return p;
}

static void nothing(void) {}
static void getpid_and_exit(void) { _exit(syscall(SYS_getppid) == 4711 ? 7 : 8); }
static void exit_word(void) { _exit(word & 0xff); }
static void usr1(void) {
  signal(SIGUSR1, SIG_IGN);
  raise(SIGUSR1);
  raise(SIGUSR2);
}
static void forks(void) {
  pid_t p = fork();
  if (p == 0) _exit(3);
  waitpid(p, NULL, 0);
}
static void execs(void) {
  execl("/proc/self/exe", "x", "true", NULL);
  _exit(99);
}

static void errors(void) {
  FAILS(ESRCH, ptrace(PTRACE_CONT, 30000, 0, 0));
  FAILS(ESRCH, ptrace(PTRACE_ATTACH, 30000, 0, 0));
  FAILS(EPERM, ptrace(PTRACE_ATTACH, getpid(), 0, 0));
  pid_t p = OK(fork());
  if (p == 0)
    for (;;) pause();
  FAILS(ESRCH, ptrace(PTRACE_PEEKDATA, p, &word, 0));
  FAILS(EIO, ptrace(PTRACE_SEIZE, p, 1, 0));
  FAILS(EIO, ptrace(PTRACE_SEIZE, p, 0, 1 << 30));
  kill(p, SIGKILL);
  wait_stop(p);
}

static void memory_and_registers(void) {
  pid_t p = traced(exit_word);
  errno = 0;
  EQ(1234, ptrace(PTRACE_PEEKDATA, p, &word, 0));
  OK(ptrace(PTRACE_POKEDATA, p, &word, 0x55));
  EQ(0x55, ptrace(PTRACE_PEEKDATA, p, &word, 0));
  FAILS(EIO, ptrace(PTRACE_PEEKDATA, p, BAD, 0));
  FAILS(EIO, ptrace(PTRACE_POKEDATA, p, BAD, 0));
  /* Text can be written too. */
  long text = ptrace(PTRACE_PEEKTEXT, p, exit_word, 0);
  OK(ptrace(PTRACE_POKETEXT, p, exit_word, text));
  struct user_regs_struct r, r2;
  OK(ptrace(PTRACE_GETREGS, p, 0, &r));
  EQ(0x33, r.cs);
  EQ(r.rip, ptrace(PTRACE_PEEKUSER, p, offsetof(struct user, regs.rip), 0));
  FAILS(EIO, ptrace(PTRACE_PEEKUSER, p, 3, 0));
  FAILS(EIO, ptrace(PTRACE_PEEKUSER, p, 100000, 0));
  struct iovec v = {&r2, sizeof r2};
  OK(ptrace(PTRACE_GETREGSET, p, NT_PRSTATUS, &v));
  EQ(sizeof r2, v.iov_len);
  EQ(0, memcmp(&r, &r2, sizeof r));
  unsigned long old = r.r15;
  r.r15 = 0x1122334455667788;
  OK(ptrace(PTRACE_SETREGS, p, 0, &r));
  OK(ptrace(PTRACE_GETREGS, p, 0, &r2));
  EQ(0x1122334455667788, r2.r15);
  r.r15 = old;
  OK(ptrace(PTRACE_SETREGS, p, 0, &r));
  struct user_fpregs_struct fp;
  OK(ptrace(PTRACE_GETFPREGS, p, 0, &fp));
  OK(ptrace(PTRACE_SETFPREGS, p, 0, &fp));
  FAILS(EFAULT, ptrace(PTRACE_GETREGS, p, 0, BAD));
  OK(ptrace(PTRACE_CONT, p, 0, 0));
  int st = wait_stop(p);
  CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 0x55);
}

static void system_calls(void) {
  pid_t p = traced(getpid_and_exit);
  OK(ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACESYSGOOD));
  FAILS(EINVAL, ptrace(PTRACE_SETOPTIONS, p, 0, 1 << 30));
  struct user_regs_struct r;
  for (int i = 0; i < 100; i++) {
    OK(ptrace(PTRACE_SYSCALL, p, 0, 0));
    int st = wait_stop(p);
    if (!WIFSTOPPED(st)) break;
    EQ(SIGTRAP | 0x80, WSTOPSIG(st));
    OK(ptrace(PTRACE_GETREGS, p, 0, &r));
    if (r.orig_rax != SYS_getppid) continue;
    EQ(-ENOSYS, (long)r.rax);
    OK(ptrace(PTRACE_SYSCALL, p, 0, 0));
    wait_stop(p);
    OK(ptrace(PTRACE_GETREGS, p, 0, &r));
    EQ(getpid(), (long)r.rax);
    r.rax = 4711;
    OK(ptrace(PTRACE_SETREGS, p, 0, &r));
    OK(ptrace(PTRACE_CONT, p, 0, 0));
    st = wait_stop(p);
    CHECK(WIFEXITED(st));
    EQ(7, WEXITSTATUS(st));
    return;
  }
  CHECK(!"getppid was not seen");
}

static void signals(void) {
  pid_t p = traced(usr1);
  OK(ptrace(PTRACE_CONT, p, 0, 0));
  int st = wait_stop(p);
  EQ(SIGUSR1, WSTOPSIG(st));
  OK(ptrace(PTRACE_CONT, p, 0, SIGUSR1));
  st = wait_stop(p);
  EQ(SIGUSR2, WSTOPSIG(st));
  siginfo_t si;
  OK(ptrace(PTRACE_GETSIGINFO, p, 0, &si));
  EQ(SIGUSR2, si.si_signo);
  EQ(p, si.si_pid);
  FAILS(EIO, ptrace(PTRACE_CONT, p, 0, 99));
  /* Another signal than the one that came. */
  OK(ptrace(PTRACE_CONT, p, 0, SIGTERM));
  st = wait_stop(p);
  CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGTERM);
}

static void events(void) {
  pid_t p = traced(forks);
  OK(ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT));
  OK(ptrace(PTRACE_CONT, p, 0, 0));
  int st = wait_stop(p);
  EQ(SIGTRAP | PTRACE_EVENT_FORK << 8, st >> 8);
  unsigned long child = 0;
  OK(ptrace(PTRACE_GETEVENTMSG, p, 0, &child));
  CHECK(child > 0);
  st = wait_stop(child);
  CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
  OK(ptrace(PTRACE_CONT, p, 0, 0));
  OK(ptrace(PTRACE_CONT, child, 0, 0));
  st = wait_stop(child);
  EQ(SIGTRAP | PTRACE_EVENT_EXIT << 8, st >> 8);
  OK(ptrace(PTRACE_CONT, child, 0, 0));
  st = wait_stop(child);
  CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 3);
  int exited = 0;
  while (!exited) {
    st = wait_stop(p);
    if (WIFEXITED(st)) break;
    OK(ptrace(PTRACE_CONT, p, 0, 0));
  }
  EQ(0, WEXITSTATUS(st));
}

static void exec_stops(void) {
  for (int event = 0; event < 2; event++) {
    pid_t p = traced(execs);
    if (event) OK(ptrace(PTRACE_SETOPTIONS, p, 0, PTRACE_O_TRACEEXEC));
    OK(ptrace(PTRACE_CONT, p, 0, 0));
    int st = wait_stop(p);
    EQ(event ? SIGTRAP | PTRACE_EVENT_EXEC << 8 : SIGTRAP, st >> 8);
    OK(ptrace(PTRACE_CONT, p, 0, 0));
    st = wait_stop(p);
    CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 0);
  }
}

static void stepping(void) {
  pid_t p = traced(nothing);
  struct user_regs_struct a, b;
  for (int i = 0; i < 20; i++) {
    OK(ptrace(PTRACE_GETREGS, p, 0, &a));
    OK(ptrace(PTRACE_SINGLESTEP, p, 0, 0));
    int st = wait_stop(p);
    EQ(SIGTRAP, WSTOPSIG(st));
    OK(ptrace(PTRACE_GETREGS, p, 0, &b));
    CHECK(a.rip != b.rip);
  }
  OK(ptrace(PTRACE_CONT, p, 0, 0));
  EQ(0, wait_stop(p));
}

static void attaching(void) {
  pid_t p = OK(fork());
  if (p == 0)
    for (;;) pause();
  OK(ptrace(PTRACE_ATTACH, p, 0, 0));
  int st = wait_stop(p);
  CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
  FAILS(EPERM, ptrace(PTRACE_ATTACH, p, 0, 0));
  OK(ptrace(PTRACE_DETACH, p, 0, 0));
  OK(ptrace(PTRACE_SEIZE, p, 0, 0));
  OK(ptrace(PTRACE_INTERRUPT, p, 0, 0));
  st = wait_stop(p);
  EQ(SIGTRAP | PTRACE_EVENT_STOP << 8, st >> 8);
  OK(ptrace(PTRACE_CONT, p, 0, 0));
  /* A group stop, listened to, and its end. */
  OK(kill(p, SIGSTOP));
  st = wait_stop(p);
  EQ(SIGSTOP, st >> 8);
  OK(ptrace(PTRACE_CONT, p, 0, SIGSTOP));
  st = wait_stop(p);
  EQ(SIGSTOP | PTRACE_EVENT_STOP << 8, st >> 8);
  OK(ptrace(PTRACE_LISTEN, p, 0, 0));
  OK(kill(p, SIGCONT));
  st = wait_stop(p);
  EQ(SIGTRAP | PTRACE_EVENT_STOP << 8, st >> 8);
  OK(kill(p, SIGKILL));
  st = wait_stop(p);
  CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
}

static void dead_tracer(void) {
  int fds[2];
  OK(pipe(fds));
  pid_t victim = OK(fork());
  if (victim == 0)
    for (;;) pause();
  pid_t tracer = OK(fork());
  if (tracer == 0) {
    if (ptrace(PTRACE_SEIZE, victim, 0, PTRACE_O_EXITKILL)) _exit(1);
    _exit(0);
  }
  EQ(0, wait_stop(tracer));
  int st = wait_stop(victim);
  CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
}

int main(int argc, char **argv) {
  if (argc > 1) return 0;
  (void)argv;
  errors();
  memory_and_registers();
  system_calls();
  signals();
  events();
  exec_stops();
  stepping();
  attaching();
  dead_tracer();
  DONE();
}
