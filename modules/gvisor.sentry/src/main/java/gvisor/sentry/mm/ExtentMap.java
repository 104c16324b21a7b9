package gvisor.sentry.mm;

import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A set of free extents: coalesced, found by address and by size. Extents stand in classes by the power of two of their
 * size, so a search looks at classes whose every member fits and at a few members of the class below. Not thread-safe.
 */
final class ExtentMap {
  /** One free range of the memory file, in bytes. */
  static final class Extent implements Comparable<Extent> {
    final long start;
    long length;

    Extent(long start, long length) {
      this.start = start;
      this.length = length;
    }

    long end() {
      return start + length;
    }

    @Override
    public int compareTo(Extent other) {
      return Long.compare(start, other.start);
    }
  }

  /** How many members of the class that may be too small are tried before larger ones are broken up. */
  private static final int TRIES = 8;

  private final TreeMap<Long, Extent> byStart = new TreeMap<>();
  private final TreeSet<Extent>[] classes;
  private long nonEmpty;
  private long bytes;

  @SuppressWarnings({"unchecked", "rawtypes"})
  ExtentMap() {
    classes = new TreeSet[Long.SIZE];
  }

  /** Sum of all extents. */
  long bytes() {
    return bytes;
  }

  /** Adds a range that is not in the set. */
  void add(long start, long length) {
    bytes += length;
    long from = start;
    long size = length;
    var below = byStart.floorEntry(start);
    if (below != null && below.getValue().end() == start) {
      Extent e = below.getValue();
      remove(e);
      from = e.start;
      size += e.length;
    }
    Extent above = byStart.get(start + length);
    if (above != null) {
      remove(above);
      size += above.length;
    }
    insert(new Extent(from, size));
  }

  /** Takes a range of {@code length} with {@code alignment} out: its start, or -1. */
  long take(long length, long alignment) {
    long slack = alignment - PageAllocator.PAGE_SIZE;
    int exact = sizeClass(length);
    if ((nonEmpty >>> exact & 1) != 0) {
      int tries = TRIES;
      for (Extent e : classes[exact]) {
        long start = alignUp(e.start, alignment);
        if (start + length <= e.end()) {
          carve(e, start, length);
          return start;
        }
        if (--tries == 0) {
          break;
        }
      }
    }
    int sure = Long.SIZE - Long.numberOfLeadingZeros(length + slack - 1);
    long candidates = sure < Long.SIZE ? nonEmpty >>> sure << sure : 0;
    if (candidates == 0) {
      return -1;
    }
    Extent e = classes[Long.numberOfTrailingZeros(candidates)].first();
    long start = alignUp(e.start, alignment);
    carve(e, start, length);
    return start;
  }

  /** Takes exactly this range out; false, and nothing done, when some of it is not in the set. */
  boolean takeAt(long start, long length) {
    var below = byStart.floorEntry(start);
    if (below == null || below.getValue().end() < start + length) {
      return false;
    }
    carve(below.getValue(), start, length);
    return true;
  }

  /** Empties the set into an array of starts and lengths in turn. */
  long[] drain() {
    long[] out = new long[byStart.size() * 2];
    int i = 0;
    for (Extent e : byStart.values()) {
      out[i++] = e.start;
      out[i++] = e.length;
    }
    byStart.clear();
    for (TreeSet<Extent> c : classes) {
      if (c != null) {
        c.clear();
      }
    }
    nonEmpty = 0;
    bytes = 0;
    return out;
  }

  private void carve(Extent e, long start, long length) {
    remove(e);
    bytes -= length;
    if (start > e.start) {
      insert(new Extent(e.start, start - e.start));
    }
    if (start + length < e.end()) {
      insert(new Extent(start + length, e.end() - start - length));
    }
  }

  private void insert(Extent e) {
    byStart.put(e.start, e);
    int c = sizeClass(e.length);
    if (classes[c] == null) {
      classes[c] = new TreeSet<>();
    }
    classes[c].add(e);
    nonEmpty |= 1L << c;
  }

  private void remove(Extent e) {
    byStart.remove(e.start);
    int c = sizeClass(e.length);
    classes[c].remove(e);
    if (classes[c].isEmpty()) {
      nonEmpty &= ~(1L << c);
    }
  }

  /** Class c has lengths from 2^c up to, not including, 2^(c+1). */
  private static int sizeClass(long length) {
    return Long.SIZE - 1 - Long.numberOfLeadingZeros(length);
  }

  private static long alignUp(long n, long alignment) {
    return n + alignment - 1 & -alignment;
  }
}
