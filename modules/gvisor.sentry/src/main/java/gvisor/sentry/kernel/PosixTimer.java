package gvisor.sentry.kernel;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.time.Clocks;
import gvisor.sentry.time.TimerQueue;

/**
 * A timer of {@code man 2 timer_create}. At most one signal of it is queued; expirations until that is taken are its
 * overrun. Guarded by {@link Kernel#tasksLock}.
 */
public final class PosixTimer extends TimerQueue.Alarm {
  public static final int SIGEV_SIGNAL = 0;
  public static final int SIGEV_NONE = 1;
  public static final int SIGEV_THREAD_ID = 4;

  private static final int DELAYTIMER_MAX = Integer.MAX_VALUE;

  private final ThreadGroup process;
  private final int clockId;
  private final TaskClock clock;
  private final int notify;
  private final int signo;
  private final Task target;
  private long value;
  int id;

  /** On its clock; 0 when it is not set. */
  private long expiry;
  private long interval;
  private boolean queued;
  private long missed;
  private int lastOverrun;

  private PosixTimer(ThreadGroup process, int clockId, TaskClock clock, int notify, int signo, Task target) {
    this.process = process;
    this.clockId = clockId;
    this.clock = clock;
    this.notify = notify;
    this.signo = signo;
    this.target = target;
  }

  /**
   * Makes a timer of {@code task}'s process that is not set yet.
   *
   * @param notify SIGEV_NONE, SIGEV_SIGNAL, or SIGEV_THREAD_ID with a target
   * @param value {@code sigev_value}; null for the timer's id
   */
  public static PosixTimer create(
      Task task, int clockId, TaskClock clock, int notify, int signo, Long value, Task target) throws ErrnoException {
    ThreadGroup process = task.threadGroup();
    PosixTimer timer = process.timers.add(new PosixTimer(process, clockId, clock, notify, signo, target));
    timer.value = value == null ? timer.id : value;
    return timer;
  }

  public int id() {
    return id;
  }

  /** Its lines of {@code /proc/[pid]/timers}, with ids as {@code pids} has them. */
  void describe(StringBuilder out, PidNamespace pids) {
    boolean thread = notify == SIGEV_THREAD_ID;
    int id = (thread ? target.pid() : process.pid()).in(pids);
    String digits = Long.toHexString(value);
    out.append("ID: ").append(this.id).append("\nsignal: ").append(signo).append('/');
    out.repeat('0', 16 - digits.length()).append(digits);
    out.append("\nnotify: ").append(notify == SIGEV_NONE ? "none" : "signal").append(thread ? "/tid." : "/pid.");
    out.append(id).append("\nClockID: ").append(clockId).append('\n');
  }

  private Kernel kernel() {
    return process.kernel();
  }

  /** What is left and the interval, in nanoseconds, into {@code out[0]} and {@code out[1]}. */
  public void get(long[] out) {
    kernel().tasksLock.lock();
    try {
      long now = clock.now();
      if (expiry != 0 && notify == SIGEV_NONE) {
        forward(now);
      }
      long left = expiry == 0 ? 0 : expiry - now;
      if (expiry != 0 && left <= 0) {
        // Expired, and the signal not taken yet: what is left is of the next period.
        left = interval == 0 ? (queued || notify != SIGEV_NONE ? 0 : 1) : interval - (now - expiry) % interval;
      }
      out[0] = left;
      out[1] = interval;
    } finally {
      kernel().tasksLock.unlock();
    }
  }

  /** Sets it. {@code start} of 0 switches it off. */
  public void set(long start, boolean absolute, long newInterval, long[] old) {
    kernel().tasksLock.lock();
    try {
      get(old);
      queued = false;
      missed = 0;
      lastOverrun = 0;
      interval = newInterval;
      expiry = start == 0 ? 0 : absolute ? start : Clocks.after(clock.now(), start);
      arm();
    } finally {
      kernel().tasksLock.unlock();
    }
  }

  private void forward(long now) {
    if (now < expiry) {
      return;
    }
    if (interval == 0) {
      expiry = 0;
      return;
    }
    long periods = (now - expiry) / interval + 1;
    expiry += periods * interval;
    missed += periods;
  }

  private void arm() {
    if (expiry == 0 || notify == SIGEV_NONE) {
      kernel().timers().cancel(this);
      return;
    }
    kernel().timers().set(this, clock.due(expiry));
  }

  void disarm() {
    expiry = 0;
    interval = 0;
    kernel().timers().cancel(this);
  }

  @Override
  protected void ring() {
    kernel().tasksLock.lock();
    try {
      if (expiry == 0 || process.zombie) {
        return;
      }
      long now = clock.now();
      if (now < expiry) {
        arm();
        return;
      }
      missed = 0;
      forward(now);
      missed = Math.max(0, missed - 1);
      if (target != null && target.dead) {
        return;
      }
      if (!queued) {
        queued = true;
        Signals.send(process, target, SigInfo.timer(signo, id, value, this), false);
        if (!isPending()) {
          // It was ignored or could not be queued: nobody will come to take it.
          queued = false;
          arm();
        }
      }
      // While a signal waits the timer rests; taking the signal works out what was missed.
    } finally {
      kernel().tasksLock.unlock();
    }
  }

  private boolean isPending() {
    PendingSignals queue = target != null ? target.pending : process.pending;
    return Signal.has(queue.set(), signo);
  }

  /** The signal is being taken: says how many expirations it stands for, and goes on. The lock is held. */
  void delivered(SigInfo info) {
    if (!queued) {
      return;
    }
    queued = false;
    if (expiry != 0 && interval != 0) {
      forward(clock.now());
    }
    lastOverrun = (int) Math.min(missed, DELAYTIMER_MAX);
    missed = 0;
    info.setOverrun(lastOverrun);
    arm();
  }

  /** {@code timer_getoverrun(2)}: of the signal that was taken last. */
  public int overrun() {
    return lastOverrun;
  }
}
