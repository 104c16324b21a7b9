package gvisor.platform.kvm;

import java.util.Arrays;

/** Ranges of the memory file whose translations must go, neighbours joined. One thread. */
final class StaleRuns {
  /** With more ranges than this, forgetting everything is cheaper (about 50 µs, and 1 µs a page that is used again). */
  private static final int MANY = 64;

  private long[] runs = new long[32];
  private int count;

  /** Adds one page of the memory file. */
  void add(long offset) {
    if (count > 0 && runs[count - 1] == offset) {
      runs[count - 1] = offset + TableMemory.PAGE;
      return;
    }
    if (count == runs.length) {
      runs = Arrays.copyOf(runs, count * 2);
    }
    runs[count] = offset;
    runs[count + 1] = offset + TableMemory.PAGE;
    count += 2;
  }

  boolean isEmpty() {
    return count == 0;
  }

  /** Has {@code slots} forget them all, and is empty then. */
  void forget(Slots slots) {
    if (count > 2 * MANY) {
      slots.forgetEverything();
    } else {
      for (int i = 0; i < count; i += 2) {
        slots.forget(runs[i], runs[i + 1] - runs[i]);
      }
    }
    count = 0;
    if (runs.length > 4 * MANY) {
      runs = new long[32];
    }
  }
}
