package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOSYS;
import static gvisor.api.errno.Errno.EPERM;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.ControllingTerminal;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.UtsNamespace;
import gvisor.sentry.mm.MemoryCgroup;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.time.Clocks;
import java.lang.foreign.MemorySegment;

/** What the system is, and what nobody may do to it. */
final class SysSystem {
  private static final int UTS_FIELD = 65;
  private static final int UTS_SIZE = 6 * UTS_FIELD;
  private static final int PER_MASK = 0xff;
  private static final int PER_LINUX32 = 8;
  private static final int UNAME26 = 0x20000;
  private static final int SYSINFO_SIZE = 112;
  private static final int GRND_NONBLOCK = 1;
  private static final int GRND_RANDOM = 2;
  private static final int GRND_INSECURE = 4;
  private static final int RANDOM_PIECE = 4096;
  private static final long MAX_RANDOM = 0x7ffff000;
  private static final int LOG_SIZE = 1 << 17;

  private SysSystem() {}

  /** {@code man 2 uname}. */
  static long uname(Task t, SyscallArgs a) throws ErrnoException {
    MemorySegment s = t.scratch();
    s.asSlice(0, UTS_SIZE).fill((byte) 0);
    put(s, 0, UtsNamespace.SYSNAME);
    put(s, UTS_FIELD, t.uts().hostname());
    int personality = t.threadGroup().personality();
    put(s, 2 * UTS_FIELD, (personality & UNAME26) != 0 ? UtsNamespace.RELEASE26 : UtsNamespace.RELEASE);
    put(s, 3 * UTS_FIELD, UtsNamespace.VERSION);
    put(s, 4 * UTS_FIELD, (personality & PER_MASK) == PER_LINUX32 ? UtsNamespace.MACHINE32 : UtsNamespace.MACHINE);
    put(s, 5 * UTS_FIELD, t.uts().domainname());
    t.mm().copyOut(a.addr(0), s, 0, UTS_SIZE);
    return 0;
  }

  private static void put(MemorySegment s, int at, String text) {
    for (int i = 0; i < Math.min(text.length(), UTS_FIELD - 1); i++) {
      s.set(JAVA_BYTE, at + i, (byte) text.charAt(i));
    }
  }

  /** {@code man 2 sethostname}: name, len. */
  static long sethostname(Task t, SyscallArgs a) throws ErrnoException {
    t.uts().setHostname(readName(t, a));
    return 0;
  }

  /** {@code man 2 setdomainname}: name, len. */
  static long setdomainname(Task t, SyscallArgs a) throws ErrnoException {
    t.uts().setDomainname(readName(t, a));
    return 0;
  }

  private static String readName(Task t, SyscallArgs a) throws ErrnoException {
    if (!t.creds().has(Capability.CAP_SYS_ADMIN)) {
      throw EPERM.error();
    }
    int length = a.i32(1);
    if (length < 0 || length > UtsNamespace.MAX_LENGTH) {
      throw EINVAL.error();
    }
    MemorySegment s = t.scratch();
    t.mm().copyIn(a.addr(0), s, 0, length);
    StringBuilder name = new StringBuilder(length);
    for (int i = 0; i < length && s.get(JAVA_BYTE, i) != 0; i++) {
      name.append((char) (s.get(JAVA_BYTE, i) & 0xff));
    }
    return name.toString();
  }

  /** {@code man 2 sysinfo}. */
  static long sysinfo(Task t, SyscallArgs a) throws ErrnoException {
    MemorySegment s = t.scratch();
    MemoryCgroup memory = t.container().memory();
    long total = Math.min(t.kernel().host().memoryBytes(), memory.limitBytes());
    long used = Math.min(total, memory.recentUsageBytes());
    s.asSlice(0, SYSINFO_SIZE).fill((byte) 0);
    s.set(JAVA_LONG_UNALIGNED, 0,
        (t.realtimeNanos() - t.kernel().bootRealtimeNanos()) / Clocks.NANOS_PER_SECOND);
    s.set(JAVA_LONG_UNALIGNED, 32, total);
    s.set(JAVA_LONG_UNALIGNED, 40, total - used);
    s.set(JAVA_SHORT_UNALIGNED, 80, (short) Math.min(t.container().taskCount(), Short.MAX_VALUE));
    s.set(JAVA_INT_UNALIGNED, 104, 1);
    t.mm().copyOut(a.addr(0), s, 0, SYSINFO_SIZE);
    return 0;
  }

