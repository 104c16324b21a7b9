package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.E2BIG;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.kernel.Rlimits;
import gvisor.sentry.kernel.SchedulingAttributes;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.time.Clocks;
import java.lang.foreign.MemorySegment;

/** Scheduling: what is asked for is checked, stored and reported; the host's scheduler decides. */
final class SysSched {
  private static final int RESET_ON_FORK = 0x40000000;
  private static final int MAX_RT_PRIORITY = 99;
  private static final int ATTR_SIZE = 48;
  private static final int ATTR_MAX = 4096;
  /** With the clamps of utilisation, which are not acted on. */
  private static final int KNOWN_SIZE = 56;
  private static final int SCHED_FLAG_RESET_ON_FORK = 1;
  private static final int SCHED_FLAG_KEEP_POLICY = 8;
  private static final int SCHED_FLAG_KEEP_PARAMS = 16;
  private static final long SCHED_FLAGS =
      SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS;
  private static final int MIN_NICE = -20;
  private static final int MAX_NICE = 19;
  private static final long RR_INTERVAL = 100_000_000;
  private static final int MAX_MASK_BYTES = 8192;

  private SysSched() {}

  /** {@code man 2 sched_yield}. */
  static long schedYield(Task t, SyscallArgs a) {
    Thread.yield();
    return 0;
  }

  private static Task find(Task t, int pid) throws ErrnoException {
    if (pid < 0) {
      throw EINVAL.error();
    }
    Task of = pid == 0 ? t : t.pidNamespace().task(pid);
    if (of == null) {
      throw ESRCH.error();
    }
    return of;
  }

  /** As {@link #find}, for the calls that know no invalid number, only absent tasks. */
  private static Task findAny(Task t, int pid) throws ErrnoException {
    if (pid < 0) {
      throw ESRCH.error();
    }
    return find(t, pid);
  }

  private static void checkOwner(Task t, Task of) throws ErrnoException {
    Credentials c = t.creds();
    if (of != t && c.euid() != of.creds().euid() && c.euid() != of.creds().uid() && !c.has(Capability.CAP_SYS_NICE)) {
      throw EPERM.error();
    }
  }

  private static boolean isRealtime(int policy) {
    return policy == SchedulingAttributes.SCHED_FIFO || policy == SchedulingAttributes.SCHED_RR;
  }

  private static boolean isKnown(int policy) {
    return policy >= SchedulingAttributes.SCHED_NORMAL && policy <= SchedulingAttributes.SCHED_BATCH
        || policy == SchedulingAttributes.SCHED_IDLE;
  }

  private static void set(Task t, Task of, int policy, int priority, boolean reset) throws ErrnoException {
    if (!isKnown(policy) || (isRealtime(policy) ? priority < 1 || priority > MAX_RT_PRIORITY : priority != 0)) {
      throw EINVAL.error();
    }
    checkOwner(t, of);
    if (isRealtime(policy) && !t.creds().has(Capability.CAP_SYS_NICE)
        && of.rlimits().exceeds(Rlimits.RLIMIT_RTPRIO, priority)) {
      throw EPERM.error();
    }
    SchedulingAttributes s = of.scheduling();
    s.policy = policy;
    s.priority = priority;
    s.resetOnFork = reset;
  }

  /** {@code man 2 sched_setscheduler}: pid, policy, param. */
  static long schedSetscheduler(Task t, SyscallArgs a) throws ErrnoException {
    int policy = a.i32(1);
    if (a.addr(2) == 0 || policy < 0) {
      throw EINVAL.error();
    }
    int priority = t.mm().readInt(a.addr(2));
    Task of = find(t, a.i32(0));
    set(t, of, policy & ~RESET_ON_FORK, priority, (policy & RESET_ON_FORK) != 0);
    return 0;
  }

  /** {@code man 2 sched_setparam}: pid, param. */
  static long schedSetparam(Task t, SyscallArgs a) throws ErrnoException {
    if (a.addr(1) == 0) {
      throw EINVAL.error();
    }
    int priority = t.mm().readInt(a.addr(1));
    Task of = find(t, a.i32(0));
    set(t, of, of.scheduling().policy, priority, of.scheduling().resetOnFork);
    return 0;
  }

