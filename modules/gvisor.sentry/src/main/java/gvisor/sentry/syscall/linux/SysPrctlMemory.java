package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;

/** The options of {@code prctl(2)} that are about memory. */
final class SysPrctlMemory {
  private static final int PR_SET_MM = 35;
  private static final int PR_SET_VMA = 0x53564d41;
  private static final int PR_SET_VMA_ANON_NAME = 0;
  private static final int NAME_MAX = 80;

  private SysPrctlMemory() {}

  static long prctl(Task t, SyscallArgs a) throws ErrnoException {
    return switch (a.i32(0)) {
      case PR_SET_MM -> {
        if (!t.creds().has(Capability.CAP_SYS_RESOURCE)) {
          throw EPERM.error();
        }
        throw EINVAL.error();
      }
      case PR_SET_VMA -> nameVma(t, a);
      default -> throw EINVAL.error();
    };
  }

  /** The name is checked as Linux checks it, and then not kept: {@code /proc/[pid]/maps} does not show it. */
  private static long nameVma(Task t, SyscallArgs a) throws ErrnoException {
    if (a.i64(1) != PR_SET_VMA_ANON_NAME) {
      throw EINVAL.error();
    }
    if (a.addr(4) != 0) {
      String name = t.mm().readString(a.addr(4), NAME_MAX);
      for (int i = 0; i < name.length(); i++) {
        char c = name.charAt(i);
        if (c < ' ' || c > '~' || "\\`$[]".indexOf(c) >= 0) {
          throw EINVAL.error();
        }
      }
    }
    if ((a.addr(2) & 4095) != 0) {
      throw EINVAL.error();
    }
    return 0;
  }
}