  /** {@code man 2 getrandom}: buf, buflen, flags. */
  static long getrandom(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(2);
    if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) != 0
        || (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE)) {
      throw EINVAL.error();
    }
    long length = Long.compareUnsigned(a.size(1), MAX_RANDOM) > 0 ? MAX_RANDOM : a.size(1);
    MemorySegment s = t.scratch();
    long done = 0;
    while (done < length) {
      long n = Math.min(length - done, RANDOM_PIECE);
      t.kernel().host().entropy().fill(s.asSlice(0, n));
      try {
        t.mm().copyOut(a.addr(0) + done, s, 0, n);
      } catch (ErrnoException e) {
        if (done == 0) {
          throw EFAULT.error();
        }
        return done;
      }
      done += n;
      if (t.hasPendingInterrupt() && done < length) {
        return done;
      }
    }
    return done;
  }

  /** {@code man 2 personality}: the one before. */
  static long personality(Task t, SyscallArgs a) {
    int before = t.threadGroup().personality();
    long wanted = a.i64(0) & 0xffffffffL;
    if (wanted != 0xffffffffL) {
      t.threadGroup().setPersonality((int) wanted);
    }
    return before & 0xffffffffL;
  }

  /** {@code man 2 syslog}: type, buf, len. The log of this kernel is not the application's: it is empty. */
  static long syslog(Task t, SyscallArgs a) throws ErrnoException {
    int type = a.i32(0);
    boolean readsAll = type == 3 || type == 10;
    if (!readsAll && !t.creds().has(Capability.CAP_SYSLOG) && !t.creds().has(Capability.CAP_SYS_ADMIN)) {
      throw EPERM.error();
    }
    return switch (type) {
      case 0, 1, 5, 6, 7 -> 0;
      case 2, 3, 4 -> {
        if (a.addr(1) == 0 || a.i32(2) < 0) {
          throw EINVAL.error();
        }
        if (!t.mm().isUserRange(a.addr(1), a.i32(2))) {
          throw EFAULT.error();
        }
        yield type == 2 && a.i32(2) > 0 ? waitForever(t) : 0;
      }
      case 8 -> {
        if (a.i32(2) < 1 || a.i32(2) > 8) {
          throw EINVAL.error();
        }
        yield 0;
      }
      case 9 -> 0;
      case 10 -> LOG_SIZE;
      default -> throw EINVAL.error();
    };
  }

  private static long waitForever(Task t) {
    while (t.block(Task.FOREVER) != Task.INTERRUPTED) {
      // Nothing is ever logged.
    }
    return Restart.ERESTARTSYS;
  }

  /** What needs a capability that a container may have, and then does nothing here: EPERM without it, else ENOSYS. */
  private static long privileged(Task t, int capability) throws ErrnoException {
    if (!t.creds().has(capability)) {
      throw EPERM.error();
    }
    throw ENOSYS.error();
  }

  /** {@code man 2 reboot}. */
  static long reboot(Task t, SyscallArgs a) throws ErrnoException {
    return privileged(t, Capability.CAP_SYS_BOOT);
  }

  /** For calls of CAP_SYS_ADMIN: swapon, swapoff, quotactl, lookup_dcookie. */
  static long admin(Task t, SyscallArgs a) throws ErrnoException {
    return privileged(t, Capability.CAP_SYS_ADMIN);
  }

  /** For calls of CAP_SYS_MODULE. */
  static long module(Task t, SyscallArgs a) throws ErrnoException {
    return privileged(t, Capability.CAP_SYS_MODULE);
  }

  /** For calls of CAP_SYS_RAWIO: iopl, ioperm. */
  static long rawIo(Task t, SyscallArgs a) throws ErrnoException {
    return privileged(t, Capability.CAP_SYS_RAWIO);
  }

  /** {@code man 2 acct}. */
  static long acct(Task t, SyscallArgs a) throws ErrnoException {
    return privileged(t, Capability.CAP_SYS_PACCT);
  }

  /** {@code man 2 vhangup}: of the controlling terminal, if there is one. */
  static long vhangup(Task t, SyscallArgs a) throws ErrnoException {
    if (!t.creds().has(Capability.CAP_SYS_TTY_CONFIG)) {
      throw EPERM.error();
    }
    ControllingTerminal terminal = ControllingTerminal.of(t);
    if (terminal != null) {
      terminal.device().hangup();
    }
    return 0;
  }
}
