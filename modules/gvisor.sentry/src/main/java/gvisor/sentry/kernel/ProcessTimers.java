package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.time.Clocks;
import gvisor.sentry.time.TimerQueue;
import java.util.TreeMap;

/**
 * Interval timers, POSIX timers and the CPU time limit of one process. Guarded by {@link Kernel#tasksLock}, which every
 * method takes.
 */
public final class ProcessTimers {
  public static final int ITIMER_REAL = 0;
  public static final int ITIMER_VIRTUAL = 1;
  public static final int ITIMER_PROF = 2;

  private static final int MAX_POSIX_TIMERS = 4096;

  private final ThreadGroup process;
  private final IntervalTimer[] intervals = new IntervalTimer[3];
  private final TreeMap<Integer, PosixTimer> posix = new TreeMap<>();
  private final CpuLimit cpuLimit = new CpuLimit();
  private int nextId;

  ProcessTimers(ThreadGroup process) {
    this.process = process;
  }

  private Kernel kernel() {
    return process.kernel();
  }

  /** CLOCK_MONOTONIC, or CPU time for the other two, in nanoseconds. */
  private long clock(int which) {
    return switch (which) {
      case ITIMER_REAL -> kernel().host().clock().monotonicNanos();
      case ITIMER_VIRTUAL -> process.utime();
      default -> process.utime() + process.stime();
    };
  }

  /** How long from now until a CPU clock can have gone on by {@code nanos}: it runs as fast as there are threads. */
  static long wallFor(ThreadGroup process, long nanos) {
    int parallel = Math.max(1, Math.min(process.liveTasks, process.container().processors()));
    return Math.max(nanos / parallel, 1_000_000);
  }

  /** One of {@code setitimer}'s. */
  private final class IntervalTimer extends TimerQueue.Alarm {
    final int which;
    final int signo;
    /** On the timer's clock; 0 when it is not set. */
    long expiry;
    long interval;

    IntervalTimer(int which, int signo) {
      this.which = which;
      this.signo = signo;
    }

    void arm() {
      if (expiry == 0) {
        kernel().timers().cancel(this);
        return;
      }
      long now = kernel().host().clock().monotonicNanos();
      long due = which == ITIMER_REAL ? expiry : now + wallFor(process, expiry - clock(which));
      kernel().timers().set(this, due);
    }

    @Override
    protected void ring() {
      Kernel k = kernel();
      k.tasksLock.lock();
      try {
        if (expiry == 0 || process.zombie) {
          return;
        }
        long now = clock(which);
        if (now >= expiry) {
          if (interval == 0) {
            expiry = 0;
          } else {
            expiry += interval * ((now - expiry) / interval + 1);
          }
          Signals.send(process, null, SigInfo.kernel(signo), false);
        }
        arm();
      } finally {
        k.tasksLock.unlock();
      }
    }
  }

  /** RLIMIT_CPU: SIGXCPU each second above the soft limit, SIGKILL at the hard one. */
  private final class CpuLimit extends TimerQueue.Alarm {
    private long next;

    void arm() {
      long soft = process.rlimits.soft(Rlimits.RLIMIT_CPU);
      long hard = process.rlimits.hard(Rlimits.RLIMIT_CPU);
      if (soft == Rlimits.INFINITY && hard == Rlimits.INFINITY) {
        kernel().timers().cancel(this);
        return;
      }
      long used = process.utime() + process.stime();
      long limit = Math.max(seconds(soft), next);
      long first = Math.min(limit, seconds(hard));
      kernel().timers().set(this, kernel().host().clock().monotonicNanos() + wallFor(process, first - used));
    }

    private long seconds(long limit) {
      return limit < 0 || limit > Long.MAX_VALUE / Clocks.NANOS_PER_SECOND
          ? Long.MAX_VALUE : limit * Clocks.NANOS_PER_SECOND;
    }

    @Override
    protected void ring() {
      Kernel k = kernel();
      k.tasksLock.lock();
      try {
        if (process.zombie) {
          return;
        }
        long used = process.utime() + process.stime();
        if (used >= seconds(process.rlimits.hard(Rlimits.RLIMIT_CPU))) {
          Signals.kill(process);
          return;
        }
        if (used >= Math.max(seconds(process.rlimits.soft(Rlimits.RLIMIT_CPU)), next)) {
          next = used + Clocks.NANOS_PER_SECOND;
          Signals.send(process, null, SigInfo.kernel(Signal.SIGXCPU), false);
        }
        arm();
      } finally {
        k.tasksLock.unlock();
      }
    }
  }