  /** {@code man 2 sched_getscheduler}. */
  static long schedGetscheduler(Task t, SyscallArgs a) throws ErrnoException {
    SchedulingAttributes s = find(t, a.i32(0)).scheduling();
    return s.policy | (s.resetOnFork ? RESET_ON_FORK : 0);
  }

  /** {@code man 2 sched_getparam}: pid, param. */
  static long schedGetparam(Task t, SyscallArgs a) throws ErrnoException {
    if (a.addr(1) == 0) {
      throw EINVAL.error();
    }
    t.mm().writeInt(a.addr(1), find(t, a.i32(0)).scheduling().priority);
    return 0;
  }

  /** {@code man 2 sched_get_priority_max}. */
  static long schedGetPriorityMax(Task t, SyscallArgs a) throws ErrnoException {
    return isRealtime(policy(a)) ? MAX_RT_PRIORITY : 0;
  }

  /** {@code man 2 sched_get_priority_min}. */
  static long schedGetPriorityMin(Task t, SyscallArgs a) throws ErrnoException {
    return isRealtime(policy(a)) ? 1 : 0;
  }

  private static int policy(SyscallArgs a) throws ErrnoException {
    int policy = a.i32(0);
    if (!isKnown(policy) && policy != SchedulingAttributes.SCHED_DEADLINE) {
      throw EINVAL.error();
    }
    return policy;
  }

  /** {@code man 2 sched_rr_get_interval}: pid, tp. */
  static long schedRrGetInterval(Task t, SyscallArgs a) throws ErrnoException {
    Task of = find(t, a.i32(0));
    boolean rr = of.scheduling().policy == SchedulingAttributes.SCHED_RR;
    Clocks.writeTimespec(t.scratch(), 0, rr ? RR_INTERVAL : isRealtime(of.scheduling().policy) ? 0 : 4_000_000);
    t.mm().copyOut(a.addr(1), t.scratch(), 0, Clocks.SIZE);
    return 0;
  }

  /** {@code man 2 sched_setattr}: pid, attr, flags. */
  static long schedSetattr(Task t, SyscallArgs a) throws ErrnoException {
    if (a.addr(1) == 0 || a.i32(0) < 0 || a.i32(2) != 0) {
      throw EINVAL.error();
    }
    MemorySegment s = t.scratch();
    int size = t.mm().readInt(a.addr(1));
    if (size == 0) {
      size = ATTR_SIZE;
    }
    if (size < ATTR_SIZE || size > ATTR_MAX || !isZero(t, a.addr(1) + KNOWN_SIZE, size - KNOWN_SIZE)) {
      t.mm().writeInt(a.addr(1), KNOWN_SIZE);
      throw E2BIG.error();
    }
    t.mm().copyIn(a.addr(1), s, 0, ATTR_SIZE);
    int policy = s.get(JAVA_INT_UNALIGNED, 4);
    long flags = s.get(JAVA_LONG_UNALIGNED, 8);
    int nice = s.get(JAVA_INT_UNALIGNED, 16);
    int priority = s.get(JAVA_INT_UNALIGNED, 20);
    if (policy < 0 || (flags & ~SCHED_FLAGS) != 0) {
      throw EINVAL.error();
    }
    Task of = find(t, a.i32(0));
    SchedulingAttributes now = of.scheduling();
    if ((flags & SCHED_FLAG_KEEP_POLICY) != 0) {
      policy = now.policy;
    }
    if ((flags & SCHED_FLAG_KEEP_PARAMS) != 0) {
      priority = now.priority;
      nice = now.nice;
    }
    nice = Math.max(MIN_NICE, Math.min(MAX_NICE, nice));
    if (!isRealtime(policy) && nice < now.nice && !t.creds().has(Capability.CAP_SYS_NICE)
        && of.rlimits().exceeds(Rlimits.RLIMIT_NICE, 20 - nice)) {
      throw EPERM.error();
    }
    set(t, of, policy, priority, (flags & SCHED_FLAG_RESET_ON_FORK) != 0);
    if (!isRealtime(policy)) {
      now.nice = nice;
    }
    return 0;
  }

