package gvisor.api.p9;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENAMETOOLONG;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * Takes the fields of one message out of a segment. A field that goes past the end of the message, or is longer than it
 * may be, makes the message malformed, and so does what is left over at {@link #end}. One thread.
 */
public final class MessageReader {
  private final MemorySegment segment;
  private final Errno malformedErrno;
  private final byte[] bytes = new byte[P9.MAX_TARGET];
  private boolean malformed;
  private long at;
  private long end;

  /** Reads from {@code segment}; {@code malformedErrno} is what a malformed message is. */
  public MessageReader(MemorySegment segment, Errno malformedErrno) {
    this.segment = segment;
    this.malformedErrno = malformedErrno;
  }

  /**
   * Starts with a message that arrived with {@code received} bytes.
   *
   * @return false when it is too short for a header or its size field says another size
   */
  public boolean begin(long received) {
    at = P9.HEADER;
    end = P9.HEADER;
    malformed = false;
    if (received < P9.HEADER || received > segment.byteSize()
        || Integer.toUnsignedLong(segment.get(Wire.U32, P9.SIZE_OFFSET)) != received) {
      return false;
    }
    end = received;
    return true;
  }

  /** Whether a field of this message was found malformed. */
  public boolean isMalformed() {
    return malformed;
  }

  public int type() {
    return segment.get(JAVA_BYTE, P9.TYPE_OFFSET) & 0xff;
  }

  public int tag() {
    return segment.get(Wire.U16, P9.TAG_OFFSET) & 0xffff;
  }

  /** What is read from. */
  public MemorySegment segment() {
    return segment;
  }

  /** Bytes of the message not read yet. */
  public long remaining() {
    return end - at;
  }

  /** Passes over {@code bytes} and returns the offset they are at. */
  public long take(long bytes) throws ErrnoException {
    if (bytes < 0 || bytes > end - at) {
      throw malformed();
    }
    long base = at;
    at += bytes;
    return base;
  }

  public int u8() throws ErrnoException {
    return segment.get(JAVA_BYTE, take(1)) & 0xff;
  }

  public int u16() throws ErrnoException {
    return segment.get(Wire.U16, take(2)) & 0xffff;
  }

  public int u32() throws ErrnoException {
    return segment.get(Wire.U32, take(4));
  }

  public long u64() throws ErrnoException {
    return segment.get(Wire.U64, take(8));
  }

  /** A byte string of at most {@code maximum} bytes. */
  public String string(int maximum) throws ErrnoException {
    int length = u16();
    if (length > maximum) {
      throw malformed();
    }
    long base = take(length);
    byte[] text = length <= bytes.length ? bytes : new byte[length];
    MemorySegment.copy(segment, JAVA_BYTE, base, text, 0, length);
    return new String(text, 0, length, StandardCharsets.ISO_8859_1);
  }

  /**
   * Copies a name of one path component, and a zero byte behind it, to the start of {@code out}, which has room for
   * {@link P9#MAX_NAME} bytes and one more.
   *
   * @return its length
   * @throws ErrnoException EINVAL when it is empty, {@code .}, {@code ..}, or has a slash or a zero in it;
   *     ENAMETOOLONG
   */
  public int name(MemorySegment out) throws ErrnoException {
    int length = u16();
    long base = take(length);
    if (length > P9.MAX_NAME) {
      throw ENAMETOOLONG.error();
    }
    MemorySegment.copy(segment, JAVA_BYTE, base, bytes, 0, length);
    for (int i = 0; i < length; i++) {
      if (bytes[i] == '/' || bytes[i] == 0) {
        throw EINVAL.error();
      }
    }
    boolean dots = length == 0 || bytes[0] == '.' && (length == 1 || length == 2 && bytes[1] == '.');
    if (dots) {
      throw EINVAL.error();
    }
    MemorySegment.copy(bytes, 0, out, JAVA_BYTE, 0, length);
    out.set(JAVA_BYTE, length, (byte) 0);
    return length;
  }

  /**
   * Copies a byte string without a zero in it, and a zero byte behind it, to the start of {@code out}.
   *
   * @return its length
   * @throws ErrnoException EINVAL for a zero byte; ENAMETOOLONG for more than {@link P9#MAX_TARGET} bytes
   */
  public int text(MemorySegment out) throws ErrnoException {
    int length = u16();
    long base = take(length);
    if (length > P9.MAX_TARGET) {
      throw ENAMETOOLONG.error();
    }
    MemorySegment.copy(segment, JAVA_BYTE, base, bytes, 0, length);
    for (int i = 0; i < length; i++) {
      if (bytes[i] == 0) {
        throw EINVAL.error();
      }
    }
    MemorySegment.copy(bytes, 0, out, JAVA_BYTE, 0, length);
    out.set(JAVA_BYTE, length, (byte) 0);
    return length;
  }

  /** A whole set of attributes. */
  public FileAttr attr() throws ErrnoException {
    return WireAttr.read(segment, take(WireAttr.SIZE));
  }

  /** Attributes as the extensions carry them. */
  public FileAttr statAttr() throws ErrnoException {
    return WireStat.read(segment, take(WireStat.SIZE));
  }

  /** Tsetattr's fields after the fid, into {@code s}. */
  public void setAttr(SetAttr s) throws ErrnoException {
    s.valid = u32();
    s.mode = u32();
    s.uid = u32();
    s.gid = u32();
    s.size = u64();
    s.atimeSeconds = u64();
    s.atimeNanos = u64();
    s.mtimeSeconds = u64();
    s.mtimeNanos = u64();
  }

  /** The message must be used up. */
  public void end() throws ErrnoException {
    if (at != end) {
      throw malformed();
    }
  }

  private ErrnoException malformed() {
    malformed = true;
    return malformedErrno.error();
  }
}
