package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.kernel.Rlimits;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.MemorySegment;

/** Resource limits ({@code man 2 getrlimit}). */
final class SysRlimit {
  private static final int SIZE = 16;

  private SysRlimit() {}

  private static void check(int resource) throws ErrnoException {
    if (resource < 0 || resource >= Rlimits.COUNT) {
      throw EINVAL.error();
    }
  }

  /** {@code man 2 getrlimit}: resource, rlim. */
  static long getrlimit(Task t, SyscallArgs a) throws ErrnoException {
    check(a.i32(0));
    write(t, a.addr(1), t.rlimits().soft(a.i32(0)), t.rlimits().hard(a.i32(0)));
    return 0;
  }

  /** {@code man 2 setrlimit}: resource, rlim. */
  static long setrlimit(Task t, SyscallArgs a) throws ErrnoException {
    t.mm().copyIn(a.addr(1), t.scratch(), 0, SIZE);
    check(a.i32(0));
    set(t, t, a.i32(0));
    return 0;
  }

  /** {@code man 2 prlimit}: pid, resource, new_limit, old_limit. */
  static long prlimit64(Task t, SyscallArgs a) throws ErrnoException {
    int pid = a.i32(0);
    int resource = a.i32(1);
    check(resource);
    if (a.addr(2) != 0) {
      t.mm().copyIn(a.addr(2), t.scratch(), 0, SIZE);
    }
    Task of = pid == 0 ? t : t.pidNamespace().task(pid);
    if (of == null) {
      throw ESRCH.error();
    }
    if (of.threadGroup() != t.threadGroup()) {
      checkSame(t.creds(), of.creds());
    }
    long soft = of.rlimits().soft(resource);
    long hard = of.rlimits().hard(resource);
    if (a.addr(2) != 0) {
      set(t, of, resource);
    }
    if (a.addr(3) != 0) {
      write(t, a.addr(3), soft, hard);
    }
    return 0;
  }

  private static void checkSame(Credentials c, Credentials o) throws ErrnoException {
    boolean same = c.uid() == o.uid() && c.uid() == o.euid() && c.uid() == o.suid()
        && c.gid() == o.gid() && c.gid() == o.egid() && c.gid() == o.sgid();
    if (!same && !c.has(Capability.CAP_SYS_RESOURCE)) {
      throw EPERM.error();
    }
  }

  private static void write(Task t, long addr, long soft, long hard) throws ErrnoException {
    MemorySegment s = t.scratch();
    s.set(JAVA_LONG_UNALIGNED, 0, soft);
    s.set(JAVA_LONG_UNALIGNED, 8, hard);
    t.mm().copyOut(addr, s, 0, SIZE);
  }

  private static void set(Task t, Task of, int resource) throws ErrnoException {
    long soft = t.scratch().get(JAVA_LONG_UNALIGNED, 0);
    long hard = t.scratch().get(JAVA_LONG_UNALIGNED, 8);
    if (Long.compareUnsigned(soft, hard) > 0) {
      throw EINVAL.error();
    }
    Rlimits limits = of.rlimits();
    if (Long.compareUnsigned(hard, limits.hard(resource)) > 0 && !t.creds().has(Capability.CAP_SYS_RESOURCE)
        || resource == Rlimits.RLIMIT_NOFILE && Long.compareUnsigned(hard, Rlimits.NR_OPEN) > 0) {
      throw EPERM.error();
    }
    limits.put(resource, soft, hard);
    if (resource == Rlimits.RLIMIT_CPU) {
      of.threadGroup().timers().cpuLimitChanged();
    }
  }
}
