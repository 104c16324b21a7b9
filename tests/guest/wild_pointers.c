/* Wild pointers in the pointer arguments of every system call: EFAULT where Linux says so, and nothing ever crashes. */
#include "sock.h"
#include <linux/futex.h>
#include <mqueue.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

/* In a row of the table: the wild pointer; a good one instead of it while another argument is wild. */
#define P ((long)0x7ead0001)
/* Always good: zeroes; a path; a name that is not there. */
#define G ((long)0x7ead0002)
#define PATH ((long)0x7ead0003)
#define NOPATH ((long)0x7ead0004)
/* Open files. */
#define RFD ((long)0x7ead0005) /* a regular file, read and write */
#define PFD ((long)0x7ead0006) /* the read end of a pipe with bytes in it */
#define WFD ((long)0x7ead0007) /* the write end */
#define DFD ((long)0x7ead0008) /* a directory */
#define UFD ((long)0x7ead0009) /* one of a pair of AF_UNIX sockets, with bytes to read */
#define IFD ((long)0x7ead000a) /* a UDP socket */
#define EFD ((long)0x7ead000b) /* epoll */
#define TFD ((long)0x7ead000c) /* timerfd */
#define NFD ((long)0x7ead000d) /* inotify */
#define ONE ((long)0x7ead000e) /* points at an int that says 16, then a large length */
#define IOV ((long)0x7ead000f) /* an iovec of 8 good bytes */
#define BADIOV ((long)0x7ead0010) /* an iovec of 8 wild bytes */
#define MSG ((long)0x7ead0011) /* a msghdr with IOV */
#define SEM ((long)0x7ead0012)
#define MSQ ((long)0x7ead0013)
#define PROGRAM ((long)0x7ead0015) /* an executable file of nonsense */
#define LFD ((long)0x7ead0014) /* a listening socket with a connection to accept */

static char *good, *path, *program, nopath[] = "/nonexistent-wild";
static int pipe_fds[2], pair[2], rfd, dfd, ifd, efd, tfd, nfd, sem, msq, listening;
static int lengths[2];
static struct iovec iov, badiov;
static struct msghdr msg;

