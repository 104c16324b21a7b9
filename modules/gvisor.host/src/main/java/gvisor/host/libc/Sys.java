package gvisor.host.libc;

/** Numbers of the x86-64 Linux ABI that this module uses and no other does; spelled as in the man pages. */
public final class Sys {
  // System calls without a libc function, or called by machine code.
  public static final int NR_READ = 0;
  public static final int NR_WRITE = 1;
  public static final int NR_FSTAT = 5;
  public static final int NR_MMAP = 9;
  public static final int NR_MPROTECT = 10;
  public static final int NR_MUNMAP = 11;
  public static final int NR_RT_SIGACTION = 13;
  public static final int NR_RT_SIGPROCMASK = 14;
  public static final int NR_IOCTL = 16;
  public static final int NR_PAUSE = 34;
  public static final int NR_GETPID = 39;
  public static final int NR_CLONE = 56;
  public static final int NR_EXECVE = 59;
  public static final int NR_EXIT = 60;
  public static final int NR_WAIT4 = 61;
  public static final int NR_KILL = 62;
  public static final int NR_CHDIR = 80;
  public static final int NR_FCHDIR = 81;
  public static final int NR_UMASK = 95;
  public static final int NR_SYSINFO = 99;
  public static final int NR_PTRACE = 101;
  public static final int NR_GETPPID = 110;
  public static final int NR_SETSID = 112;
  public static final int NR_SETGROUPS = 116;
  public static final int NR_SETRESUID = 117;
  public static final int NR_SETRESGID = 119;
  public static final int NR_PRCTL = 157;
  public static final int NR_CHROOT = 161;
  public static final int NR_GETTID = 186;
  public static final int NR_FUTEX = 202;
  public static final int NR_WAITID = 247;
  public static final int NR_CLOCK_GETTIME = 228;
  public static final int NR_EXIT_GROUP = 231;
  public static final int NR_TGKILL = 234;
  public static final int NR_UNSHARE = 272;
  public static final int NR_DUP3 = 292;
  public static final int NR_PRLIMIT64 = 302;
  public static final int NR_SETNS = 308;
  public static final int NR_GETCPU = 309;
  public static final int NR_GETRANDOM = 318;
  public static final int NR_PIDFD_SEND_SIGNAL = 424;
  public static final int NR_PIDFD_OPEN = 434;
  public static final int NR_CLOSE_RANGE = 436;

  public static final int PROT_READ = 1;
  public static final int PROT_WRITE = 2;
  public static final int PROT_EXEC = 4;
  public static final int MAP_SHARED = 0x01;
  public static final int MAP_PRIVATE = 0x02;
  public static final int MAP_FIXED = 0x10;
  public static final int MAP_ANONYMOUS = 0x20;
  public static final int MAP_NORESERVE = 0x4000;
  public static final int MAP_POPULATE = 0x8000;
  public static final int MAP_FIXED_NOREPLACE = 0x100000;
  public static final int MADV_DONTFORK = 10;
  public static final int MADV_DONTDUMP = 16;

  public static final int O_RDONLY = 0;
  public static final int O_RDWR = 2;
  public static final int O_NOCTTY = 0x100;
  public static final int O_NONBLOCK = 0x800;
  public static final int O_CLOEXEC = 0x80000;

  public static final int F_GETFD = 1;
  public static final int F_SETFD = 2;
  public static final int F_GETFL = 3;
  public static final int F_DUPFD_CLOEXEC = 1030;
  public static final int FD_CLOEXEC = 1;

  public static final int S_IFMT = 0xf000;
  public static final int S_IFSOCK = 0xc000;
  public static final int S_IFREG = 0x8000;
  public static final int S_IFBLK = 0x6000;
  public static final int S_IFDIR = 0x4000;
  public static final int S_IFCHR = 0x2000;
  public static final int S_IFIFO = 0x1000;

  public static final int SEEK_DATA = 3;
  public static final int SEEK_HOLE = 4;
  public static final int FALLOC_FL_KEEP_SIZE = 1;
  public static final int FALLOC_FL_PUNCH_HOLE = 2;
  public static final int RWF_NOWAIT = 8;

  public static final int POLLIN = 1;
  public static final int POLLOUT = 4;

  public static final int AF_UNIX = 1;
  public static final int SOCK_CLOEXEC = 0x80000;
  public static final int SOL_SOCKET = 1;
  public static final int SO_PEERCRED = 17;
  public static final int SO_RCVTIMEO = 20;
  public static final int SO_SNDTIMEO = 21;
  public static final int SCM_RIGHTS = 1;
  public static final int MSG_CTRUNC = 0x8;
  public static final int MSG_TRUNC = 0x20;
  public static final int MSG_DONTWAIT = 0x40;
  public static final int MSG_NOSIGNAL = 0x4000;
  public static final int MSG_CMSG_CLOEXEC = 0x40000000;

  public static final int SIGKILL = 9;
  public static final int SIGCHLD = 17;
  public static final int SIG_BLOCK = 0;
  public static final int SIG_SETMASK = 2;

  public static final int PR_SET_PDEATHSIG = 1;
  public static final int PR_SET_NO_NEW_PRIVS = 38;

  private Sys() {}
}
