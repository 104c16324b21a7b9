package gvisor.sentry.socket;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import java.lang.foreign.MemorySegment;

/**
 * A ring of bytes that grows on demand. Positions count bytes since the ring was made and never wrap. Not thread-safe:
 * its owner has a lock.
 */
final class RingBytes {
  private static final int FIRST_CAPACITY = 4096;
  private static final int KEPT_CAPACITY = 64 * 1024;

  private final BufferBudget budget;
  private byte[] bytes;
  private MemorySegment segment;
  private int mask;

  /** Position of the first byte held, and of the one behind the last. */
  private long start;

  private long end;

  RingBytes(BufferBudget budget) {
    this.budget = budget;
  }

  long start() {
    return start;
  }

  long end() {
    return end;
  }

  int used() {
    return (int) (end - start);
  }

  /**
   * Makes room for {@code more} bytes if the budget has it.
   *
   * @return how many bytes there is room for: less than {@code more} when the budget is used up
   */
  int ensure(int more) {
    int used = used();
    int capacity = bytes == null ? 0 : bytes.length;
    if (capacity - used >= more) {
      return capacity - used;
    }
    int wanted = Math.max(FIRST_CAPACITY, Integer.highestOneBit(Math.max(used + more - 1, 1)) << 1);
    if (wanted <= 0 || !budget.reserve(wanted - capacity)) {
      return capacity - used;
    }
    byte[] larger = new byte[wanted];
    int newMask = wanted - 1;
    for (long p = start; p < end; ) {
      int from = (int) p & mask;
      int to = (int) p & newMask;
      int n = (int) Math.min(end - p, Math.min(capacity - from, wanted - to));
      System.arraycopy(bytes, from, larger, to, n);
      p += n;
    }
    bytes = larger;
    segment = MemorySegment.ofArray(larger);
    mask = newMask;
    return wanted - used;
  }

  /** Appends up to {@code length} bytes of {@code src}, for which there is room; bytes appended. EFAULT for none. */
  int append(IoBuffer src, int length) throws ErrnoException {
    int done = 0;
    while (done < length) {
      int at = (int) end & mask;
      int n = Math.min(length - done, bytes.length - at);
      long got;
      try {
        got = src.get(segment, at, n);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      end += got;
      done += (int) got;
      if (got < n) {
        break;
      }
    }
    return done;
  }

  /** Appends bytes of the kernel's own, for which there is room. */
  void append(MemorySegment src, long offset, int length) {
    int done = 0;
    while (done < length) {
      int at = (int) end & mask;
      int n = Math.min(length - done, bytes.length - at);
      MemorySegment.copy(src, offset + done, segment, at, n);
      end += n;
      done += n;
    }
  }

  /** Takes the last {@code length} bytes back. */
  void unappend(int length) {
    end -= length;
  }

  /** Copies up to {@code length} bytes from {@code position} on, all held, out; bytes copied. EFAULT for none. */
  int copyOut(long position, IoBuffer dst, int length) throws ErrnoException {
    int done = 0;
    while (done < length) {
      int at = (int) (position + done) & mask;
      int n = Math.min(length - done, bytes.length - at);
      long put;
      try {
        put = dst.put(segment, at, n);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      done += (int) put;
      if (put < n) {
        break;
      }
    }
    return done;
  }

  byte byteAt(long position) {
    return bytes[(int) position & mask];
  }

  /** Drops the first {@code length} bytes. */
  void drop(int length) {
    start += length;
    if (start == end && bytes != null && bytes.length > KEPT_CAPACITY && budget.isTight()) {
      free();
    }
  }

  /** Drops everything and gives the memory back. */
  void free() {
    start = end;
    if (bytes != null) {
      budget.release(bytes.length);
      bytes = null;
      segment = null;
      mask = 0;
    }
  }
}
