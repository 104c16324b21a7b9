package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EOPNOTSUPP;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostClock;
import gvisor.sentry.time.Clocks;

/** A clock as {@code clock_gettime(2)} names it: the machine's, or the CPU time of a task or process. Thread-safe. */
public final class TaskClock {
  public static final int CLOCK_REALTIME = 0;
  public static final int CLOCK_MONOTONIC = 1;
  public static final int CLOCK_PROCESS_CPUTIME_ID = 2;
  public static final int CLOCK_THREAD_CPUTIME_ID = 3;
  public static final int CLOCK_MONOTONIC_RAW = 4;
  public static final int CLOCK_REALTIME_COARSE = 5;
  public static final int CLOCK_MONOTONIC_COARSE = 6;
  public static final int CLOCK_BOOTTIME = 7;
  public static final int CLOCK_REALTIME_ALARM = 8;
  public static final int CLOCK_BOOTTIME_ALARM = 9;
  public static final int CLOCK_TAI = 11;

  private static final int CPU_CLOCK_PER_THREAD = 4;
  private static final int CPU_CLOCK_MASK = 3;
  private static final int CPU_CLOCK_PROF = 0;
  private static final int CPU_CLOCK_VIRT = 1;
  private static final int CPU_CLOCK_SCHED = 2;

  private enum Kind { REALTIME, MONOTONIC, BOOTTIME, CPU }

  private final Kernel kernel;
  private final Kind kind;
  private final ThreadGroup process;
  private final Task thread;
  private final boolean userOnly;

  private TaskClock(Kernel kernel, Kind kind, ThreadGroup process, Task thread, boolean userOnly) {
    this.kernel = kernel;
    this.kind = kind;
    this.process = process;
    this.thread = thread;
    this.userOnly = userOnly;
  }

  /** The clock {@code id} as {@code task} sees it; EINVAL when there is none. Allocates: not for reading the time. */
  public static TaskClock of(Task task, int id) throws ErrnoException {
    Kernel kernel = task.kernel();
    if (id < 0) {
      return cpu(task, id);
    }
    return switch (id) {
      case CLOCK_REALTIME, CLOCK_REALTIME_ALARM, CLOCK_TAI, CLOCK_REALTIME_COARSE ->
          new TaskClock(kernel, Kind.REALTIME, null, null, false);
      case CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE ->
          new TaskClock(kernel, Kind.MONOTONIC, null, null, false);
      case CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM -> new TaskClock(kernel, Kind.BOOTTIME, null, null, false);
      case CLOCK_PROCESS_CPUTIME_ID -> new TaskClock(kernel, Kind.CPU, task.threadGroup(), null, false);
      case CLOCK_THREAD_CPUTIME_ID -> new TaskClock(kernel, Kind.CPU, null, task, false);
      default -> throw EINVAL.error();
    };
  }

  /** Clock ids below zero name a task's or process' CPU time: the complement of its id, and three bits. */
  private static TaskClock cpu(Task task, int id) throws ErrnoException {
    int which = id & CPU_CLOCK_MASK;
    if (which > CPU_CLOCK_SCHED) {
      throw EINVAL.error();
    }
    int pid = ~(id >> 3);
    boolean perThread = (id & CPU_CLOCK_PER_THREAD) != 0;
    Task of = pid == 0 ? task : task.pidNamespace().task(pid);
    if (of == null || perThread && of.threadGroup() != task.threadGroup()) {
      throw EINVAL.error();
    }
    boolean userOnly = which == CPU_CLOCK_VIRT;
    return perThread ? new TaskClock(task.kernel(), Kind.CPU, null, of, userOnly)
        : new TaskClock(task.kernel(), Kind.CPU, of.threadGroup(), null, userOnly);
  }

  /** The time of clock {@code id} in nanoseconds; EINVAL when there is none. The fast way: allocates nothing. */
  public static long read(Task task, int id) throws ErrnoException {
    HostClock host = task.kernel().host().clock();
    return switch (id) {
      case CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_REALTIME_ALARM, CLOCK_TAI -> host.realtimeNanos();
      case CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW -> host.monotonicNanos();
      case CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM -> host.boottimeNanos();
      case CLOCK_THREAD_CPUTIME_ID -> task.utime() + task.stime();
      case CLOCK_PROCESS_CPUTIME_ID -> task.threadGroup().utime() + task.threadGroup().stime();
      default -> of(task, id).now();
    };
  }

  /** Checks that one can sleep on clock {@code id}: EINVAL or EOPNOTSUPP. */
  public static void checkSleep(int id) throws ErrnoException {
    switch (id) {
      case CLOCK_THREAD_CPUTIME_ID -> throw EINVAL.error();
      case CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE -> throw EOPNOTSUPP.error();
      default -> {
      }
    }
  }

  /** Nanoseconds now. */
  public long now() {
    HostClock host = kernel.host().clock();
    return switch (kind) {
      case REALTIME -> host.realtimeNanos();
      case MONOTONIC -> host.monotonicNanos();
      case BOOTTIME -> host.boottimeNanos();
      case CPU -> thread != null
          ? thread.utime() + (userOnly ? 0 : thread.stime())
          : process.utime() + (userOnly ? 0 : process.stime());
    };
  }

  /** Whether it goes on only while something runs. */
  public boolean isCpu() {
    return kind == Kind.CPU;
  }

  /** When on CLOCK_MONOTONIC to look whether this clock has reached {@code time}; it may turn out not to have yet. */
  public long due(long time) {
    long host = kernel.host().clock().monotonicNanos();
    long left = time - now();
    if (left <= 0) {
      return host;
    }
    if (kind == Kind.CPU) {
      left = ProcessTimers.wallFor(thread != null ? thread.threadGroup() : process, left);
    }
    return Clocks.after(host, left);
  }
}
