package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.ECANCELED;
import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOTTY;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.time.Clocks;
import gvisor.sentry.time.TimerQueue;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.ReentrantLock;

/** A timer that is read ({@code man 2 timerfd_create}). Its lock is above the timer queue's. */
public final class TimerFd implements FileOps {
  private static final int TFD_IOC_SET_TICKS = 0x40085400;

  private final Kernel kernel;
  private final TaskClock clock;
  private final int clockId;
  private final ReentrantLock timerLock = new ReentrantLock();
  private final WaitQueue queue = new WaitQueue();
  private final MemorySegment word = MemorySegment.ofArray(new long[1]);

  // Guarded by timerLock.
  private long expiry;
  private long interval;
  private long ticks;
  private boolean absolute;

  private final TimerQueue.Alarm alarm = new TimerQueue.Alarm() {
    @Override
    protected void ring() {
      boolean fired;
      timerLock.lock();
      try {
        fired = catchUp();
        arm();
      } finally {
        timerLock.unlock();
      }
      if (fired) {
        queue.notify(EventMask.READABLE);
      }
    }
  };

  private TimerFd(Kernel kernel, TaskClock clock, int clockId) {
    this.kernel = kernel;
    this.clock = clock;
    this.clockId = clockId;
  }

  /** An open timer on clock {@code clockId}, not set. */
  public static FileDescription open(Task t, int clockId, int flags) throws ErrnoException {
    return AnonFile.open(t.kernel().vfs(), new TimerFd(t.kernel(), TaskClock.of(t, clockId), clockId), "[timerfd]",
        flags);
  }

  /** Counts expirations up to now; whether there was one. */
  private boolean catchUp() {
    if (expiry == 0) {
      return false;
    }
    long now = clock.now();
    if (now < expiry) {
      return false;
    }
    if (interval == 0) {
      ticks++;
      expiry = 0;
    } else {
      long periods = (now - expiry) / interval + 1;
      ticks += periods;
      expiry += periods * interval;
    }
    return true;
  }

  private void arm() {
    if (expiry == 0) {
      kernel.timers().cancel(alarm);
    } else {
      kernel.timers().set(alarm, clock.due(expiry));
    }
  }

  /** What is left and the interval, in nanoseconds, into {@code out[0]} and {@code out[1]}. */
  public void get(long[] out) {
    timerLock.lock();
    try {
      catchUp();
      out[0] = expiry == 0 ? 0 : Math.max(1, expiry - clock.now());
      out[1] = interval;
    } finally {
      timerLock.unlock();
    }
  }

  /** Sets it; {@code start} of 0 switches it off. */
  public void set(long start, boolean isAbsolute, long newInterval, long[] old) {
    timerLock.lock();
    try {
      get(old);
      ticks = 0;
      absolute = isAbsolute;
      interval = newInterval;
      expiry = start == 0 ? 0 : isAbsolute ? start : Clocks.after(clock.now(), start);
      boolean fired = catchUp();
      arm();
      if (fired) {
        queue.notify(EventMask.READABLE);
      }
    } finally {
      timerLock.unlock();
    }
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    if (dst.remaining() < Long.BYTES) {
      throw EINVAL.error();
    }
    timerLock.lock();
    try {
      catchUp();
      if (ticks == 0) {
        return WOULD_BLOCK;
      }
      word.set(ValueLayout.JAVA_LONG, 0, ticks);
      ticks = 0;
      if (dst.put(word, 0, Long.BYTES) < Long.BYTES) {
        throw EFAULT.error();
      }
      return Long.BYTES;
    } finally {
      timerLock.unlock();
    }
  }

  @Override
  public long ioctl(Caller caller, FileDescription file, int request, long argument) throws ErrnoException {
    if (request != TFD_IOC_SET_TICKS) {
      throw ENOTTY.error();
    }
    long count = caller.mm().readLong(argument);
    if (count == 0) {
      throw EINVAL.error();
    }
    timerLock.lock();
    try {
      if (expiry == 0 && interval == 0 && ticks == 0) {
        throw ECANCELED.error();
      }
      ticks = count;
    } finally {
      timerLock.unlock();
    }
    queue.notify(EventMask.READABLE);
    return 0;
  }

  @Override
  public int readiness(int mask) {
    timerLock.lock();
    try {
      catchUp();
      return ticks == 0 ? 0 : mask & EventMask.READABLE;
    } finally {
      timerLock.unlock();
    }
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    queue.register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    queue.unregister(entry);
  }

  @Override
  public void release(FileDescription file) {
    timerLock.lock();
    try {
      expiry = 0;
      kernel.timers().cancel(alarm);
    } finally {
      timerLock.unlock();
    }
  }

  @Override
  public String fdInfo(FileDescription file) {
    long[] now = new long[2];
    get(now);
    timerLock.lock();
    try {
      return "clockid: " + clockId + "\nticks: " + ticks + "\nsettime flags: 0" + (absolute ? 1 : 0)
          + "\nit_value: (" + now[0] / Clocks.NANOS_PER_SECOND + ", " + now[0] % Clocks.NANOS_PER_SECOND
          + ")\nit_interval: (" + now[1] / Clocks.NANOS_PER_SECOND + ", " + now[1] % Clocks.NANOS_PER_SECOND + ")\n";
    } finally {
      timerLock.unlock();
    }
  }
}
