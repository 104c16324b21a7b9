package gvisor.sentry.strace;

import java.util.HashMap;
import java.util.Map;

/**
 * How arguments of a call are shown: a letter each. d int, l long, o octal, f directory descriptor, s string, g signal,
 * x address or flags.
 */
final class Formats {
  private static final String TABLE = """
      read dxl, write dxl, open sxo, close d, stat sx, fstat dx, lstat sx, poll xdd, lseek dld, mmap xlxxdx,
      mprotect xlx, munmap xl, brk x, rt_sigaction gxxd, rt_sigprocmask dxxd, rt_sigreturn , ioctl dxx,
      pread64 dxll, pwrite64 dxll, readv dxd, writev dxd, access so, pipe x, select dxxxx, sched_yield ,
      mremap xllxx, msync xlx, madvise xld, dup d, dup2 dd, pause , nanosleep xx, getitimer dx, alarm d,
      setitimer dxx, getpid , sendfile ddxl, socket ddd, connect dxd, accept dxx, sendto dxlxxd, recvfrom dxlxxx,
      sendmsg dxx, recvmsg dxx, shutdown dd, bind dxd, listen dd, getsockname dxx, getpeername dxx,
      socketpair dddx, setsockopt dddxd, getsockopt dddxx, clone xxxxx, fork , vfork , execve sxx, exit d,
      wait4 dxxx, kill dg, uname x, fcntl ddx, flock dd, fsync d, fdatasync d, truncate sl, ftruncate dl,
      getdents dxl, getcwd xl, chdir s, fchdir d, rename ss, mkdir so, rmdir s, creat so, link ss, unlink s,
      symlink ss, readlink sxl, chmod so, fchmod do, chown sdd, fchown ddd, lchown sdd, umask o,
      gettimeofday xx, getrlimit dx, getrusage dx, sysinfo x, times x, ptrace ddxx, getuid , syslog dxd, getgid ,
      setuid d, setgid d, geteuid , getegid , setpgid dd, getppid , getpgrp , setsid , setreuid dd, setregid dd,
      getgroups dx, setgroups dx, setresuid ddd, getresuid xxx, setresgid ddd, getresgid xxx, getpgid d,
      capget xx, capset xx, rt_sigpending xl, rt_sigtimedwait xxxl, rt_sigqueueinfo dgx, rt_sigsuspend xl,
      sigaltstack xx, utime sx, mknod sox, statfs sx, fstatfs dx, getpriority dd, setpriority ddd, prctl dxxxx,
      arch_prctl xx, setrlimit dx, chroot s, sync , mount sssxx, umount2 sx, sethostname sd, gettid ,
      setxattr ssxlx, getxattr ssxl, listxattr sxl, tkill dg, time x, futex xxdxxd, sched_setaffinity dlx,
      sched_getaffinity dlx, epoll_create d, getdents64 dxl, set_tid_address x, restart_syscall , fadvise64 dlld,
      timer_create dxx, timer_settime ddxx, timer_gettime dx, timer_getoverrun d, timer_delete d,
      clock_gettime dx, clock_getres dx, clock_nanosleep ddxx, exit_group d, epoll_wait dxdd, epoll_ctl dddx,
      tgkill ddg, utimes sx, waitid ddxxx, inotify_init , inotify_add_watch dsx, inotify_rm_watch dd,
      openat fsxo, mkdirat fso, mknodat fsox, fchownat fsddx, newfstatat fsxx, unlinkat fsx, renameat fsfs,
      linkat fsfsx, symlinkat sfs, readlinkat fsxl, fchmodat fso, faccessat fso, pselect6 dxxxxx, ppoll xdxxl,
      unshare x, set_robust_list xl, get_robust_list dxx, splice dxdxlx, tee ddlx, utimensat fsxx,
      epoll_pwait dxddxl, signalfd dxl, timerfd_create dx, eventfd d, fallocate dxll, timerfd_settime dxxx,
      timerfd_gettime dx, accept4 dxxx, signalfd4 dxlx, eventfd2 dx, epoll_create1 x, dup3 ddx, pipe2 xx,
      inotify_init1 x, preadv dxdll, pwritev dxdll, rt_tgsigqueueinfo ddgx, prlimit64 ddxx, sendmmsg dxdx,
      getcpu xx, renameat2 fsfsx, seccomp dxx, getrandom xlx, memfd_create sx, execveat fsxxx, membarrier dxd,
      copy_file_range dxdxlx, statx fsxxx, rseq xdxx, clone3 xl, close_range ddx, openat2 fsxl,
      pidfd_open dx, pidfd_getfd ddx, pidfd_send_signal dgxx, faccessat2 fsox, epoll_pwait2 dxdxxl
      """;

  private static final Map<String, String> BY_NAME = parse();

  private static final String[] SIGNALS = {"0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT",
    "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
    "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM",
    "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS"};

  private Formats() {}

  private static Map<String, String> parse() {
    Map<String, String> map = new HashMap<>();
    for (String item : TABLE.split(",")) {
      String[] words = item.strip().split(" ");
      map.put(words[0], words.length > 1 ? words[1] : "");
    }
    return map;
  }

  /** Letters for the arguments of {@code name}; six addresses for a call that is not in the table. */
  static String of(String name) {
    String format = name == null ? null : BY_NAME.get(name);
    return format == null ? "xxxxxx" : format;
  }

  static String signalName(int signo) {
    return signo >= 0 && signo < SIGNALS.length ? SIGNALS[signo] : "SIGRT_" + signo;
  }

  /** Whether a line at the call's start tells something that the one at its end may not. */
  static boolean mayBlockOrNotReturn(int number) {
    return switch (number) {
      case 7, 15, 23, 34, 35, 56, 57, 58, 59, 60, 61, 128, 130, 202, 230, 231, 232, 247, 270, 271, 281, 322, 435 ->
          true;
      default -> false;
    };
  }

  /** Whether the result is an address: mmap, brk, mremap, shmat. */
  static boolean returnsAddress(int number) {
    return number == 9 || number == 12 || number == 25 || number == 30;
  }
}
