package gvisor.sentry.fs.tmpfs;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which page of the memory file holds which page of a file; the rest are holes. Two levels: the chunks of the dense
 * beginning of a file are in an array, what lies scattered beyond it in a tree. Both, and the chunks, are no larger
 * than what is in them warrants, for a program chooses where in a file it writes. Guarded by its user's lock.
 */
final class PageTable {
  /** What {@link #get} answers for a hole. */
  static final long HOLE = -1;

  private static final int CHUNK_SHIFT = 6;
  private static final int CHUNK = 1 << CHUNK_SHIFT;

  /** The array may be this much longer than the number of its chunks, and twice as long. */
  private static final int SLACK = 16;
  private static final long[][] NONE = {};

  // Entries are memory file offsets plus one, so that 0 is a hole. What a chunk is shorter than CHUNK are holes too.
  private long[][] near = NONE;
  private int nearChunks;

  /** Chunks at or beyond the length of {@link #near}. */
  private TreeMap<Long, long[]> far;
  private long pages;

  /** Pages that are not holes. */
  long pages() {
    return pages;
  }

  /** The memory file offset of {@code page}, or {@link #HOLE}. */
  long get(long page) {
    long[] chunk = chunk(page >>> CHUNK_SHIFT);
    int at = (int) page & CHUNK - 1;
    return chunk == null || at >= chunk.length ? HOLE : chunk[at] - 1;
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
      if (chunk == null || at >= chunk.length) {
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
      int at = (int) (page + i) & CHUNK - 1;
      makeChunk(page + i >>> CHUNK_SHIFT, at + Math.min(count - i, CHUNK - at))[at] = memory + i * 4096L + 1;
    }
    pages += count;
  }

  /** Makes {@code page} a hole; what was there, or {@link #HOLE}. */
  long remove(long page) {
    long[] chunk = chunk(page >>> CHUNK_SHIFT);
    int at = (int) page & CHUNK - 1;
    if (chunk == null || at >= chunk.length) {
      return HOLE;
    }
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
      for (; chunk != null && at < chunk.length; at++) {
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
      for (; at < e.getValue().length; at++) {
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
      nearChunks = 0;
      for (long[] chunk : near) {
        nearChunks += chunk == null ? 0 : 1;
      }
    }
    if (far != null) {
      far.tailMap(index, true).clear();
    }
  }

  private long[] chunk(long index) {
    if (index < near.length) {
      return near[(int) index];
    }
    return far == null ? null : far.get(index);
  }

  /** The chunk of that index, at least {@code length} entries long. */
  private long[] makeChunk(long index, int length) {
    long[] chunk = chunk(index);
    if (chunk != null && length <= chunk.length) {
      return chunk;
    }
    int rounded = length <= 1 ? 1 : Integer.highestOneBit(length - 1) << 1;
    long[] longer = chunk == null ? new long[rounded] : Arrays.copyOf(chunk, rounded);
    if (index >= near.length && index < 2L * nearChunks + SLACK) {
      growNear((int) index + 1);
    }
    if (index < near.length) {
      nearChunks += near[(int) index] == null ? 1 : 0;
      near[(int) index] = longer;
    } else {
      if (far == null) {
        far = new TreeMap<>();
      }
      far.put(index, longer);
    }
    return longer;
  }

  private void growNear(int length) {
    int grown = Math.max(length, Math.min(near.length * 2, 2 * nearChunks + SLACK));
    near = Arrays.copyOf(near, near.length == 0 ? length : grown);
    while (far != null && !far.isEmpty() && far.firstKey() < near.length) {
      Map.Entry<Long, long[]> moved = far.pollFirstEntry();
      near[moved.getKey().intValue()] = moved.getValue();
      nearChunks++;
    }
  }
}
