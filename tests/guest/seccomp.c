/* seccomp(2): filters, what they do to a call, who has them, and what is refused. Each part runs in a child of its own,
 * because filters stay. */
#include "test.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RET(action) BPF_STMT(BPF_RET | BPF_K, action)
#define IF_EQ(k, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, skip)
#define ALLOW RET(SECCOMP_RET_ALLOW)

static int install(struct sock_filter *code, unsigned n, unsigned flags) {
  struct sock_fprog program = {n, code};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

#define INSTALL(...)                                                                                                   \
  ({                                                                                                                   \
    struct sock_filter code_[] = {__VA_ARGS__};                                                                        \
    install(code_, sizeof code_ / sizeof *code_, 0);                                                                   \
  })

/* One call meets an action, every other one goes on. */
static int only(int call, unsigned action) { return INSTALL(LOAD(nr), IF_EQ(call, 1), RET(action), ALLOW); }

/* Runs a part in a child; its wait status. */
static int in_child(void (*part)(void)) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    failures = 0;
    part();
    _exit(failures != 0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  return status;
}

static void gives_errno(void) {
  EQ(0, only(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV));
  FAILS(EXDEV, syscall(SYS_getppid));
  CHECK(getpid() > 0);
  EQ(0, only(SYS_getuid, SECCOMP_RET_ERRNO | 0));
  EQ(0, syscall(SYS_getuid));
  EQ(0, only(SYS_getgid, SECCOMP_RET_ERRNO | 0xffff)); /* no errno is above 4095 */
  EQ(-1, syscall(SYS_getgid));
  EQ(4095, errno);
}

static void looks_at_arguments(void) {
  EQ(0, INSTALL(LOAD(nr), IF_EQ(SYS_alarm, 5), LOAD(args[0]), IF_EQ(7, 3), LOAD(args[1]), IF_EQ(0x1234, 1),
                RET(SECCOMP_RET_ERRNO | EDOM), ALLOW));
  EQ(-1, syscall(SYS_alarm, 7, 0x1234));
  EQ(EDOM, errno);
  EQ(0, syscall(SYS_alarm, 0, 0x1234));
  EQ(0, syscall(SYS_alarm, 7, 0));
  syscall(SYS_alarm, 0, 0);
}

static void the_strictest_counts(void) {
  EQ(0, only(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV));
  EQ(0, only(SYS_getppid, SECCOMP_RET_LOG));
  FAILS(EXDEV, syscall(SYS_getppid));
  EQ(0, only(SYS_getppid, SECCOMP_RET_ERRNO | EDOM)); /* of equals, the last */
  FAILS(EDOM, syscall(SYS_getppid));
  EQ(0, only(SYS_getuid, SECCOMP_RET_LOG));
  EQ(getuid(), syscall(SYS_getuid));
}

/* The upper half of rax says nothing. */
static void numbers_have_32_bits(void) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(0x700000000ul | SYS_getpid) : "rcx", "r11", "memory");
  EQ(getpid(), result);
  EQ(0, only(SYS_getpid, SECCOMP_RET_ERRNO | EXDEV));
  __asm__ volatile("syscall" : "=a"(result) : "a"(0x700000000ul | SYS_getpid) : "rcx", "r11", "memory");
  EQ(-EXDEV, result);
}

static void kills_process(void) {
  CHECK(only(SYS_getppid, SECCOMP_RET_KILL_PROCESS) == 0);
  syscall(SYS_getppid);
}

static void kills_single_thread(void) {
  signal(SIGSYS, SIG_IGN);
  CHECK(only(SYS_getppid, SECCOMP_RET_KILL_THREAD) == 0);
  syscall(SYS_getppid);
}

static void *doomed(void *unused) {
  (void)unused;
  CHECK(only(SYS_getppid, SECCOMP_RET_KILL_THREAD) == 0);
  syscall(SYS_getppid);
  failures++;
  return 0;
}

static void kills_one_of_two(void) {
  pthread_t thread;
  EQ(0, pthread_create(&thread, 0, doomed, 0));
  pthread_join(thread, 0);
  CHECK(getppid() > 0);
}

