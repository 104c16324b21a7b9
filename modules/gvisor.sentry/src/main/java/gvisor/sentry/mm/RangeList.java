package gvisor.sentry.mm;

import java.util.Arrays;

/**
 * Disjoint ranges in address order: a sorted array, because look-ups outnumber changes by far and a few hundred ranges
 * move in less time than a tree rebalances. Not thread-safe; look-ups may run side by side.
 */
final class RangeList<T extends Range> {
  private static final int INITIAL = 16;

  private long[] starts = new long[INITIAL];
  private Range[] ranges = new Range[INITIAL];
  private int size;
  /** Where the last look-up hit: a guess that is checked, so it may be stale or torn between threads. */
  private int hint;

  int size() {
    return size;
  }

  @SuppressWarnings("unchecked")
  T get(int index) {
    return (T) ranges[index];
  }

  /** The range that contains {@code addr}, or null. */
  @SuppressWarnings("unchecked")
  T find(long addr) {
    int h = hint;
    if (h < size) {
      Range r = ranges[h];
      if (r != null && r.contains(addr)) {
        return (T) r;
      }
    }
    int i = floor(addr);
    if (i >= 0 && addr < ranges[i].end) {
      hint = i;
      return (T) ranges[i];
    }
    return null;
  }

  /** Index of the last range that starts at or below {@code addr}, or -1. */
  int floor(long addr) {
    int low = 0;
    int high = size - 1;
    while (low <= high) {
      int mid = low + high >>> 1;
      if (starts[mid] <= addr) {
        low = mid + 1;
      } else {
        high = mid - 1;
      }
    }
    return high;
  }

  /** Index of the first range that ends above {@code addr}; {@link #size} when there is none. */
  int firstEndingAbove(long addr) {
    int i = floor(addr);
    return i >= 0 && ranges[i].end > addr ? i : i + 1;
  }

  /** Inserts a range that overlaps none; its index. */
  int insert(T range) {
    int at = floor(range.start) + 1;
    if (size == ranges.length) {
      starts = Arrays.copyOf(starts, size * 2);
      ranges = Arrays.copyOf(ranges, size * 2);
    }
    System.arraycopy(starts, at, starts, at + 1, size - at);
    System.arraycopy(ranges, at, ranges, at + 1, size - at);
    starts[at] = range.start;
    ranges[at] = range;
    size++;
    return at;
  }

  /** Removes the ranges with indices from {@code from} up to, not including, {@code to}. */
  void remove(int from, int to) {
    if (from == to) {
      return;
    }
    System.arraycopy(starts, to, starts, from, size - to);
    System.arraycopy(ranges, to, ranges, from, size - to);
    Arrays.fill(ranges, size - (to - from), size, null);
    size -= to - from;
  }

  /** Moves the start of the range at {@code index}, without passing a neighbour. */
  void moveStart(int index, long start) {
    starts[index] = start;
    ranges[index].start = start;
  }

  void clear() {
    Arrays.fill(ranges, 0, size, null);
    size = 0;
  }
}
