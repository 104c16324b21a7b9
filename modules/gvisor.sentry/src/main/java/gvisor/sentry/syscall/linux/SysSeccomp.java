package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Seccomp;
import gvisor.sentry.kernel.SeccompInstall;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.seccomp.SeccompFilter;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.MemorySegment;

/** {@code man 2 seccomp}. */
final class SysSeccomp {
  private static final int SECCOMP_SET_MODE_STRICT = 0;
  private static final int SECCOMP_SET_MODE_FILTER = 1;
  private static final int SECCOMP_GET_ACTION_AVAIL = 2;
  private static final int SECCOMP_GET_NOTIF_SIZES = 3;
  private static final int FLAG_TSYNC = 1;
  private static final int FLAG_LOG = 2;
  private static final int FLAG_SPEC_ALLOW = 4;
  private static final int FLAG_TSYNC_ESRCH = 16;
  private static final int MAX_INSTRUCTIONS = 4096;

  private SysSeccomp() {}

  /** {@code man 2 seccomp}: operation, flags, args. */
  static long seccomp(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(1);
    switch (a.i32(0)) {
      case SECCOMP_SET_MODE_STRICT -> {
        if (flags != 0 || a.addr(2) != 0) {
          throw EINVAL.error();
        }
        return strict(t);
      }
      case SECCOMP_SET_MODE_FILTER -> {
        return filter(t, flags, a.addr(2));
      }
      case SECCOMP_GET_ACTION_AVAIL -> {
        if (flags != 0) {
          throw EINVAL.error();
        }
        return switch (t.mm().readInt(a.addr(2))) {
          case SeccompFilter.SECCOMP_RET_KILL_PROCESS, SeccompFilter.SECCOMP_RET_KILL_THREAD,
              SeccompFilter.SECCOMP_RET_TRAP, SeccompFilter.SECCOMP_RET_ERRNO, SeccompFilter.SECCOMP_RET_TRACE,
              SeccompFilter.SECCOMP_RET_LOG, SeccompFilter.SECCOMP_RET_ALLOW -> 0;
          default -> throw EOPNOTSUPP.error();
        };
      }
      case SECCOMP_GET_NOTIF_SIZES -> throw EINVAL.error();
      default -> throw EINVAL.error();
    }
  }

  /** PR_SET_SECCOMP. */
  static long prctl(Task t, int mode, long addr) throws ErrnoException {
    return switch (mode) {
      case Seccomp.MODE_STRICT -> strict(t);
      case Seccomp.MODE_FILTER -> filter(t, 0, addr);
      default -> throw EINVAL.error();
    };
  }

  private static long strict(Task t) throws ErrnoException {
    if (t.seccompMode() == Seccomp.MODE_FILTER) {
      throw EINVAL.error();
    }
    SeccompInstall.strict(t);
    return 0;
  }

  private static long filter(Task t, int flags, long addr) throws ErrnoException {
    if ((flags & ~(FLAG_TSYNC | FLAG_LOG | FLAG_SPEC_ALLOW | FLAG_TSYNC_ESRCH)) != 0) {
      throw EINVAL.error();
    }
    MemorySegment s = t.scratch();
    t.mm().copyIn(addr, s, 0, 16);
    int count = s.get(JAVA_SHORT_UNALIGNED, 0) & 0xffff;
    long program = s.get(JAVA_LONG_UNALIGNED, 8);
    if (count == 0 || count > MAX_INSTRUCTIONS) {
      throw EINVAL.error();
    }
    if (!t.creds().noNewPrivs() && !t.creds().has(Capability.CAP_SYS_ADMIN)) {
      throw EACCES.error();
    }
    long[] instructions = new long[count];
    t.mm().copyIn(program, MemorySegment.ofArray(instructions), 0, 8L * count);
    if (t.seccompMode() == Seccomp.MODE_STRICT) {
      throw EINVAL.error();
    }
    return SeccompInstall.filter(t, instructions, (flags & FLAG_LOG) != 0, (flags & FLAG_TSYNC) != 0,
        (flags & FLAG_TSYNC_ESRCH) != 0);
  }
}
