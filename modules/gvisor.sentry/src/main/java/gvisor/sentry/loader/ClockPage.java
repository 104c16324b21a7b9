package gvisor.sentry.loader;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The page in front of the vDSO that says how to make a time of the time stamp counter: {@code struct clock_page} in
 * vdso.c. Written by one thread under a sequence number that is odd meanwhile; applications read it whenever they like.
 */
final class ClockPage {
  private static final int SEQUENCE = 0;
  private static final int HAS_COUNTER = 4;
  private static final int COUNTER = 8;
  private static final int MULTIPLIER = 16;
  private static final int MONOTONIC = 24;
  private static final int REALTIME = 32;
  private static final int BOOTTIME = 40;
  private static final int PROCESSORS = 48;

  private static final VarHandle INT = JAVA_INT.varHandle();

  private final MemorySegment page;

  ClockPage(MemorySegment page, int processors) {
    this.page = page;
    page.set(JAVA_INT, PROCESSORS, processors);
  }

  /** From now on readers wait. */
  void begin() {
    INT.setVolatile(page, (long) SEQUENCE, page.get(JAVA_INT, SEQUENCE) + 1);
    VarHandle.fullFence();
  }

  /** Enters new parameters, between {@link #begin} and {@link #end}. */
  void write(VdsoClock.Parameters p) {
    page.set(JAVA_LONG, COUNTER, p.counter());
    page.set(JAVA_LONG, MULTIPLIER, p.multiplier());
    page.set(JAVA_LONG, MONOTONIC, p.monotonic());
    page.set(JAVA_LONG, REALTIME, p.realtime());
    page.set(JAVA_LONG, BOOTTIME, p.boottime());
    page.set(JAVA_INT, HAS_COUNTER, 1);
  }

  /** Readers go on. */
  void end() {
    VarHandle.fullFence();
    INT.setVolatile(page, (long) SEQUENCE, page.get(JAVA_INT, SEQUENCE) + 1);
  }
}