static siginfo_t seen;
static long seen_rax;

static void on_sigsys(int signo, siginfo_t *info, void *context) {
  (void)signo;
  seen = *info;
  seen_rax = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX];
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 77;
}

static void traps(void) {
  struct sigaction a = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
  EQ(0, sigaction(SIGSYS, &a, 0));
  EQ(0, only(SYS_getppid, SECCOMP_RET_TRAP | 9));
  EQ(77, syscall(SYS_getppid));
  EQ(SIGSYS, seen.si_signo);
  EQ(1 /* SYS_SECCOMP */, seen.si_code);
  EQ(9, seen.si_errno);
  EQ(SYS_getppid, seen.si_syscall);
  EQ(AUDIT_ARCH_X86_64, seen.si_arch);
  CHECK(seen.si_call_addr != 0);
  EQ(SYS_getppid, seen_rax);
}

static void trace_without_tracer(void) {
  EQ(0, only(SYS_getppid, SECCOMP_RET_TRACE | 5));
  FAILS(ENOSYS, syscall(SYS_getppid));
}

/* The tracer may change the call, and the new one is looked at as well. */
static void trace_with_tracer(void) {
  pid_t pid = fork();
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    if (only(SYS_getppid, SECCOMP_RET_TRACE | 5) != 0 || only(SYS_getuid, SECCOMP_RET_ERRNO | EXDEV) != 0) {
      _exit(1);
    }
    long first = syscall(SYS_getppid); /* the tracer makes getpid of it */
    long second = syscall(SYS_getppid); /* and of this getuid, which is not allowed */
    int error = errno;
    long third = syscall(SYS_getppid); /* and of this nothing */
    _exit(first == getpid() ? second == -1 && error == EXDEV ? third == 55 ? 42 : 4 : 3 : 2);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
  EQ(0, ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL));
  for (int i = 0; i < 3; i++) {
    EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
    EQ(pid, waitpid(pid, &status, 0));
    EQ(SIGTRAP | PTRACE_EVENT_SECCOMP << 8, status >> 8);
    unsigned long data = 0;
    EQ(0, ptrace(PTRACE_GETEVENTMSG, pid, 0, &data));
    EQ(5, data);
    struct user_regs_struct regs;
    EQ(0, ptrace(PTRACE_GETREGS, pid, 0, &regs));
    EQ(SYS_getppid, regs.orig_rax);
    regs.orig_rax = i == 0 ? SYS_getpid : i == 1 ? SYS_getuid : -1;
    regs.rax = i == 2 ? 55 : regs.rax;
    EQ(0, ptrace(PTRACE_SETREGS, pid, 0, &regs));
  }
  EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
  EQ(pid, waitpid(pid, &status, 0));
  CHECK(WIFEXITED(status));
  EQ(42, WEXITSTATUS(status));
}

static void strict(void) {
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) {
    _exit(1);
  }
  char c;
  if (read(-1, &c, 1) != -1) {
    syscall(SYS_exit, 1);
  }
  syscall(SYS_getppid);
}

