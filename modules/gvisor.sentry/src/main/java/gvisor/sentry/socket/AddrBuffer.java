package gvisor.sentry.socket;

import static gvisor.api.abi.SocketAbi.AF_UNSPEC;
import static gvisor.api.abi.SocketAbi.SOCKADDR_STORAGE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A socket address as an application writes it: a family in host order and what the family makes of the rest. Reused
 * from call to call; one thread.
 */
public final class AddrBuffer {
  private final byte[] bytes = new byte[SOCKADDR_STORAGE];
  private final MemorySegment segment = MemorySegment.ofArray(bytes);

  /** Valid bytes; 0 when there is no address. */
  public int length;

  /** The bytes; only the first {@link #length} mean anything. */
  public byte[] bytes() {
    return bytes;
  }

  public MemorySegment segment() {
    return segment;
  }

  /** The family, or AF_UNSPEC when not even that is there. */
  public int family() {
    return length < 2 ? AF_UNSPEC : bytes[0] & 0xff | (bytes[1] & 0xff) << 8;
  }

  /** Makes it {@code length} zero bytes that begin with {@code family}. */
  public void start(int family, int length) {
    java.util.Arrays.fill(bytes, 0, length, (byte) 0);
    bytes[0] = (byte) family;
    bytes[1] = (byte) (family >>> 8);
    this.length = length;
  }

  public void clear() {
    length = 0;
  }

  /** Replaces it by a copy of {@code address}; null clears. */
  public void set(byte[] address) {
    if (address == null) {
      length = 0;
      return;
    }
    System.arraycopy(address, 0, bytes, 0, address.length);
    length = address.length;
  }

  /** A copy of the valid bytes. */
  public byte[] toBytes() {
    return java.util.Arrays.copyOf(bytes, length);
  }

  /** A 16-bit number in network order. */
  public int getPort(int offset) {
    return (bytes[offset] & 0xff) << 8 | bytes[offset + 1] & 0xff;
  }

  public void putPort(int offset, int port) {
    bytes[offset] = (byte) (port >>> 8);
    bytes[offset + 1] = (byte) port;
  }

  /** A 32-bit number in host order. */
  public int getInt(int offset) {
    return segment.get(ValueLayout.JAVA_INT_UNALIGNED, offset);
  }

  public void putInt(int offset, int value) {
    segment.set(ValueLayout.JAVA_INT_UNALIGNED, offset, value);
  }
}
