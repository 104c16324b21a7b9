package gvisor.sentry.socket;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The value of a socket option on its way in or out ({@code man 2 setsockopt}). One a task, reused. Longer values than
 * {@link #CAPACITY} are cut: no option takes or gives more.
 */
public final class OptionValue {
  /** Most bytes of a value. */
  public static final int CAPACITY = 1024;

  private final MemorySegment segment = MemorySegment.ofArray(new long[CAPACITY / 8]);

  /** Valid bytes: what the caller gave, or what the option is. */
  public int length;

  public MemorySegment segment() {
    return segment;
  }

  /** The value as a C {@code int}; EINVAL when it is shorter. */
  public int asInt() throws ErrnoException {
    requireLength(4);
    return segment.get(ValueLayout.JAVA_INT_UNALIGNED, 0);
  }

  /** The value as an {@code int} or, when that is all there is, one byte, as IP options have it. */
  public int asByteOrInt() throws ErrnoException {
    if (length >= 4) {
      return segment.get(ValueLayout.JAVA_INT_UNALIGNED, 0);
    }
    requireLength(1);
    return segment.get(ValueLayout.JAVA_BYTE, 0) & 0xff;
  }

  public boolean asBoolean() throws ErrnoException {
    return asInt() != 0;
  }

  public int intAt(int offset) {
    return segment.get(ValueLayout.JAVA_INT_UNALIGNED, offset);
  }

  public long longAt(int offset) {
    return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
  }

  public void requireLength(int least) throws ErrnoException {
    if (length < least) {
      throw EINVAL.error();
    }
  }

  /** Answers with an {@code int}. */
  public void setInt(int value) {
    segment.set(ValueLayout.JAVA_INT_UNALIGNED, 0, value);
    length = 4;
  }

  public void setBoolean(boolean value) {
    setInt(value ? 1 : 0);
  }

  /** Answers with {@code size} zero bytes, to be filled by the put methods. */
  public void start(int size) {
    segment.asSlice(0, size).fill((byte) 0);
    length = size;
  }

  public void putByte(int offset, int value) {
    segment.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
  }

  public void putInt(int offset, int value) {
    segment.set(ValueLayout.JAVA_INT_UNALIGNED, offset, value);
  }

  public void putLong(int offset, long value) {
    segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset, value);
  }

  /** Answers with bytes. */
  public void setBytes(byte[] value, int size) {
    MemorySegment.copy(MemorySegment.ofArray(value), 0, segment, 0, size);
    length = size;
  }
}