  /** Whether bytes that only a later kernel knows are zero; true when there are none. */
  private static boolean isZero(Task t, long addr, int length) throws ErrnoException {
    if (length <= 0) {
      return true;
    }
    t.mm().copyIn(addr, t.scratch(), 0, length);
    for (int i = 0; i < length; i++) {
      if (t.scratch().get(JAVA_BYTE, i) != 0) {
        return false;
      }
    }
    return true;
  }

  /** {@code man 2 sched_getattr}: pid, attr, size, flags. */
  static long schedGetattr(Task t, SyscallArgs a) throws ErrnoException {
    int size = a.i32(2);
    if (a.addr(1) == 0 || a.i32(0) < 0 || size < ATTR_SIZE || size > ATTR_MAX || a.i32(3) != 0) {
      throw EINVAL.error();
    }
    SchedulingAttributes of = find(t, a.i32(0)).scheduling();
    MemorySegment s = t.scratch();
    s.asSlice(0, ATTR_SIZE).fill((byte) 0);
    s.set(JAVA_INT_UNALIGNED, 0, ATTR_SIZE);
    s.set(JAVA_INT_UNALIGNED, 4, of.policy);
    s.set(JAVA_LONG_UNALIGNED, 8, of.resetOnFork ? SCHED_FLAG_RESET_ON_FORK : 0);
    s.set(JAVA_INT_UNALIGNED, 16, isRealtime(of.policy) ? 0 : of.nice);
    s.set(JAVA_INT_UNALIGNED, 20, of.priority);
    t.mm().copyOut(a.addr(1), s, 0, ATTR_SIZE);
    return 0;
  }

  /** {@code man 2 sched_setaffinity}: pid, cpusetsize, mask. */
  static long schedSetaffinity(Task t, SyscallArgs a) throws ErrnoException {
    int bytes = (int) Math.min(a.size(1) & 0xffffffffL, MAX_MASK_BYTES);
    int processors = t.container().processors();
    long[] mask = new long[(processors + 63) / 64];
    MemorySegment s = t.scratch();
    t.mm().copyIn(a.addr(2), s, 0, bytes);
    boolean any = false;
    for (int cpu = 0; cpu < processors && cpu / 8 < bytes; cpu++) {
      if ((s.get(JAVA_BYTE, cpu / 8) >>> (cpu & 7) & 1) != 0) {
        mask[cpu >> 6] |= 1L << cpu;
        any = true;
      }
    }
    Task of = findAny(t, a.i32(0));
    checkOwner(t, of);
    if (!any) {
      throw EINVAL.error();
    }
    of.scheduling().affinity = mask;
    return 0;
  }

  /** {@code man 2 sched_getaffinity}: pid, cpusetsize, mask; the bytes written. */
  static long schedGetaffinity(Task t, SyscallArgs a) throws ErrnoException {
    int processors = t.container().processors();
    int words = (processors + 63) / 64;
    long size = a.size(1) & 0xffffffffL;
    if (size * 8 < processors || (size & 7) != 0) {
      throw EINVAL.error();
    }
    long[] mask = findAny(t, a.i32(0)).scheduling().affinity;
    MemorySegment s = t.scratch();
    for (int w = 0; w < words; w++) {
      int left = processors - 64 * w;
      long all = left >= 64 ? -1L : (1L << left) - 1;
      s.set(JAVA_LONG_UNALIGNED, 8L * w, mask == null ? all : w < mask.length ? mask[w] & all : 0);
    }
    t.mm().copyOut(a.addr(2), s, 0, 8L * words);
    return 8L * words;
  }

  /** {@code man 2 getcpu}: cpu, node. */
  static long getcpu(Task t, SyscallArgs a) throws ErrnoException {
    if (a.addr(0) != 0) {
      long[] mask = t.scheduling().affinity;
      t.mm().writeInt(a.addr(0), mask == null ? 0 : firstCpu(mask));
    }
    if (a.addr(1) != 0) {
      t.mm().writeInt(a.addr(1), 0);
    }
    return 0;
  }

  private static int firstCpu(long[] mask) {
    for (int w = 0; w < mask.length; w++) {
      if (mask[w] != 0) {
        return 64 * w + Long.numberOfTrailingZeros(mask[w]);
      }
    }
    return 0;
  }
}