static const struct row {
  int number;
  const char *name;
  long a[6];
} rows[] = {
#define R(name, ...) {SYS_##name, #name, {__VA_ARGS__}}
    R(read, PFD, P, 4),
    R(read, RFD, P, 4),
    R(write, WFD, P, 4),
    R(write, RFD, P, 4),
    R(open, P, O_RDONLY, 0),
    R(stat, P, G),
    R(stat, PATH, P),
    R(fstat, RFD, P),
    R(lstat, PATH, P),
    R(poll, P, 1, 0),
    R(rt_sigaction, SIGUSR1, P, P, 8),
    R(rt_sigprocmask, SIG_BLOCK, P, P, 8),
    R(ioctl, PFD, FIONREAD, P),
    R(ioctl, UFD, FIONREAD, P),
    R(ioctl, IFD, SIOCGIFCONF, P),
    R(ioctl, IFD, SIOCGIFFLAGS, P),
    R(pread64, RFD, P, 4, 0),
    R(pwrite64, RFD, P, 4, 0),
    R(readv, PFD, P, 1),
    R(readv, PFD, BADIOV, 1),
    R(writev, WFD, P, 1),
    R(writev, WFD, BADIOV, 1),
    R(access, P, R_OK),
    R(pipe, P),
    R(pipe2, P, 0),
    R(select, 1, P, 0, 0, 0),
    R(select, 1, 0, P, P, 0),
    R(select, 0, 0, 0, 0, P),
    R(shmctl, 0, IPC_INFO, P),
    R(nanosleep, P, 0),
    R(getitimer, ITIMER_REAL, P),
    R(setitimer, ITIMER_REAL, P, P),
    R(sendfile, RFD, RFD, P, 1),
    R(connect, IFD, P, 16),
    R(connect, UFD, P, 16),
    R(accept, LFD, P, ONE),
    R(sendto, UFD, P, 4, MSG_DONTWAIT, 0, 0),
    R(sendto, IFD, G, 4, MSG_DONTWAIT, P, 16),
    R(recvfrom, UFD, P, 4, MSG_DONTWAIT | MSG_PEEK, 0, 0),
    R(sendmsg, UFD, P, MSG_DONTWAIT),
    R(recvmsg, UFD, P, MSG_DONTWAIT),
    R(bind, IFD, P, 16),
    R(getsockname, UFD, P, ONE),
    R(getsockname, UFD, G, P),
    R(getpeername, UFD, P, ONE),
    R(socketpair, AF_UNIX, SOCK_STREAM, 0, P),
    R(setsockopt, UFD, SOL_SOCKET, SO_KEEPALIVE, P, 4),
    R(getsockopt, UFD, SOL_SOCKET, SO_TYPE, P, ONE),
    R(getsockopt, UFD, SOL_SOCKET, SO_TYPE, G, P),
    R(uname, P),
    R(semop, SEM, P, 1),
    R(semctl, SEM, 0, IPC_STAT, P),
    R(semctl, SEM, 0, GETALL, P),
    R(semctl, SEM, 0, SETALL, P),
    R(semtimedop, SEM, G, 1, P),
    R(msgsnd, MSQ, P, 1, 0),
    R(msgctl, MSQ, IPC_STAT, P),
    R(fcntl, RFD, F_GETLK, P),
    R(fcntl, RFD, F_SETLK, P),
    R(fcntl, RFD, F_OFD_GETLK, P),
    R(fcntl, RFD, F_GETOWN_EX, P),
    R(truncate, P, 0),
    R(getdents, DFD, P, 1000),
    R(getdents64, DFD, P, 1000),
    R(getcwd, P, 4096),
    R(chdir, P),
    R(rename, P, NOPATH),
    R(rename, PATH, P),
    R(mkdir, P, 0700),
    R(rmdir, P),
    R(creat, P, 0600),
    R(link, P, NOPATH),
    R(link, PATH, P),
    R(unlink, P),
    R(symlink, P, NOPATH),
    R(symlink, PATH, P),
    R(readlink, P, G, 100),
    R(chmod, P, 0600),
    R(chown, P, -1, -1),
    R(lchown, P, -1, -1),
    R(gettimeofday, P, P),
    R(getrlimit, RLIMIT_NOFILE, P),
    R(setrlimit, RLIMIT_CORE, P),
    R(getrusage, RUSAGE_SELF, P),
    R(sysinfo, P),
    R(times, P),
    R(setgroups, 1, P),
    R(getresuid, P, P, P),
    R(getresgid, P, P, P),
    R(capget, P, G),
    R(rt_sigpending, P, 8),
    R(rt_sigtimedwait, P, 0, 0, 8),
    R(rt_sigsuspend, P, 8),
    R(sigaltstack, P, 0),
    R(sigaltstack, 0, P),
    R(utime, P, 0),
    R(utime, PATH, P),
    R(mknod, P, S_IFIFO, 0),
    R(statfs, P, G),
    R(statfs, PATH, P),
    R(fstatfs, RFD, P),
    R(sched_getparam, 0, P),
    R(sched_rr_get_interval, 0, P),
    R(prctl, PR_SET_NAME, P),
    R(prctl, PR_GET_NAME, P),
    R(setxattr, P, PATH, G, 1, 0),
    R(setxattr, PATH, P, G, 1, 0),
    R(getxattr, P, PATH, G, 1),
    R(getxattr, PATH, P, G, 1),
    R(listxattr, P, G, 1),
    R(removexattr, P, PATH),
    R(removexattr, PATH, P),
    R(time, P),
    R(futex, P, FUTEX_WAIT_PRIVATE, 0, 0),
    R(futex, P, FUTEX_WAIT, 0, 0),
    R(futex, G, FUTEX_WAIT_PRIVATE, 1, P),
    R(sched_setaffinity, 0, 8, P),
    R(sched_getaffinity, 0, 128, P),
    R(epoll_ctl, EFD, 1, PFD, P),
    R(epoll_wait, EFD, P, 8, 0),
    R(epoll_pwait, EFD, G, 8, 0, P, 8),
    R(timer_create, CLOCK_MONOTONIC, P, G),
    R(timer_create, CLOCK_MONOTONIC, 0, P),
    R(clock_gettime, CLOCK_MONOTONIC, P),
    R(clock_getres, CLOCK_MONOTONIC, P),
    R(clock_nanosleep, CLOCK_MONOTONIC, 0, P, 0),
    R(utimes, P, 0),
    R(utimes, PATH, P),
    R(mq_open, P, O_RDONLY, 0, 0),
    R(mq_unlink, P),
    R(inotify_add_watch, NFD, P, IN_OPEN),
    R(openat, AT_FDCWD, P, O_RDONLY, 0),
    R(mkdirat, AT_FDCWD, P, 0700),
    R(mknodat, AT_FDCWD, P, S_IFIFO, 0),
    R(fchownat, AT_FDCWD, P, -1, -1, 0),
    R(newfstatat, AT_FDCWD, P, G, 0),
    R(newfstatat, AT_FDCWD, PATH, P, 0),
    R(unlinkat, AT_FDCWD, P, 0),
    R(renameat, AT_FDCWD, P, AT_FDCWD, NOPATH),
    R(renameat2, AT_FDCWD, PATH, AT_FDCWD, P, 0),
    R(linkat, AT_FDCWD, PATH, AT_FDCWD, P, 0),
    R(symlinkat, P, AT_FDCWD, NOPATH),
    R(symlinkat, PATH, AT_FDCWD, P),
    R(readlinkat, AT_FDCWD, P, G, 10),
    R(fchmodat, AT_FDCWD, P, 0600),
    R(faccessat, AT_FDCWD, P, R_OK),
    R(faccessat2, AT_FDCWD, P, R_OK, 0),
    R(pselect6, 1, P, 0, 0, 0, 0),
    R(pselect6, 0, 0, 0, 0, P, 0),
    R(pselect6, 0, 0, 0, 0, 0, P),
    R(ppoll, P, 1, 0, 0, 0),
    R(ppoll, 0, 0, P, 0, 0),
    R(ppoll, 0, 0, 0, P, 8),
    R(get_robust_list, 0, P, G),
    R(get_robust_list, 0, G, P),
    R(splice, RFD, P, WFD, 0, 1, 0),
    R(utimensat, AT_FDCWD, P, 0, 0),
    R(utimensat, AT_FDCWD, PATH, P, 0),
    R(signalfd4, -1, P, 8, 0),
    R(timerfd_settime, TFD, 0, P, 0),
    R(timerfd_gettime, TFD, P),
    R(accept4, LFD, P, ONE, 0),
    R(preadv, RFD, P, 1, 0),
    R(preadv, RFD, BADIOV, 1, 0),
    R(pwritev, RFD, P, 1, 0),
    R(pwritev, RFD, BADIOV, 1, 0),
    R(recvmmsg, UFD, P, 1, MSG_DONTWAIT, 0),
    R(recvmmsg, UFD, G, 1, MSG_DONTWAIT, P),
    R(sendmmsg, UFD, P, 1, MSG_DONTWAIT),
    R(prlimit64, 0, RLIMIT_NOFILE, P, 0),
    R(prlimit64, 0, RLIMIT_NOFILE, 0, P),
    R(sched_getattr, 0, P, 48, 0),
    R(getrandom, P, 8, 0),
    R(memfd_create, P, 0),
    R(execve, P, 0, 0),
    R(execve, PROGRAM, P, 0),
    R(execve, PROGRAM, 0, P),
    R(execveat, AT_FDCWD, P, 0, 0, 0),
    R(statx, AT_FDCWD, P, 0, 0x7ff, G),
    R(statx, AT_FDCWD, PATH, 0, 0x7ff, P),
    R(clone3, P, 64),
    R(openat2, AT_FDCWD, P, G, 24),
    R(openat2, AT_FDCWD, PATH, P, 24),
};


