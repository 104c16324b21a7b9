package gvisor.host.seccomp;

import gvisor.api.errno.Errno;

/**
 * What a gofer may not ask of the host: running programs, changing mounts and namespaces, making connections. Files are
 * its business; which ones it can name is decided by the descriptors it has and its empty root.
 */
public final class GoferFilter {
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

  private GoferFilter() {}

  /** The filter. */
  public static Bpf program() {
    Bpf filter = new Bpf().requireX8664().load(Bpf.NUMBER);
    // System calls of the x32 ABI have bit 30 set and would pass by any other comparison.
    filter.jumpAtLeast(0x40000000, 0, 1).ret(Bpf.KILL_PROCESS);
    forbid(filter, NEVER);
    forbid(filter, SOCKETS);
    return filter.ret(Bpf.ALLOW);
  }

  private static void forbid(Bpf filter, int[] numbers) {
    for (int number : numbers) {
      filter.jumpEqual(number, 0, 1).ret(Bpf.ERRNO | Errno.EPERM.number());
    }
  }
}