static void refuses(void) {
  struct sock_filter allow[] = {ALLOW};
  FAILS(EINVAL, install(allow, 0, 0));
  FAILS(EINVAL, install(allow, 4097, 0));
  FAILS(EINVAL, install(allow, 1, 1 << 20));
  FAILS(EFAULT, install((struct sock_filter *)8, 1, 0));
  FAILS(EFAULT, (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (void *)8));
  FAILS(EINVAL, (int)syscall(SYS_seccomp, 99, 0, 0));
  FAILS(EINVAL, (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, 0));
  FAILS(EINVAL, INSTALL(LOAD(nr)));                                                         /* no return */
  FAILS(EINVAL, INSTALL(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), ALLOW));                    /* behind the data */
  FAILS(EINVAL, INSTALL(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), ALLOW));                     /* not aligned */
  FAILS(EINVAL, INSTALL(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), ALLOW));                     /* no word */
  FAILS(EINVAL, INSTALL(BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), ALLOW));                     /* no packet */
  FAILS(EINVAL, INSTALL(BPF_JUMP(BPF_JMP | BPF_JA, 5, 0, 0), ALLOW));                       /* out of it */
  FAILS(EINVAL, INSTALL(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), ALLOW));              /* one branch out of it */
  FAILS(EINVAL, INSTALL(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ALLOW));                    /* divides by 0 */
  FAILS(EINVAL, INSTALL(BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), ALLOW));                    /* not for seccomp */
  FAILS(EINVAL, INSTALL(BPF_STMT(BPF_LD | BPF_MEM, 3), ALLOW));                             /* never stored */
  FAILS(EINVAL, INSTALL(BPF_STMT(BPF_ST, 16), ALLOW));                                      /* no such word */
  unsigned action = SECCOMP_RET_KILL_PROCESS;
  EQ(0, syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
  action = 0x12340000;
  FAILS(EOPNOTSUPP, (int)syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
  EQ(0, prctl(PR_GET_SECCOMP));
}

static void needs_privilege_or_no_new_privs(void) {
  EQ(0, setresuid(1000, 1000, 1000));
  FAILS(EACCES, INSTALL(ALLOW));
  EQ(0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  EQ(0, INSTALL(ALLOW));
  EQ(2, prctl(PR_GET_SECCOMP));
}

static pthread_barrier_t barrier;

static void *waits(void *own) {
  if (own) {
    CHECK(only(SYS_getuid, SECCOMP_RET_ERRNO | EDOM) == 0);
  }
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  return (void *)(syscall(SYS_getppid) == -1 && errno == EXDEV ? 1l : 0l);
}

static void for_all_threads(void) {
  struct sock_filter code[] = {LOAD(nr), IF_EQ(SYS_getppid, 1), RET(SECCOMP_RET_ERRNO | EXDEV), ALLOW};
  for (long own = 0; own < 2; own++) {
    pthread_t thread;
    void *has;
    EQ(0, pthread_barrier_init(&barrier, 0, 2));
    EQ(0, pthread_create(&thread, 0, waits, (void *)own));
    pthread_barrier_wait(&barrier);
    int result = install(code, 4, SECCOMP_FILTER_FLAG_TSYNC);
    pthread_barrier_wait(&barrier);
    EQ(0, pthread_join(thread, &has));
    if (own) {
      CHECK(result > 0 && result != getpid()); /* the thread that has another */
    } else {
      EQ(0, result);
    }
    EQ(1, (long)has); /* the second inherits what the first run gave everyone */
  }
}

static void children_and_programs_keep_it(void) {
  EQ(0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  EQ(0, only(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV));
  pid_t pid = fork();
  if (pid == 0) {
    if (syscall(SYS_getppid) != -1 || errno != EXDEV) {
      _exit(1);
    }
    execl("/proc/self/exe", "seccomp", "again", (char *)0);
    _exit(2);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  EQ(0, status);
}

static int again(void) {
  char line[128];
  int mode = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f)) {
    mode |= strcmp(line, "Seccomp:\t2\n") == 0;
  }
  return mode && syscall(SYS_getppid) == -1 && errno == EXDEV ? 0 : 3;
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    return again();
  }
  EQ(0, in_child(gives_errno));
  EQ(0, in_child(looks_at_arguments));
  EQ(0, in_child(the_strictest_counts));
  EQ(0, in_child(numbers_have_32_bits));
  EQ(SIGSYS, in_child(kills_process) & 0x7f);
  EQ(SIGSYS, in_child(kills_single_thread) & 0x7f);
  EQ(0, in_child(kills_one_of_two));
  EQ(0, in_child(traps));
  EQ(0, in_child(trace_without_tracer));
  EQ(0, in_child(trace_with_tracer));
  EQ(SIGKILL, in_child(strict));
  EQ(0, in_child(refuses));
  EQ(0, in_child(needs_privilege_or_no_new_privs));
  EQ(0, in_child(for_all_threads));
  EQ(0, in_child(children_and_programs_keep_it));
  DONE();
}
