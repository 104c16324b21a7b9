package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Seccomp;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.seccomp.SeccompFilter;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@code seccomp(2)}, and {@code prctl(PR_SET_SECCOMP)}. */
public final class SysSeccomp {
  private static final int SECCOMP_SET_MODE_STRICT = 0;
  private static final int SECCOMP_SET_MODE_FILTER = 1;
  private static final int SECCOMP_GET_ACTION_AVAIL = 2;
  private static final int SECCOMP_GET_NOTIF_SIZES = 3;

  private static final int SECCOMP_FILTER_FLAG_TSYNC = 1;
  private static final int SECCOMP_FILTER_FLAG_LOG = 2;
  private static final int SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4;
  private static final int SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;
  private static final int SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16;
  private static final int FLAGS = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW
      | SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;

  private static final int MODE_STRICT = 1;
  private static final int MODE_FILTER = 2;

  private static final int MAX_INSTRUCTIONS = 4096;
  private static final int INSTRUCTION_SIZE = 8;

  private SysSeccomp() {}

  /** seccomp(2). Here: no SECCOMP_FILTER_FLAG_NEW_LISTENER, because nothing hands calls to another process. */
  public static long seccomp(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(1);
    long address = a.addr(2);
    switch (a.i32(0)) {
      case SECCOMP_SET_MODE_STRICT -> {
        if (flags != 0 || address != 0) {
          throw EINVAL.error();
        }
        Seccomp.setStrict(t);
        return 0;
      }
      case SECCOMP_SET_MODE_FILTER -> {
        return filter(t, flags, address);
      }
      case SECCOMP_GET_ACTION_AVAIL -> {
        if (flags != 0) {
          throw EINVAL.error();
        }
        return available(t.mm().readInt(address));
      }
      case SECCOMP_GET_NOTIF_SIZES -> throw EOPNOTSUPP.error();
      default -> throw EINVAL.error();
    }
  }

  /** prctl(2) with PR_SET_SECCOMP. */
  static long prctl(Task t, int mode, long address) throws ErrnoException {
    switch (mode) {
      case MODE_STRICT -> Seccomp.setStrict(t);
      case MODE_FILTER -> filter(t, 0, address);
      default -> throw EINVAL.error();
    }
    return 0;
  }

  private static long filter(Task t, int flags, long address) throws ErrnoException {
    if ((flags & ~FLAGS) != 0) {
      throw EINVAL.error();
    }
    if ((flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0) {
      throw EOPNOTSUPP.error();
    }
    if (!t.creds().noNewPrivs() && !t.creds().has(Capability.CAP_SYS_ADMIN)) {
      throw EACCES.error();
    }
    int different = Seccomp.install(t, program(t, address), (flags & SECCOMP_FILTER_FLAG_TSYNC) != 0,
        (flags & SECCOMP_FILTER_FLAG_LOG) != 0);
    if (different != 0 && (flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) != 0) {
      throw ESRCH.error();
    }
    return different;
  }

  /** Copies in {@code struct sock_fprog}: a 16-bit length, and behind padding the address of the instructions. */
  private static long[] program(Task t, long address) throws ErrnoException {
    int length = t.mm().readShort(address) & 0xffff;
    long instructions = t.mm().readLong(address + 8);
    if (length == 0 || length > MAX_INSTRUCTIONS) {
      throw EINVAL.error();
    }
    MemorySegment scratch = t.scratch();
    t.mm().copyIn(instructions, scratch, 0, (long) length * INSTRUCTION_SIZE);
    long[] program = new long[length];
    for (int i = 0; i < length; i++) {
      program[i] = scratch.get(ValueLayout.JAVA_LONG_UNALIGNED, (long) i * INSTRUCTION_SIZE);
    }
    return program;
  }

  private static long available(int action) throws ErrnoException {
    return switch (action) {
      case SeccompFilter.SECCOMP_RET_KILL_PROCESS, SeccompFilter.SECCOMP_RET_KILL_THREAD,
          SeccompFilter.SECCOMP_RET_TRAP, SeccompFilter.SECCOMP_RET_ERRNO, SeccompFilter.SECCOMP_RET_TRACE,
          SeccompFilter.SECCOMP_RET_LOG, SeccompFilter.SECCOMP_RET_ALLOW -> 0;
      default -> throw EOPNOTSUPP.error();
    };
  }
}
