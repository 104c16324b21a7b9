package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;

/** Timeouts as calls take them, as deadlines on CLOCK_MONOTONIC. */
final class Timeouts {
  private static final long NANOS = 1_000_000_000L;

  private Timeouts() {}

  /** The deadline for a {@code struct timespec} at {@code addr}; {@link Task#FOREVER} for a null pointer. */
  static long fromTimespec(Task t, long addr) throws ErrnoException {
    if (addr == 0) {
      return Task.FOREVER;
    }
    return deadline(t, t.mm().readLong(addr), t.mm().readLong(addr + 8), NANOS);
  }

  /** The deadline for a {@code struct timeval} at {@code addr}; {@link Task#FOREVER} for a null pointer. */
  static long fromTimeval(Task t, long addr) throws ErrnoException {
    if (addr == 0) {
      return Task.FOREVER;
    }
    long seconds = t.mm().readLong(addr);
    long micros = t.mm().readLong(addr + 8);
    if (seconds < 0 || micros < 0) {
      throw EINVAL.error();
    }
    // Linux: select carries microseconds above a million over.
    return deadline(t, seconds + micros / 1_000_000, micros % 1_000_000 * 1000, NANOS);
  }

  /** The deadline for milliseconds; {@link Task#FOREVER} for a negative number. */
  static long fromMillis(Task t, int millis) {
    return millis < 0 ? Task.FOREVER : now(t) + millis * 1_000_000L;
  }

  private static long deadline(Task t, long seconds, long nanos, long limit) throws ErrnoException {
    if (seconds < 0 || nanos < 0 || nanos >= limit) {
      throw EINVAL.error();
    }
    long now = now(t);
    if (seconds >= (Task.FOREVER - now) / NANOS - 1) {
      return Task.FOREVER;
    }
    return now + seconds * NANOS + nanos;
  }

  /** Stores what is left as a {@code struct timespec}; a store that faults changes nothing. */
  static void putRemainingTimespec(Task t, long addr, long deadline) {
    putRemaining(t, addr, deadline, 1);
  }

  /** Stores what is left as a {@code struct timeval}; a store that faults changes nothing. */
  static void putRemainingTimeval(Task t, long addr, long deadline) {
    putRemaining(t, addr, deadline, 1000);
  }

  private static void putRemaining(Task t, long addr, long deadline, long unit) {
    if (addr == 0 || deadline == Task.FOREVER) {
      return;
    }
    long left = Math.max(0, deadline - now(t));
    try {
      t.mm().writeLong(addr, left / NANOS);
      t.mm().writeLong(addr + 8, left % NANOS / unit);
    } catch (ErrnoException e) {
      // As on Linux, the call's result counts; a time stamp in read-only memory is left as it is.
    }
  }

  static long now(Task t) {
    return t.kernel().host().clock().monotonicNanos();
  }
}
