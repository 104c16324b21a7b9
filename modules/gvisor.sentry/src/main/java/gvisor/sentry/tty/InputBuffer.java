package gvisor.sentry.tty;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import java.lang.foreign.MemorySegment;

/**
 * What has been typed and not been read: 4096 bytes, of which those before {@code canonEnd} are complete lines in
 * canonical mode and the rest is still being edited. A mark stands on each byte that ends a line; a marked NUL is where
 * VEOF was typed, which ends a line without being part of it.
 *
 * <p>Positions count up for ever and are masked at use. Guarded by the terminal's lock.
 */
final class InputBuffer {
  static final int SIZE = 4096;
  private static final int MASK = SIZE - 1;

  private final byte[] bytes = new byte[SIZE];
  private final MemorySegment segment = MemorySegment.ofArray(bytes);
  private final boolean[] marks = new boolean[SIZE];
  private int head;
  private int tail;
  private int canonEnd;

  /** Where the next byte goes. */
  int head() {
    return head;
  }

  /** Where the line that is being edited starts. */
  int lineStart() {
    return canonEnd;
  }

  int at(int position) {
    return bytes[position & MASK] & 0xff;
  }

  /** Bytes in the buffer, edited or not. */
  int size() {
    return head - tail;
  }

  int room() {
    return SIZE - size();
  }

  boolean hasLine() {
    return canonEnd != tail;
  }

  void put(int c) {
    bytes[head & MASK] = (byte) c;
    marks[head & MASK] = false;
    head++;
  }

  /** Appends the byte that ends a line. */
  void putLineEnd(int c) {
    put(c);
    marks[head - 1 & MASK] = true;
    canonEnd = head;
  }

  /** Takes back what was typed after {@code position}. */
  void eraseTo(int position) {
    head = position;
  }

  void clear() {
    tail = head;
    canonEnd = head;
  }

  /** Canonical mode was turned on or off, which decides what becomes of the bytes that wait. */
  void modeChanged(boolean canonical) {
    for (int i = tail; i != head; i++) {
      marks[i & MASK] = false;
    }
    if (!canonical || head == tail) {
      canonEnd = tail;
    } else {
      marks[head - 1 & MASK] = true;
      canonEnd = head;
    }
  }

  /** What FIONREAD says: all bytes when raw, those of complete lines without end-of-file marks when canonical. */
  int available(boolean canonical) {
    if (!canonical) {
      return size();
    }
    int n = canonEnd - tail;
    for (int i = tail; i != canonEnd; i++) {
      if (isEndOfFile(i)) {
        n--;
      }
    }
    return n;
  }

  /** Moves at most {@code dst.remaining()} bytes of the first line out; 0 for an end of file. There must be a line. */
  long readLine(IoBuffer dst) throws ErrnoException {
    int end = tail;
    long most = dst.remaining();
    boolean endOfFile = false;
    while (end != canonEnd && end - tail <= most) {
      if (isEndOfFile(end)) {
        endOfFile = true;
        break;
      }
      if (end - tail == most) {
        break;
      }
      end++;
      if (marks[end - 1 & MASK]) {
        break;
      }
    }
    int wanted = end - tail;
    long n = copyOut(dst, wanted);
    if (endOfFile && n == wanted) {
      tail++;
    }
    return n;
  }

  /** Moves bytes out as they come. */
  long readRaw(IoBuffer dst) throws ErrnoException {
    long n = copyOut(dst, (int) Math.min(size(), dst.remaining()));
    canonEnd = tail;
    return n;
  }

  private boolean isEndOfFile(int position) {
    return marks[position & MASK] && bytes[position & MASK] == 0;
  }

  private long copyOut(IoBuffer dst, int length) throws ErrnoException {
    int done = 0;
    while (done < length) {
      int from = tail & MASK;
      int piece = Math.min(length - done, SIZE - from);
      long n;
      try {
        n = dst.put(segment, from, piece);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      tail += (int) n;
      done += (int) n;
      if (n < piece) {
        break;
      }
    }
    return done;
  }
}
