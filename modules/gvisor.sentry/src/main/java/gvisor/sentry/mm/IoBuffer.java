package gvisor.sentry.mm;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;

/**
 * A cursor over the bytes one read or write moves: an application's buffer or iovec, or memory of the kernel's own. A
 * file either copies with {@link #put} and {@link #get}, or takes contiguous pieces with {@link #prepare} and lets the
 * host fill them.
 *
 * <p>Used by one thread, reused from call to call; nothing here allocates.
 */
public abstract class IoBuffer {
  /** Bytes left. */
  public abstract long remaining();

  /**
   * Makes the next contiguous piece of at most {@code max} bytes accessible at {@link #segment}, {@link #offset}, and
   * keeps it valid (nobody can unmap and reuse it) until {@link #advance} or {@link #release}, one of which must follow
   * soon: no blocking and no lock above the memory manager's in between.
   *
   * @param write whether the caller stores into the piece (a read of a file), or loads from it
   * @return the length of the piece, at least 1; 0 when nothing is left
   * @throws ErrnoException EFAULT when the next byte is not accessible; nothing to release then
   */
  public abstract long prepare(long max, boolean write) throws ErrnoException;

  /** Where the prepared piece is. */
  public abstract MemorySegment segment();

  /** Offset of the prepared piece in {@link #segment}. */
  public abstract long offset();

  /** Moves the cursor {@code n} bytes ahead, at most the prepared length, and releases the piece. */
  public abstract void advance(long n);

  /** Moves the cursor back over {@code n} bytes that were moved over in this call; no piece is prepared. */
  public abstract void retreat(long n);

  /** Releases the prepared piece without moving. */
  public abstract void release();

  /**
   * Stores up to {@code length} bytes of {@code src} and advances.
   *
   * @return bytes stored: less than {@code length} when the buffer is full or a later page is not accessible
   * @throws ErrnoException EFAULT when not a single byte could be stored
   */
  public final long put(MemorySegment src, long srcOffset, long length) throws ErrnoException {
    long done = 0;
    while (done < length && remaining() > 0) {
      long n;
      try {
        n = prepare(length - done, true);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      MemorySegment.copy(src, srcOffset + done, segment(), offset(), n);
      advance(n);
      done += n;
    }
    return done;
  }

  /** Loads up to {@code length} bytes into {@code dst} and advances; otherwise as {@link #put}. */
  public final long get(MemorySegment dst, long dstOffset, long length) throws ErrnoException {
    long done = 0;
    while (done < length && remaining() > 0) {
      long n;
      try {
        n = prepare(length - done, false);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      MemorySegment.copy(segment(), offset(), dst, dstOffset + done, n);
      advance(n);
      done += n;
    }
    return done;
  }

  /** Stores up to {@code length} zero bytes and advances; otherwise as {@link #put}. */
  public final long putZeros(long length) throws ErrnoException {
    long done = 0;
    while (done < length && remaining() > 0) {
      long n;
      try {
        n = prepare(length - done, true);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      segment().asSlice(offset(), n).fill((byte) 0);
      advance(n);
      done += n;
    }
    return done;
  }
}
