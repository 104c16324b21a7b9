package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.EPERM;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.platform.Registers;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.MemorySegment;

/** {@code man 2 prctl} and {@code man 2 arch_prctl}. */
final class SysPrctl {
  private static final int PR_SET_PDEATHSIG = 1;
  private static final int PR_GET_PDEATHSIG = 2;
  private static final int PR_GET_DUMPABLE = 3;
  private static final int PR_SET_DUMPABLE = 4;
  private static final int PR_GET_KEEPCAPS = 7;
  private static final int PR_SET_KEEPCAPS = 8;
  private static final int PR_GET_TIMING = 13;
  private static final int PR_SET_TIMING = 14;
  private static final int PR_SET_NAME = 15;
  private static final int PR_GET_NAME = 16;
  private static final int PR_GET_SECCOMP = 21;
  private static final int PR_SET_SECCOMP = 22;
  private static final int PR_CAPBSET_READ = 23;
  private static final int PR_CAPBSET_DROP = 24;
  private static final int PR_GET_TSC = 25;
  private static final int PR_SET_TSC = 26;
  private static final int PR_GET_SECUREBITS = 27;
  private static final int PR_SET_SECUREBITS = 28;
  private static final int PR_SET_TIMERSLACK = 29;
  private static final int PR_GET_TIMERSLACK = 30;
  private static final int PR_MCE_KILL = 33;
  private static final int PR_SET_CHILD_SUBREAPER = 36;
  private static final int PR_GET_CHILD_SUBREAPER = 37;
  private static final int PR_SET_NO_NEW_PRIVS = 38;
  private static final int PR_GET_NO_NEW_PRIVS = 39;
  private static final int PR_GET_TID_ADDRESS = 40;
  private static final int PR_SET_THP_DISABLE = 41;
  private static final int PR_GET_THP_DISABLE = 42;
  private static final int PR_CAP_AMBIENT = 47;
  private static final int PR_GET_SPECULATION_CTRL = 52;
  private static final int PR_SET_SPECULATION_CTRL = 53;
  private static final int PR_SET_PTRACER = 0x59616d61;

  private static final int PR_CAP_AMBIENT_IS_SET = 1;
  private static final int PR_CAP_AMBIENT_RAISE = 2;
  private static final int PR_CAP_AMBIENT_LOWER = 3;
  private static final int PR_CAP_AMBIENT_CLEAR_ALL = 4;
  private static final int SECBIT_KEEP_CAPS = 16;
  private static final int SECBIT_NO_CAP_AMBIENT_RAISE = 64;
  private static final int SECURE_ALL_BITS = 0x55;
  private static final int SECURE_ALL_LOCKS = SECURE_ALL_BITS << 1;
  private static final int NAME_SIZE = 16;

  private static final int ARCH_SET_GS = 0x1001;
  private static final int ARCH_SET_FS = 0x1002;
  private static final int ARCH_GET_FS = 0x1003;
  private static final int ARCH_GET_GS = 0x1004;
  private static final int ARCH_GET_CPUID = 0x1011;
  private static final int ARCH_SET_CPUID = 0x1012;

  private SysPrctl() {}

