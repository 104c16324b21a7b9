package gvisor.host;

import static gvisor.host.libc.Libc.check;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import gvisor.host.seccomp.Bpf;
import java.lang.foreign.Arena;

/**
 * Gives up what a process no longer needs, for good and for all of its threads. What the Java side cannot name, a bug in
 * the VM or in native code still could; this is for that day.
 */
public final class Confinement {
  private static final long NR_SECCOMP = 317;
  private static final long SECCOMP_SET_MODE_FILTER = 1;
  private static final long SECCOMP_FILTER_FLAG_TSYNC = 1;

  private static final int UNSHARE = 272, SETNS = 308, MOUNT = 165, UMOUNT2 = 166, PIVOT_ROOT = 155, CHROOT = 161;
  private static final int EXECVE = 59, EXECVEAT = 322;
  private static final int INIT_MODULE = 175, FINIT_MODULE = 313, DELETE_MODULE = 176, KEXEC_LOAD = 246;
  private static final int KEXEC_FILE_LOAD = 320, REBOOT = 169, SWAPON = 167, SWAPOFF = 168, ACCT = 163, BPF = 321;
  private static final int PERF_EVENT_OPEN = 298, KEYCTL = 250, ADD_KEY = 248, REQUEST_KEY = 249, IOPL = 172;
  private static final int IOPERM = 173, SETTIMEOFDAY = 164, CLOCK_SETTIME = 227, ADJTIMEX = 159;
  private static final int CLOCK_ADJTIME = 305, SETHOSTNAME = 170, SETDOMAINNAME = 171, QUOTACTL = 179;
  private static final int IO_URING_SETUP = 425, USERFAULTFD = 323, OPEN_BY_HANDLE_AT = 304, OPEN_TREE = 428;
  private static final int MOVE_MOUNT = 429, FSOPEN = 430, MOUNT_SETATTR = 442, NFSSERVCTL = 180, SYSLOG = 103;
  private static final int PROCESS_VM_READV = 310, PROCESS_VM_WRITEV = 311;

  /** What neither a sandbox nor a gofer has any business with. */
  private static final int[] NEVER = {
    UNSHARE, SETNS, MOUNT, UMOUNT2, PIVOT_ROOT, CHROOT, EXECVE, EXECVEAT, INIT_MODULE, FINIT_MODULE, DELETE_MODULE,
    KEXEC_LOAD, KEXEC_FILE_LOAD, REBOOT, SWAPON, SWAPOFF, ACCT, BPF, PERF_EVENT_OPEN, KEYCTL, ADD_KEY, REQUEST_KEY,
    IOPL, IOPERM, SETTIMEOFDAY, CLOCK_SETTIME, ADJTIMEX, CLOCK_ADJTIME, SETHOSTNAME, SETDOMAINNAME, QUOTACTL,
    IO_URING_SETUP, USERFAULTFD, OPEN_BY_HANDLE_AT, OPEN_TREE, MOVE_MOUNT, FSOPEN, MOUNT_SETATTR, NFSSERVCTL, SYSLOG,
    PROCESS_VM_READV, PROCESS_VM_WRITEV
  };

  private static final int SOCKET = 41, CONNECT = 42, BIND = 49, LISTEN = 50;

  /** Making a connection to anything. */
  private static final int[] SOCKETS = {SOCKET, CONNECT, BIND, LISTEN};

  private static final int OPEN = 2, CREAT = 85, OPENAT = 257, OPENAT2 = 437, TRUNCATE = 76, RENAME = 82;
  private static final int MKDIR = 83, RMDIR = 84, LINK = 86, UNLINK = 87, SYMLINK = 88, CHMOD = 90, CHOWN = 92;
  private static final int LCHOWN = 94, UTIME = 132, MKNOD = 133, UTIMES = 235, MKDIRAT = 258, MKNODAT = 259;
  private static final int FCHOWNAT = 260, UNLINKAT = 263, RENAMEAT = 264, LINKAT = 265, SYMLINKAT = 266;
  private static final int FCHMODAT = 268, UTIMENSAT = 280, RENAMEAT2 = 316, SETXATTR = 188, LSETXATTR = 189;
  private static final int REMOVEXATTR = 197, LREMOVEXATTR = 198, FCHMODAT2 = 452, NAME_TO_HANDLE_AT = 303;

  /** Reaching a file by name. */
  private static final int[] FILES = {
    OPEN, CREAT, OPENAT, OPENAT2, TRUNCATE, RENAME, MKDIR, RMDIR, LINK, UNLINK, SYMLINK, CHMOD, CHOWN, LCHOWN, UTIME,
    MKNOD, UTIMES, MKDIRAT, MKNODAT, FCHOWNAT, UNLINKAT, RENAMEAT, LINKAT, SYMLINKAT, FCHMODAT, UTIMENSAT, RENAMEAT2,
    SETXATTR, LSETXATTR, REMOVEXATTR, LREMOVEXATTR, FCHMODAT2, NAME_TO_HANDLE_AT
  };

  private Confinement() {}

  /**
   * Makes the empty directory {@code directory} this process' root. Files that are open stay so.
   *
   * @throws ErrnoException EPERM without CAP_SYS_CHROOT
   */
  public static void enterRoot(String directory) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      check(Libc.syscall(Sys.NR_CHROOT, Memory.cString(arena, directory), 0, 0, 0, 0, 0));
      check(Libc.syscall(Sys.NR_CHDIR, Memory.cString(arena, "/"), 0, 0, 0, 0, 0));
    }
  }

  /**
   * Has the host's kernel refuse, with EPERM, what would reach out of this process: running programs, changing mounts
   * and namespaces, making connections, and with {@code files} reaching any file by name. It binds every thread and
   * every child from now on.
   *
   * @throws ErrnoException EINVAL on a host without seccomp
   */
  public static void forbidReachingOut(boolean files) throws ErrnoException {
    Bpf filter = new Bpf().requireX8664().load(Bpf.NUMBER);
    // System calls of the x32 ABI have bit 30 set and would pass by any other comparison.
    filter.jumpAtLeast(0x40000000, 0, 1).ret(Bpf.KILL_PROCESS);
    forbid(filter, NEVER);
    forbid(filter, SOCKETS);
    if (files) {
      forbid(filter, FILES);
    }
    filter.ret(Bpf.ALLOW);
    try (Arena arena = Arena.ofConfined()) {
      check(Libc.prctl(Sys.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
      long thread =
          check(
              Libc.syscall(
                  NR_SECCOMP,
                  SECCOMP_SET_MODE_FILTER,
                  SECCOMP_FILTER_FLAG_TSYNC,
                  filter.toSockFprog(arena).address(),
                  0,
                  0,
                  0));
      if (thread != 0) {
        // A thread that has a filter of its own keeps it from being bound; there must be none.
        throw Errno.EBUSY.error();
      }
    }
  }

  private static void forbid(Bpf filter, int[] numbers) {
    for (int number : numbers) {
      filter.jumpEqual(number, 0, 1).ret(Bpf.ERRNO | Errno.EPERM.number());
    }
  }
}
