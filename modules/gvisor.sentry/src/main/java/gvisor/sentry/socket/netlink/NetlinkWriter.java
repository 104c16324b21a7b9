package gvisor.sentry.socket.netlink;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Puts netlink messages together: a header, a fixed part, attributes. The lengths are filled in when a message or a
 * nest ends. One thread.
 */
final class NetlinkWriter {
  static final int HEADER = 16;

  private static final int CAPACITY = 16384;

  /** So much is enough for one packet: readers have 8 KiB at least ({@code man 7 netlink}). */
  private static final int ENOUGH = 7 << 10;

  private final Runnable full;

  private final byte[] bytes = new byte[CAPACITY];
  private final MemorySegment segment = MemorySegment.ofArray(bytes);
  private int length;
  private int messageAt;

  /** @param full takes what there is when there is enough for a packet */
  NetlinkWriter(Runnable full) {
    this.full = full;
  }

  MemorySegment segment() {
    return segment;
  }

  int length() {
    return length;
  }

  void clear() {
    length = 0;
  }

  /** Begins a message whose fixed part is {@code fixed} zero bytes; where that part is. */
  int begin(int type, int flags, int sequence, int port, int fixed) {
    if (length > ENOUGH) {
      full.run();
      clear();
    }
    messageAt = length;
    int size = HEADER + fixed;
    segment.asSlice(length, size).fill((byte) 0);
    putShort(messageAt + 4, type);
    putShort(messageAt + 6, flags);
    putInt(messageAt + 8, sequence);
    putInt(messageAt + 12, port);
    length += size;
    return messageAt + HEADER;
  }

  /** Ends the message. */
  void end() {
    putInt(messageAt, length - messageAt);
    align();
  }

  private void align() {
    while ((length & 3) != 0) {
      bytes[length++] = 0;
    }
  }

  void putByte(int at, int value) {
    bytes[at] = (byte) value;
  }

  void putShort(int at, int value) {
    segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) value);
  }

  void putInt(int at, int value) {
    segment.set(ValueLayout.JAVA_INT_UNALIGNED, at, value);
  }

  void attribute(int type, byte[] value) {
    align();
    putShort(length, 4 + value.length);
    putShort(length + 2, type);
    System.arraycopy(value, 0, bytes, length + 4, value.length);
    length += 4 + value.length;
    align();
  }

  void attributeInt(int type, int value) {
    align();
    putShort(length, 8);
    putShort(length + 2, type);
    putInt(length + 4, value);
    length += 8;
  }

  void attributeByte(int type, int value) {
    attribute(type, new byte[] {(byte) value});
  }

  /** A string with its NUL. */
  void attributeString(int type, String value) {
    byte[] with = new byte[value.length() + 1];
    for (int i = 0; i < value.length(); i++) {
      with[i] = (byte) value.charAt(i);
    }
    attribute(type, with);
  }
}