static long substitute(long a, void *wild, int is_wild) {
  switch (a) {
    case P: return is_wild ? (long)wild : (long)good;
    case G: return (long)good;
    case PATH: return (long)path;
    case PROGRAM: return (long)program;
    case NOPATH: return (long)nopath;
    case RFD: return rfd;
    case PFD: return pipe_fds[0];
    case WFD: return pipe_fds[1];
    case DFD: return dfd;
    case UFD: return pair[0];
    case IFD: return ifd;
    case EFD: return efd;
    case TFD: return tfd;
    case NFD: return nfd;
    case ONE:
      lengths[0] = 16;
      return (long)lengths;
    case IOV: return (long)&iov;
    case BADIOV:
      badiov.iov_base = wild;
      badiov.iov_len = 8;
      return (long)&badiov;
    case MSG: return (long)&msg;
    case SEM: return sem;
    case MSQ: return msq;
    case LFD: return listening;
    default: return a;
  }
}

static void connect_again(struct sockaddr_in *a) {
  int c = socket(AF_INET, SOCK_STREAM, 0);
  connect(c, (void *)a, sizeof *a);
}

static void set_up(void) {
  good = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  path = strdup("/tmp/wild.XXXXXX");
  rfd = mkstemp(path);
  program = strdup("/tmp/wild.XXXXXX");
  int program_fd = mkstemp(program);
  fchmod(program_fd, 0700);
  write(program_fd, "content", 7);
  close(program_fd);
  write(rfd, "content", 7);
  lseek(rfd, 0, SEEK_SET);
  pipe(pipe_fds);
  write(pipe_fds[1], "bytes", 5);
  dfd = open("/proc/self", O_RDONLY | O_DIRECTORY);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  write(pair[1], "bytes in the socket", 19);
  ifd = socket(AF_INET, SOCK_DGRAM, 0);
  efd = epoll_create1(0);
  struct epoll_event ev = {.events = EPOLLIN};
  epoll_ctl(efd, EPOLL_CTL_ADD, pair[0], &ev);
  tfd = timerfd_create(CLOCK_MONOTONIC, 0);
  nfd = inotify_init1(0);
  sem = semget(IPC_PRIVATE, 1, 0600);
  msq = msgget(IPC_PRIVATE, 0600);
  iov.iov_base = good;
  iov.iov_len = 8;
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  listening = socket(AF_INET, SOCK_STREAM, 0);
  listen(listening, 64);
  struct sockaddr_in a = in4("127.0.0.1", port_of(listening));
  for (int i = 0; i < 20; i++)
    connect_again(&a);
}

