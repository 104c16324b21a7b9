package gvisor.sentry.tty;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import java.lang.foreign.MemorySegment;

/** A bounded queue of bytes that grows to its limit as needed. Not thread-safe: guarded by its terminal's lock. */
final class ByteRing {
  private static final int INITIAL = 1024;

  private final int limit;
  private byte[] bytes = new byte[INITIAL];
  private MemorySegment segment = MemorySegment.ofArray(bytes);
  private int head;
  private int size;

  /** @param limit most bytes it holds: a power of two, at least 1024 */
  ByteRing(int limit) {
    this.limit = limit;
  }

  int size() {
    return size;
  }

  int room() {
    return limit - size;
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** Appends one byte; false when it is full. */
  boolean put(byte b) {
    if (size == bytes.length && !grow(size + 1)) {
      return false;
    }
    bytes[head + size & bytes.length - 1] = b;
    size++;
    return true;
  }

  /** Takes the first byte; there must be one. */
  byte take() {
    byte b = bytes[head];
    drop(1);
    return b;
  }

  /** Forgets the first {@code n} bytes. */
  void drop(int n) {
    head = head + n & bytes.length - 1;
    size -= n;
  }

  void clear() {
    head = 0;
    size = 0;
  }

  /** The first bytes, as many as lie together: for who drains it piecewise with {@link #drop}. */
  MemorySegment firstPiece() {
    return segment.asSlice(head, Math.min(size, bytes.length - head));
  }

  /** Appends what fits of {@code src}; the number of bytes. */
  int putFrom(MemorySegment src, long offset, long length) {
    int n = (int) Math.min(length, room());
    if (size + n > bytes.length) {
      grow(size + n);
    }
    int tail = head + size & bytes.length - 1;
    int first = Math.min(n, bytes.length - tail);
    MemorySegment.copy(src, offset, segment, tail, first);
    MemorySegment.copy(src, offset + first, segment, 0, n - first);
    size += n;
    return n;
  }

  /** Moves bytes to {@code dst} until it is full or this is empty. */
  long drainTo(IoBuffer dst) throws ErrnoException {
    long done = 0;
    while (size > 0 && dst.remaining() > 0) {
      int piece = Math.min(size, bytes.length - head);
      long n;
      try {
        n = dst.put(segment, head, piece);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      drop((int) n);
      done += n;
      if (n < piece) {
        break;
      }
    }
    return done;
  }

  private boolean grow(int wanted) {
    if (wanted > limit) {
      return false;
    }
    int capacity = bytes.length;
    while (capacity < wanted) {
      capacity *= 2;
    }
    byte[] larger = new byte[capacity];
    int first = Math.min(size, bytes.length - head);
    System.arraycopy(bytes, head, larger, 0, first);
    System.arraycopy(bytes, 0, larger, first, size - first);
    bytes = larger;
    segment = MemorySegment.ofArray(larger);
    head = 0;
    return true;
  }
}
