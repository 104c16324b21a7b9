package gvisor.sentry.time;

import static gvisor.api.errno.Errno.EINVAL;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;

/** Units of time, and {@code struct timespec} and {@code struct timeval}: two words, seconds and a fraction. */
public final class Clocks {
  public static final long NANOS_PER_SECOND = 1_000_000_000L;
  public static final long NANOS_PER_MICRO = 1000;

  /** A clock tick is a hundredth of a second: USER_HZ. */
  public static final long NANOS_PER_TICK = NANOS_PER_SECOND / 100;

  /** Bytes of either struct. */
  public static final int SIZE = 16;

  private static final long MICROS_PER_SECOND = 1_000_000;
  private static final long MAX_SECONDS = Long.MAX_VALUE / NANOS_PER_SECOND;

  private Clocks() {}

  /** {@code start + delay}, at most the largest number; a negative delay is in the past. */
  public static long after(long start, long delay) {
    long sum = start + delay;
    return delay > 0 && sum < start ? Long.MAX_VALUE : sum;
  }

  /** The {@code timespec} at {@code at} in nanoseconds, at most {@link Long#MAX_VALUE}; EINVAL when it is none. */
  public static long readTimespec(MemorySegment from, long at) throws ErrnoException {
    long seconds = from.get(JAVA_LONG_UNALIGNED, at);
    long nanos = from.get(JAVA_LONG_UNALIGNED, at + 8);
    if (seconds < 0 || nanos < 0 || nanos >= NANOS_PER_SECOND) {
      throw EINVAL.error();
    }
    return seconds >= MAX_SECONDS ? Long.MAX_VALUE : seconds * NANOS_PER_SECOND + nanos;
  }

  /** Writes nanoseconds as a {@code timespec}. */
  public static void writeTimespec(MemorySegment to, long at, long nanos) {
    to.set(JAVA_LONG_UNALIGNED, at, Math.floorDiv(nanos, NANOS_PER_SECOND));
    to.set(JAVA_LONG_UNALIGNED, at + 8, Math.floorMod(nanos, NANOS_PER_SECOND));
  }

  /** The {@code timeval} at {@code at} in nanoseconds; EINVAL when it is none. */
  public static long readTimeval(MemorySegment from, long at) throws ErrnoException {
    long seconds = from.get(JAVA_LONG_UNALIGNED, at);
    long micros = from.get(JAVA_LONG_UNALIGNED, at + 8);
    if (seconds < 0 || micros < 0 || micros >= MICROS_PER_SECOND) {
      throw EINVAL.error();
    }
    return seconds >= MAX_SECONDS ? Long.MAX_VALUE : seconds * NANOS_PER_SECOND + micros * NANOS_PER_MICRO;
  }

  /** Writes nanoseconds as a {@code timeval}, rounded down. */
  public static void writeTimeval(MemorySegment to, long at, long nanos) {
    to.set(JAVA_LONG_UNALIGNED, at, Math.floorDiv(nanos, NANOS_PER_SECOND));
    to.set(JAVA_LONG_UNALIGNED, at + 8, Math.floorMod(nanos, NANOS_PER_SECOND) / NANOS_PER_MICRO);
  }
}