static void tear_down(void) {
  unlink(path);
  unlink(program);
  semctl(sem, 0, IPC_RMID);
  msgctl(msq, IPC_RMID, 0);
}

/* One row with one wild argument, in a child: 0 if it was EFAULT. */
static void try_row(const struct row *r, int position, void *wild, const char *kind) {
  fflush(stdout);
  pid_t child = fork();
  if (!child) {
    alarm(10);
    long a[6];
    for (int i = 0; i < 6; i++)
      a[i] = substitute(r->a[i], wild, i == position);
    long n = syscall(r->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (n == -1 && errno == EFAULT)
      _exit(0);
    printf("%s, argument %d, %s: %ld, errno %d (%s)\n", r->name, position, kind, n, n == -1 ? errno : 0,
           n == -1 ? strerror(errno) : "");
    fflush(stdout);
    _exit(1);
  }
  int status;
  waitpid(child, &status, 0);
  if (status) {
    if (WIFSIGNALED(status))
      printf("%s, argument %d, %s: signal %d\n", r->name, position, kind, WTERMSIG(status));
    failures++;
  }
}

static void table(void) {
  char *none = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct {
    void *p;
    const char *kind;
  } wild[] = {
      {(void *)0x10, "near zero"},
      {none, "no access"},
      {(void *)0xffffffff81000000, "kernel"},
      {(void *)0x8000000000000000, "not canonical"},
  };
  int kinds = sizeof wild / sizeof *wild;
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int j = 0; j < 6; j++)
      if (rows[i].a[j] == P || rows[i].a[j] == BADIOV)
        /* Two kinds for each, in turn: a child for all of them would take too long. */
        for (int k = i % 2; k < kinds; k += 2)
          try_row(&rows[i], j, wild[k].p, wild[k].kind);
}

/* Calls that could hit other processes, or would end or stop this one. */
static int is_left_out(int n) {
  switch (n) {
    case SYS_kill: case SYS_tkill: case SYS_tgkill: case SYS_rt_sigqueueinfo: case SYS_rt_tgsigqueueinfo:
    case SYS_pidfd_send_signal: case SYS_reboot: case SYS_exit: case SYS_exit_group: case SYS_fork: case SYS_vfork:
    case SYS_clone: case SYS_pause: case SYS_rt_sigreturn: case SYS_vhangup: case SYS_ptrace: case SYS_sync:
    case SYS_syncfs: case SYS_seccomp: case SYS_process_madvise: case SYS_process_mrelease: case SYS_setsid:
    case SYS_munmap: case SYS_mremap: case SYS_brk: case SYS_mprotect: case SYS_arch_prctl: case SYS_madvise:
    case SYS_mmap: case SYS_remap_file_pages: case SYS_shmat: case SYS_close_range: case SYS_close: case SYS_dup2:
    case SYS_dup3: case SYS_unshare: case SYS_userfaultfd: case SYS_io_uring_setup: case SYS_bpf:
    case SYS_perf_event_open: case SYS_mlockall: case SYS_rseq: case SYS_set_tid_address: case SYS_set_robust_list:
      return 1;
    default: return 0;
  }
}

/* Every number with nonsense everywhere, by a user who may do nothing: whatever comes of it, all else goes on. */
static void nonsense(void) {
  static const long values[] = {0x10, -1, 0, 0x7fffffffffff0000, (long)0x8000000000000000, 0x7fffffff};
  for (int v = 0; v < (int)(sizeof values / sizeof *values); v++) {
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
      if (getuid() == 0 && (setgid(65534) || setuid(65534)))
        _exit(3);
      for (int s = 1; s < 32; s++)
        signal(s, SIG_DFL);
      for (int n = 0; n < 470; n++) {
        if (is_left_out(n))
          continue;
        pid_t one = fork();
        if (!one) {
          alarm(1);
          close(0);
          close(1);
          close(2);
          long a = values[v];
          syscall(n, a, a, a, a, a, a);
          _exit(0);
        }
        int status;
        waitpid(one, &status, 0);
      }
      _exit(0);
    }
    int status;
    EQ(child, waitpid(child, &status, 0));
    EQ(0, status);
  }
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  set_up();
  table();
  nonsense();
  FAILS(ENOSYS, syscall(600, 1, 2, 3, 4, 5, 6));
  FAILS(ENOSYS, syscall(-1, 1, 2, 3, 4, 5, 6));
  FAILS(ENOSYS, syscall(0x7fffffff, 1, 2, 3, 4, 5, 6));
  tear_down();
  DONE();
}