  /** {@code man 2 prctl}: option, arg2 to arg5. */
  static long prctl(Task t, SyscallArgs a) throws ErrnoException {
    ThreadGroup tg = t.threadGroup();
    long arg = a.i64(1);
    return switch (a.i32(0)) {
      case PR_SET_PDEATHSIG -> {
        if (arg < 0 || arg > Signal.MAX) {
          throw EINVAL.error();
        }
        t.setParentDeathSignal((int) arg);
        yield 0;
      }
      case PR_GET_PDEATHSIG -> store(t, arg, t.parentDeathSignal());
      case PR_GET_DUMPABLE -> tg.dumpable();
      case PR_SET_DUMPABLE -> {
        requireBoolean(arg);
        tg.setDumpable((int) arg);
        yield 0;
      }
      case PR_GET_KEEPCAPS -> tg.keepsCapabilities() ? 1 : 0;
      case PR_SET_KEEPCAPS -> {
        requireBoolean(arg);
        tg.setKeepsCapabilities(arg == 1);
        yield 0;
      }
      case PR_GET_TIMING -> 0;
      case PR_SET_TIMING -> zeroOnly(arg);
      case PR_SET_NAME -> setName(t, arg);
      case PR_GET_NAME -> getName(t, arg);
      case PR_GET_SECCOMP -> t.seccompMode();
      case PR_SET_SECCOMP -> SysSeccomp.prctl(t, (int) arg, a.addr(2));
      case PR_CAPBSET_READ -> t.creds().bounding() >>> capability(arg) & 1;
      case PR_CAPBSET_DROP -> dropBounding(t, arg);
      case PR_GET_TSC -> store(t, arg, 1);
      case PR_SET_TSC -> {
        if (arg != 1) {
          throw EINVAL.error();
        }
        yield 0;
      }
      case PR_GET_SECUREBITS -> t.creds().securebits();
      case PR_SET_SECUREBITS -> setSecurebits(t, (int) arg);
      case PR_SET_TIMERSLACK -> {
        t.setTimerSlack(arg);
        yield 0;
      }
      case PR_GET_TIMERSLACK -> t.timerSlack();
      case PR_MCE_KILL -> 0;
      case PR_SET_CHILD_SUBREAPER -> {
        tg.setSubreaper(arg != 0);
        yield 0;
      }
      case PR_GET_CHILD_SUBREAPER -> store(t, arg, tg.isSubreaper() ? 1 : 0);
      case PR_SET_NO_NEW_PRIVS -> {
        if (arg != 1 || a.i64(2) != 0 || a.i64(3) != 0 || a.i64(4) != 0) {
          throw EINVAL.error();
        }
        t.setCreds(t.creds().withNoNewPrivs());
        yield 0;
      }
      case PR_GET_NO_NEW_PRIVS -> {
        if (arg != 0 || a.i64(2) != 0 || a.i64(3) != 0 || a.i64(4) != 0) {
          throw EINVAL.error();
        }
        yield t.creds().noNewPrivs() ? 1 : 0;
      }
      case PR_GET_TID_ADDRESS -> {
        t.mm().writeLong(arg, t.clearChildTid());
        yield 0;
      }
      case PR_SET_THP_DISABLE -> {
        if (a.i64(2) != 0 || a.i64(3) != 0 || a.i64(4) != 0) {
          throw EINVAL.error();
        }
        tg.setHugePagesDisabled(arg != 0);
        yield 0;
      }
      case PR_GET_THP_DISABLE -> tg.hugePagesDisabled() ? 1 : 0;
      case PR_CAP_AMBIENT -> ambient(t, (int) arg, a.i64(2), a.i64(3), a.i64(4));
      case PR_GET_SPECULATION_CTRL, PR_SET_SPECULATION_CTRL -> throw ENODEV.error();
      case PR_SET_PTRACER -> 0;
      default -> SysPrctlMemory.prctl(t, a);
    };
  }

  private static long store(Task t, long addr, int value) throws ErrnoException {
    t.mm().writeInt(addr, value);
    return 0;
  }

  private static void requireBoolean(long arg) throws ErrnoException {
    if (arg != 0 && arg != 1) {
      throw EINVAL.error();
    }
  }

  private static long zeroOnly(long arg) throws ErrnoException {
    if (arg != 0) {
      throw EINVAL.error();
    }
    return 0;
  }

  private static long setName(Task t, long addr) throws ErrnoException {
    StringBuilder name = new StringBuilder(NAME_SIZE);
    for (int i = 0; i < NAME_SIZE - 1; i++) {
      byte b = t.mm().readByte(addr + i);
      if (b == 0) {
        break;
      }
      name.append((char) (b & 0xff));
    }
    t.setComm(name.toString());
    return 0;
  }