  /** The CPU limit has changed. */
  public void cpuLimitChanged() {
    kernel().tasksLock.lock();
    try {
      cpuLimit.arm();
    } finally {
      kernel().tasksLock.unlock();
    }
  }

  private IntervalTimer interval(int which) {
    if (intervals[which] == null) {
      int signo = which == ITIMER_REAL ? Signal.SIGALRM : which == ITIMER_VIRTUAL ? Signal.SIGVTALRM : Signal.SIGPROF;
      intervals[which] = new IntervalTimer(which, signo);
    }
    return intervals[which];
  }

  /** What is left of an interval timer and its interval, in nanoseconds, into {@code out[0]} and {@code out[1]}. */
  public void getInterval(int which, long[] out) {
    kernel().tasksLock.lock();
    try {
      IntervalTimer t = intervals[which];
      out[0] = t == null || t.expiry == 0 ? 0 : Math.max(1000, t.expiry - clock(which));
      out[1] = t == null ? 0 : t.interval;
    } finally {
      kernel().tasksLock.unlock();
    }
  }

  /** Sets an interval timer; {@code old} gets what it was. 0 nanoseconds: off. */
  public void setInterval(int which, long value, long interval, long[] old) {
    kernel().tasksLock.lock();
    try {
      getInterval(which, old);
      IntervalTimer t = interval(which);
      t.expiry = value == 0 ? 0 : Clocks.after(clock(which), value);
      t.interval = interval;
      t.arm();
    } finally {
      kernel().tasksLock.unlock();
    }
  }

  // ---- POSIX timers ----

  /** Adds a timer made by {@code maker} for the id it is given. EAGAIN when there are too many. */
  PosixTimer add(PosixTimer timer) throws ErrnoException {
    kernel().tasksLock.lock();
    try {
      if (posix.size() >= MAX_POSIX_TIMERS) {
        throw EAGAIN.error();
      }
      while (posix.containsKey(nextId)) {
        nextId = nextId + 1 & Integer.MAX_VALUE;
      }
      timer.id = nextId;
      nextId = nextId + 1 & Integer.MAX_VALUE;
      posix.put(timer.id, timer);
      return timer;
    } finally {
      kernel().tasksLock.unlock();
    }
  }

  /** The timer {@code id}; EINVAL when there is none. */
  public PosixTimer posix(int id) throws ErrnoException {
    kernel().tasksLock.lock();
    try {
      PosixTimer t = posix.get(id);
      if (t == null) {
        throw EINVAL.error();
      }
      return t;
    } finally {
      kernel().tasksLock.unlock();
    }
  }

  /** The content of {@code /proc/[pid]/timers}, with ids as {@code pids} has them. */
  public void describe(StringBuilder out, PidNamespace pids) {
    kernel().tasksLock.lock();
    try {
      for (PosixTimer t : posix.values()) {
        t.describe(out, pids);
      }
    } finally {
      kernel().tasksLock.unlock();
    }
  }

  /** Deletes a timer; EINVAL when there is none. */
  public void delete(int id) throws ErrnoException {
    kernel().tasksLock.lock();
    try {
      PosixTimer t = posix.remove(id);
      if (t == null) {
        throw EINVAL.error();
      }
      t.disarm();
    } finally {
      kernel().tasksLock.unlock();
    }
  }

  /** {@code execve}: POSIX timers go, interval timers stay. */
  void exec() {
    kernel().tasksLock.lock();
    try {
      for (PosixTimer t : posix.values()) {
        t.disarm();
      }
      posix.clear();
    } finally {
      kernel().tasksLock.unlock();
    }
  }

  /** The process is dead. */
  void close() {
    exec();
    kernel().tasksLock.lock();
    try {
      for (IntervalTimer t : intervals) {
        if (t != null) {
          t.expiry = 0;
          kernel().timers().cancel(t);
        }
      }
      kernel().timers().cancel(cpuLimit);
    } finally {
      kernel().tasksLock.unlock();
    }
  }
}
