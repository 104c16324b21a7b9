package gvisor.api.p9;

import static gvisor.api.errno.Errno.EMSGSIZE;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * Writes one message at a time into a segment. What does not fit is EMSGSIZE, and the message must be begun anew. One
 * thread.
 */
public final class MessageWriter {
  private final MemorySegment segment;
  private long limit;
  private long at;

  /** Writes into {@code segment}, never past its end. */
  public MessageWriter(MemorySegment segment) {
    this.segment = segment;
    this.limit = Math.min(segment.byteSize(), P9.MAX_MESSAGE);
  }

  /** Bounds the messages to what was agreed with the peer, in bytes. */
  public void limit(int messageSize) {
    limit = Math.min(Math.min(segment.byteSize(), P9.MAX_MESSAGE), messageSize);
  }

  /** Bytes that still fit into this message. */
  public long remaining() {
    return limit - at;
  }

  /** The offset the next field goes to. */
  public long position() {
    return at;
  }

  /** What is written into, for flyweights; see {@link #reserve}. */
  public MemorySegment segment() {
    return segment;
  }

  /** Starts a message, forgetting what was written. */
  public MessageWriter begin(int type, int tag) {
    segment.set(JAVA_BYTE, P9.TYPE_OFFSET, (byte) type);
    segment.set(Wire.U16, P9.TAG_OFFSET, (short) tag);
    at = P9.HEADER;
    return this;
  }

  /** Ends the message and returns its size in bytes. */
  public long finish() {
    segment.set(Wire.U32, P9.SIZE_OFFSET, (int) at);
    return at;
  }

  /** Makes room for {@code bytes} that the caller fills, and returns their offset. */
  public long reserve(long bytes) throws ErrnoException {
    if (bytes < 0 || bytes > limit - at) {
      throw EMSGSIZE.error();
    }
    long base = at;
    at += bytes;
    return base;
  }

  /** Takes back everything from {@code position} on. */
  public void rewind(long position) {
    if (position < P9.HEADER || position > at) {
      throw new IllegalArgumentException("position");
    }
    at = position;
  }

  public MessageWriter u8(int value) throws ErrnoException {
    segment.set(JAVA_BYTE, reserve(1), (byte) value);
    return this;
  }

  public MessageWriter u16(int value) throws ErrnoException {
    segment.set(Wire.U16, reserve(2), (short) value);
    return this;
  }

  public MessageWriter u32(int value) throws ErrnoException {
    segment.set(Wire.U32, reserve(4), value);
    return this;
  }

  public MessageWriter u64(long value) throws ErrnoException {
    segment.set(Wire.U64, reserve(8), value);
    return this;
  }

  /** Writes over a field that was written before. */
  public void patchU16(long position, int value) {
    segment.set(Wire.U16, position, (short) value);
  }

  /** Writes over a field that was written before. */
  public void patchU32(long position, int value) {
    segment.set(Wire.U32, position, value);
  }

  /** A byte string, its length before it. */
  public MessageWriter string(String value) throws ErrnoException {
    int length = value.length();
    if (length > 0xffff) {
      throw EMSGSIZE.error();
    }
    u16(length);
    MemorySegment.copy(value.getBytes(StandardCharsets.ISO_8859_1), 0, segment, JAVA_BYTE, reserve(length), length);
    return this;
  }

  /** A byte string, its length before it, from {@code length} bytes of {@code source}. */
  public MessageWriter string(MemorySegment source, long offset, int length) throws ErrnoException {
    if (length < 0 || length > 0xffff) {
      throw EMSGSIZE.error();
    }
    u16(length);
    MemorySegment.copy(source, offset, segment, reserve(length), length);
    return this;
  }

  /** Bytes as they are. */
  public MessageWriter bytes(MemorySegment source) throws ErrnoException {
    MemorySegment.copy(source, 0, segment, reserve(source.byteSize()), source.byteSize());
    return this;
  }

  public MessageWriter qid(int type, int version, long path) throws ErrnoException {
    WireQid.put(segment, reserve(WireQid.SIZE), type, version, path);
    return this;
  }

  public MessageWriter attr(FileAttr attr) throws ErrnoException {
    WireAttr.write(segment, reserve(WireAttr.SIZE), attr);
    return this;
  }

  /** Attributes as the extensions carry them, from the {@code struct stat} at the start of {@code stat}. */
  public MessageWriter statAttr(long qidPath, MemorySegment stat) throws ErrnoException {
    WireStat.write(segment, reserve(WireStat.SIZE), qidPath, stat);
    return this;
  }

  /** Tsetattr's fields after the fid. */
  public MessageWriter setAttr(SetAttr s) throws ErrnoException {
    u32(s.valid).u32(s.mode).u32(s.uid).u32(s.gid).u64(s.size);
    return u64(s.atimeSeconds).u64(s.atimeNanos).u64(s.mtimeSeconds).u64(s.mtimeNanos);
  }
}