  private static long getName(Task t, long addr) throws ErrnoException {
    MemorySegment s = t.scratch();
    String name = t.comm();
    for (int i = 0; i < NAME_SIZE; i++) {
      s.set(JAVA_BYTE, i, i < name.length() ? (byte) name.charAt(i) : 0);
    }
    t.mm().copyOut(addr, s, 0, NAME_SIZE);
    return 0;
  }

  private static int capability(long number) throws ErrnoException {
    if (number < 0 || number > Capability.CAP_LAST_CAP) {
      throw EINVAL.error();
    }
    return (int) number;
  }

  private static long dropBounding(Task t, long number) throws ErrnoException {
    Credentials c = t.creds();
    if (!c.has(Capability.CAP_SETPCAP)) {
      throw EPERM.error();
    }
    long bit = 1L << capability(number);
    t.setCreds(c.withCapabilities(c.permitted(), c.effective(), c.inheritable(), c.bounding() & ~bit, c.ambient()));
    return 0;
  }

  private static long setSecurebits(Task t, int bits) throws ErrnoException {
    Credentials c = t.creds();
    int old = c.securebits();
    int locked = old & SECURE_ALL_LOCKS;
    if ((bits & ~(SECURE_ALL_BITS | SECURE_ALL_LOCKS)) != 0 || (locked & ~bits) != 0
        || ((locked >> 1) & (old ^ bits)) != 0 || !c.has(Capability.CAP_SETPCAP)) {
      throw EPERM.error();
    }
    t.setCreds(c.withSecurebits(bits));
    t.threadGroup().setKeepsCapabilities((bits & SECBIT_KEEP_CAPS) != 0);
    return 0;
  }

  private static long ambient(Task t, int what, long number, long arg4, long arg5) throws ErrnoException {
    Credentials c = t.creds();
    if (arg4 != 0 || arg5 != 0) {
      throw EINVAL.error();
    }
    if (what == PR_CAP_AMBIENT_CLEAR_ALL) {
      if (number != 0) {
        throw EINVAL.error();
      }
      t.setCreds(c.withCapabilities(c.permitted(), c.effective(), c.inheritable(), c.bounding(), 0));
      return 0;
    }
    long bit = 1L << capability(number);
    switch (what) {
      case PR_CAP_AMBIENT_IS_SET -> {
        return (c.ambient() & bit) != 0 ? 1 : 0;
      }
      case PR_CAP_AMBIENT_RAISE -> {
        if ((c.permitted() & c.inheritable() & bit) == 0 || (c.securebits() & SECBIT_NO_CAP_AMBIENT_RAISE) != 0) {
          throw EPERM.error();
        }
        bit |= c.ambient();
      }
      case PR_CAP_AMBIENT_LOWER -> bit = c.ambient() & ~bit;
      default -> throw EINVAL.error();
    }
    t.setCreds(c.withCapabilities(c.permitted(), c.effective(), c.inheritable(), c.bounding(), bit));
    return 0;
  }

  /** {@code man 2 arch_prctl}: code, addr. */
  static long archPrctl(Task t, SyscallArgs a) throws ErrnoException {
    Registers r = a.registers();
    return switch (a.i32(0)) {
      case ARCH_SET_FS -> setBase(t, r, Registers.FS_BASE, a.addr(1));
      case ARCH_SET_GS -> setBase(t, r, Registers.GS_BASE, a.addr(1));
      case ARCH_GET_FS -> {
        t.mm().writeLong(a.addr(1), r.get(Registers.FS_BASE));
        yield 0;
      }
      case ARCH_GET_GS -> {
        t.mm().writeLong(a.addr(1), r.get(Registers.GS_BASE));
        yield 0;
      }
      case ARCH_GET_CPUID -> 1;
      case ARCH_SET_CPUID -> throw ENODEV.error();
      default -> throw EINVAL.error();
    };
  }

  private static long setBase(Task t, Registers r, int register, long base) throws ErrnoException {
    if (Long.compareUnsigned(base, t.kernel().platform().maxUserAddress()) >= 0) {
      throw EPERM.error();
    }
    r.set(register, base);
    return 0;
  }

}
