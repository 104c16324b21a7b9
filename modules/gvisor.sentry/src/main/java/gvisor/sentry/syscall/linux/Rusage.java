package gvisor.sentry.syscall.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.sentry.time.Clocks;
import java.lang.foreign.MemorySegment;

/** {@code struct rusage} ({@code man 2 getrusage}): two timevals and fourteen words. */
final class Rusage {
  static final int SIZE = 144;

  private static final int UTIME = 0;
  private static final int STIME = 16;
  private static final int MAXRSS = 32;
  private static final int MINFLT = 64;
  private static final int NVCSW = 128;
  private static final int NIVCSW = 136;

  private Rusage() {}

  static void write(MemorySegment s, long at, long utimeNanos, long stimeNanos, long maxRssBytes, long minorFaults,
      long voluntary, long involuntary) {
    s.asSlice(at, SIZE).fill((byte) 0);
    Clocks.writeTimeval(s, at + UTIME, utimeNanos);
    Clocks.writeTimeval(s, at + STIME, stimeNanos);
    s.set(JAVA_LONG_UNALIGNED, at + MAXRSS, maxRssBytes / 1024);
    s.set(JAVA_LONG_UNALIGNED, at + MINFLT, minorFaults);
    s.set(JAVA_LONG_UNALIGNED, at + NVCSW, voluntary);
    s.set(JAVA_LONG_UNALIGNED, at + NIVCSW, involuntary);
  }
}
