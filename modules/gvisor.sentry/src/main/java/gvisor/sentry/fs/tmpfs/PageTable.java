package gvisor.sentry.fs.tmpfs;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which page of the memory file holds which page of a file; the rest are holes. Two levels: files of up to 8 GiB find their
 * chunk in an array, what lies beyond in a tree. Guarded by its user's lock. Nothing allocates but what adds a page.
 */
final class PageTable {
  /** What {@link #get} answers for a hole. */
  static final long HOLE = -1;

  private static final int CHUNK_SHIFT = 9;
  private static final int CHUNK = 1 << CHUNK_SHIFT;
  private static final int NEAR_CHUNKS = 4096;
  private static final long[][] NONE = {};

  // Entries are memory file offsets plus one, so that 0 is a hole.
  private long[][] near = NONE;
  private TreeMap<Long, long[]> far;
  private long pages;

  /** Pages that are not holes. */
  long pages() {
    return pages;
  }

  /** The memory file offset of {@code page}, or {@link #HOLE}. */
  long get(long page) {
    long[] chunk = chunk(page >>> CHUNK_SHIFT);
    return chunk == null ? HOLE : chunk[(int) page & CHUNK - 1] - 1;
  }

  /** How many pages from {@code page} on, at most {@code max}, are consecutive in the memory file. */
  int run(long page, int max) {
    long first = get(page);
    int n = 1;
    while (n < max && get(page + n) == first + n * 4096L) {
      n++;
    }
    return n;
  }

  /** How many pages from {@code page} on, at most {@code max}, are holes. */
  int holes(long page, int max) {
    int n = 0;
    while (n < max) {
      long[] chunk = chunk(page + n >>> CHUNK_SHIFT);
      int at = (int) (page + n) & CHUNK - 1;
      if (chunk == null) {
        n += CHUNK - at;
        continue;
      }
      if (chunk[at] != 0) {
        return n;
      }
      n++;
    }
    return max;
  }

  /** Puts {@code count} pages, consecutive from {@code memory}, at {@code page}, where there are holes. */
  void put(long page, long memory, int count) {
    for (int i = 0; i < count; i++) {
      makeChunk(page + i >>> CHUNK_SHIFT)[(int) (page + i) & CHUNK - 1] = memory + i * 4096L + 1;
    }
    pages += count;
  }

  /** Makes {@code page} a hole; what was there, or {@link #HOLE}. */
  long remove(long page) {
    long[] chunk = chunk(page >>> CHUNK_SHIFT);
    if (chunk == null) {
      return HOLE;
    }
    int at = (int) page & CHUNK - 1;
    long was = chunk[at] - 1;
    if (was != HOLE) {
      chunk[at] = 0;
      pages--;
    }
    return was;
  }

  /** The first page at or after {@code page} that is not a hole; {@link Long#MAX_VALUE} when there is none. */
  long nextData(long page) {
    long index = page >>> CHUNK_SHIFT;
    int at = (int) page & CHUNK - 1;
    while (index < near.length) {
      long[] chunk = near[(int) index];
      for (; chunk != null && at < CHUNK; at++) {
        if (chunk[at] != 0) {
          return (index << CHUNK_SHIFT) + at;
        }
      }
      index++;
      at = 0;
    }
    if (far == null) {
      return Long.MAX_VALUE;
    }
    for (Map.Entry<Long, long[]> e = far.ceilingEntry(index); e != null; e = far.higherEntry(e.getKey())) {
      at = e.getKey() == page >>> CHUNK_SHIFT ? (int) page & CHUNK - 1 : 0;
      for (; at < CHUNK; at++) {
        if (e.getValue()[at] != 0) {
          return (e.getKey() << CHUNK_SHIFT) + at;
        }
      }
    }
    return Long.MAX_VALUE;
  }

  /** Forgets chunks from {@code page} on, which are all holes by now. */
  void trim(long page) {
    long index = page + CHUNK - 1 >>> CHUNK_SHIFT;
    if (index < near.length) {
      near = index == 0 ? NONE : Arrays.copyOf(near, (int) index);
    }
    if (far != null) {
      far.tailMap(index, true).clear();
    }
  }

  private long[] chunk(long index) {
    if (index < near.length) {
      return near[(int) index];
    }
    return far == null || index < NEAR_CHUNKS ? null : far.get(index);
  }

  private long[] makeChunk(long index) {
    if (index < NEAR_CHUNKS) {
      if (index >= near.length) {
        near = Arrays.copyOf(near, (int) Math.min(NEAR_CHUNKS, Math.max(index + 1, near.length * 2L)));
      }
      if (near[(int) index] == null) {
        near[(int) index] = new long[CHUNK];
      }
      return near[(int) index];
    }
    if (far == null) {
      far = new TreeMap<>();
    }
    return far.computeIfAbsent(index, i -> new long[CHUNK]);
  }
}
