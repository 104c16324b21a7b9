package gvisor.sentry.loader;

import gvisor.api.host.HostClock;
import java.util.concurrent.locks.LockSupport;

/**
 * The clocks of the sandbox: the host's, read through the time stamp counter with the parameters that applications use
 * in the vDSO, so that a system call and the vDSO agree to the nanosecond and neither runs backwards against the other.
 * The kernel must use this clock and not the host's own for everything an application can compare.
 *
 * <p>Parameters are corrected now and then so that the time approaches the host's over the next interval instead of
 * jumping to it. Where the host has no invariant counter this is the host's clock, and the vDSO asks the kernel.
 *
 * <p>Thread-safe; {@link #update} is one thread's at a time.
 */
public final class VdsoClock implements HostClock {
  /**
   * What makes a time of a counter.
   *
   * @param counter at the base
   * @param multiplier nanoseconds a tick, with {@value #SHIFT} bits of fraction
   * @param monotonic CLOCK_MONOTONIC at the base, in nanoseconds
   * @param realtime CLOCK_REALTIME minus CLOCK_MONOTONIC
   * @param boottime CLOCK_BOOTTIME minus CLOCK_MONOTONIC
   */
  record Parameters(long counter, long multiplier, long monotonic, long realtime, long boottime) {
    long monotonicAt(long counterNow) {
      long ticks = Math.max(0, counterNow - counter);
      return monotonic + (Math.unsignedMultiplyHigh(ticks, multiplier) << Long.SIZE - SHIFT
          | ticks * multiplier >>> SHIFT);
    }
  }

  /** Bits of fraction of the multiplier. */
  static final int SHIFT = 32;

  /** The clock is correct within the error of one reading divided by this, in parts: 100 ns in 5 ms is 20 ppm. */
  private static final long FIRST_INTERVAL_NANOS = 5_000_000;

  /** How long the parameters stand before they are corrected, as they get better. */
  private static final long[] INTERVALS_NANOS = {100_000_000L, 1_000_000_000L, 10_000_000_000L};

  /**
   * CLOCK_REALTIME follows the host's at once when somebody has set that; smaller differences are errors of reading.
   */
  private static final long STEP_NANOS = 20_000;

  /** Most that the speed is changed to catch up, as a fraction: 1/2000 is what {@code adjtime} does. */
  private static final long MAX_SLEW = 2000;

  private static final int TRIES = 5;

  private final HostClock host;
  private final boolean hasCounter;
  private volatile Parameters parameters;
  private volatile ClockPage page;
  /** New parameters are being entered: who has read old ones reads again. */
  private volatile boolean changing;

  // Of the updating thread.
  private long firstCounter;
  private long firstMonotonic;
  private long readCounter;
  private long readMonotonic;

  /** Takes a few milliseconds, to find out how fast the counter runs. */
  public VdsoClock(HostClock host) {
    this.host = host;
    this.hasCounter = host.timestampCounter() != 0;
    if (hasCounter) {
      read();
      firstCounter = readCounter;
      firstMonotonic = readMonotonic;
      long until = firstMonotonic + FIRST_INTERVAL_NANOS;
      for (long left = FIRST_INTERVAL_NANOS; left > 0; left = until - host.monotonicNanos()) {
        LockSupport.parkNanos(this, left);
      }
      read();
      parameters = new Parameters(readCounter, measuredMultiplier(), readMonotonic,
          host.realtimeNanos() - host.monotonicNanos(), host.boottimeNanos() - host.monotonicNanos());
    }
  }

  /** Has {@code page} follow the clock from now on. */
  void attach(ClockPage page) {
    this.page = page;
    if (hasCounter) {
      page.begin();
      page.write(parameters);
      page.end();
    }
  }

  /** Starts the thread that keeps the clock right, for as long as the process lives. */
  public void start() {
    if (hasCounter) {
      Thread.ofPlatform().daemon().name("clock").start(this::keep);
    }
  }

  private void keep() {
    int i = 0;
    while (true) {
      long interval = INTERVALS_NANOS[i];
      LockSupport.parkNanos(this, interval);
      i = Math.min(i + 1, INTERVALS_NANOS.length - 1);
      update(INTERVALS_NANOS[i]);
    }
  }

  /**
   * Measures again and corrects the parameters.
   *
   * @param nextNanos until the next correction: by then this clock is to meet the host's
   */
  public void update(long nextNanos) {
    if (!hasCounter) {
      return;
    }
    read();
    Parameters old = parameters;
    long multiplier = measuredMultiplier();
    long behind = readMonotonic - old.monotonicAt(readCounter);
    long bound = nextNanos / MAX_SLEW;
    long catchUp = Math.max(-bound, Math.min(bound, behind));
    long slewed = multiplier + (long) ((double) multiplier * catchUp / nextNanos);
    long realtime = host.realtimeNanos() - host.monotonicNanos();
    if (Math.abs(realtime - old.realtime) < STEP_NANOS) {
      realtime = old.realtime;
    }
    long boottime = host.boottimeNanos() - host.monotonicNanos();
    if (Math.abs(boottime - old.boottime) < STEP_NANOS) {
      boottime = old.boottime;
    }
    // Readers wait for the few instructions in between: the new line starts where the old one ends.
    ClockPage p = page;
    changing = true;
    if (p != null) {
      p.begin();
    }
    long counter = host.timestampCounter();
    Parameters next = new Parameters(counter, slewed, old.monotonicAt(counter), realtime, boottime);
    if (p != null) {
      p.write(next);
    }
    parameters = next;
    if (p != null) {
      p.end();
    }
    changing = false;
  }

  /** Nanoseconds a tick over all the time since the start. */
  private long measuredMultiplier() {
    long ticks = readCounter - firstCounter;
    long nanos = readMonotonic - firstMonotonic;
    return (long) ((double) nanos / ticks * (1L << SHIFT));
  }

  /** Reads the counter and the clock at the same moment: the try during which the least time passed. */
  private void read() {
    long best = Long.MAX_VALUE;
    for (int i = 0; i < TRIES; i++) {
      long before = host.timestampCounter();
      long nanos = host.monotonicNanos();
      long after = host.timestampCounter();
      if (after - before < best && after > before) {
        best = after - before;
        readCounter = before + best / 2;
        readMonotonic = nanos;
      }
    }
  }

  @Override
  public long monotonicNanos() {
    while (true) {
      Parameters p = parameters;
      if (p == null) {
        return host.monotonicNanos();
      }
      long now = p.monotonicAt(host.timestampCounter());
      if (!changing && p == parameters) {
        return now;
      }
      Thread.onSpinWait();
    }
  }

  @Override
  public long realtimeNanos() {
    Parameters p = parameters;
    return p == null ? host.realtimeNanos() : monotonicNanos() + parameters.realtime;
  }

  @Override
  public long boottimeNanos() {
    Parameters p = parameters;
    return p == null ? host.boottimeNanos() : monotonicNanos() + parameters.boottime;
  }

  @Override
  public long threadCpuNanos() {
    return host.threadCpuNanos();
  }

  @Override
  public long timestampCounter() {
    return host.timestampCounter();
  }
}
