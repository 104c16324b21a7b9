package gvisor.sentry.mm;

import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * An {@link IoBuffer} over application memory: one range, or an iovec that was copied in and checked. One a task.
 *
 * <p>While a piece is prepared its memory manager's read lock is held, so that no {@code munmap}, {@code fork} or
 * {@code madvise} of another thread takes the pages away under the copy.
 */
public final class UserBuffer extends IoBuffer {
  /** Most bytes one call moves ({@code man 2 read}, NOTES). */
  public static final long MAX_RW_COUNT = 0x7ffff000L;

  /** Most entries of an iovec ({@code man 2 readv}). */
  public static final int IOV_MAX = 1024;

  private static final int IOVEC_SIZE = 16;
  private static final int INITIAL = 16;

  private MemoryManager mm;
  /** Addresses and lengths of the pieces, in turn. */
  private long[] vector = new long[2 * INITIAL];
  private int count;
  private int index;
  /** Bytes of the current piece that are done. */
  private long done;
  private long remaining;

  private boolean held;
  private long heldOffset;
  private boolean hasFailed;

  void start(MemoryManager mm, long addr, long length) {
    this.mm = mm;
    vector[0] = addr;
    vector[1] = Long.compareUnsigned(length, MAX_RW_COUNT) > 0 ? MAX_RW_COUNT : length;
    count = 1;
    rewind(vector[1]);
  }

  void startVector(MemoryManager mm, MemoryManager from, long addr, int entries) throws ErrnoException {
    this.mm = mm;
    count = 0;
    rewind(0);
    if (entries < 0 || entries > IOV_MAX) {
      throw EINVAL.error();
    }
    if (vector.length < 2 * entries) {
      vector = Arrays.copyOf(vector, 2 * Math.max(entries, vector.length));
    }
    long total = 0;
    for (int i = 0; i < entries; i++) {
      long base = from.readLong(addr + (long) i * IOVEC_SIZE);
      long length = from.readLong(addr + (long) i * IOVEC_SIZE + Long.BYTES);
      if (length < 0) {
        throw EINVAL.error();
      }
      if (length > 0 && !mm.isUserRange(base, length)) {
        throw EFAULT.error();
      }
      length = Math.min(length, MAX_RW_COUNT - total);
      vector[2 * i] = base;
      vector[2 * i + 1] = length;
      total += length;
    }
    count = entries;
    rewind(total);
  }

  private void rewind(long total) {
    index = 0;
    done = 0;
    remaining = total;
    held = false;
  }

  /** Whether memory it was to be filled from or into could not be had, since this was asked last. */
  public boolean takeFailure() {
    boolean failed = hasFailed;
    hasFailed = false;
    return failed;
  }

  @Override
  public long remaining() {
    return remaining;
  }

  @Override
  public long prepare(long max, boolean write) throws ErrnoException {
    if (remaining == 0 || max == 0) {
      return 0;
    }
    while (vector[2 * index + 1] == done) {
      index++;
      done = 0;
    }
    long addr = vector[2 * index] + done;
    hasFailed = true;
    Pma p = mm.hold(addr, write);
    hasFailed = false;
    held = true;
    heldOffset = p.at(addr);
    return Math.min(Math.min(max, p.end - addr), vector[2 * index + 1] - done);
  }

  @Override
  public MemorySegment segment() {
    return mm.memory;
  }

  @Override
  public long offset() {
    return heldOffset;
  }

  @Override
  public void advance(long n) {
    done += n;
    remaining -= n;
    release();
  }

  @Override
  public void retreat(long n) {
    remaining += n;
    long back = n;
    while (back > done) {
      back -= done;
      index--;
      done = vector[2 * index + 1];
    }
    done -= back;
  }

  @Override
  public void release() {
    if (held) {
      held = false;
      mm.letGo();
    }
  }
}
