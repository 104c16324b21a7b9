package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.abi.SocketAbi.AF_INET6;
import static gvisor.api.abi.SocketAbi.SOCKADDR_IN;
import static gvisor.api.abi.SocketAbi.SOCKADDR_IN6;
import static gvisor.api.abi.SocketAbi.SOCKADDR_IN6_RFC2133;
import static gvisor.api.errno.Errno.EAFNOSUPPORT;
import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.socket.AddrBuffer;

/** An address with a port. Mutable; one thread, or its owner's lock. */
public final class InetName {
  private static final long V4_PREFIX = 0x0000_ffff_0000_0000L;
  private static final long V4_MASK = 0xffff_ffffL;
  private static final int LOOPBACK_NET = 127;

  public long high;
  public long low;
  public int port;
  /** Scope of a link-local IPv6 address: an interface's index. */
  public int scope;

  public void set(long high, long low, int port) {
    this.high = high;
    this.low = low;
    this.port = port;
    this.scope = 0;
  }

  public void set(InetName other) {
    high = other.high;
    low = other.low;
    port = other.port;
    scope = other.scope;
  }

  /** 127.0.0.1 for IPv4, ::1 for IPv6; the port stays. */
  public void setLoopback(boolean v4) {
    high = 0;
    low = v4 ? mapped(0x7f000001) : 1;
    scope = 0;
  }

  /** The wildcard of a family; the port stays. */
  public void setAny(boolean v4) {
    high = 0;
    low = v4 ? V4_PREFIX : 0;
    scope = 0;
  }

  public boolean isV4() {
    return isV4(high, low);
  }

  /** 0.0.0.0 or ::. */
  public boolean isAny() {
    return isAny(high, low);
  }

  public boolean isLoopback() {
    return isLoopback(high, low);
  }

  public boolean isMulticast() {
    return isV4() ? (v4() >>> 28) == 14 : high >>> 56 == 0xff;
  }

  /** 255.255.255.255 or the broadcast address of the loopback network. */
  public boolean isBroadcast() {
    return isV4() && (v4() == -1 || v4() == 0x7fffffff);
  }

  /** The IPv4 address, in host order. */
  public int v4() {
    return (int) low;
  }

  public boolean hasAddress(long otherHigh, long otherLow) {
    return high == otherHigh && low == otherLow;
  }

  public static long mapped(int v4) {
    return V4_PREFIX | v4 & V4_MASK;
  }

  public static boolean isV4(long high, long low) {
    return high == 0 && (low & ~V4_MASK) == V4_PREFIX;
  }

  public static boolean isAny(long high, long low) {
    return high == 0 && (low == 0 || low == V4_PREFIX);
  }

  public static boolean isLoopback(long high, long low) {
    return isV4(high, low) ? ((int) low >>> 24) == LOOPBACK_NET : high == 0 && low == 1;
  }

  /**
   * Takes over what an application gave to a socket of {@code family}.
   *
   * @throws ErrnoException EINVAL when it is too short, EAFNOSUPPORT when it is of another family
   */
  public void decode(AddrBuffer address, int family) throws ErrnoException {
    if (family == AF_INET || address.family() == AF_INET) {
      if (address.length < SOCKADDR_IN) {
        throw EINVAL.error();
      }
      if (address.family() != AF_INET) {
        throw EAFNOSUPPORT.error();
      }
      high = 0;
      low = mapped(Integer.reverseBytes(address.getInt(4)));
      scope = 0;
    } else {
      if (address.length < SOCKADDR_IN6_RFC2133) {
        throw EINVAL.error();
      }
      if (address.family() != AF_INET6) {
        throw EAFNOSUPPORT.error();
      }
      high = longAt(address.bytes(), 8);
      low = longAt(address.bytes(), 16);
      scope = address.length >= SOCKADDR_IN6 ? address.getInt(24) : 0;
    }
    port = address.getPort(2);
  }

  /** Writes it as a socket of {@code family} shows it. */
  public void encode(AddrBuffer out, int family) {
    if (family == AF_INET) {
      out.start(AF_INET, SOCKADDR_IN);
      out.putPort(2, port);
      out.putInt(4, Integer.reverseBytes((int) low));
    } else {
      out.start(AF_INET6, SOCKADDR_IN6);
      out.putPort(2, port);
      out.putInt(8, Integer.reverseBytes((int) (high >>> 32)));
      out.putInt(12, Integer.reverseBytes((int) high));
      out.putInt(16, Integer.reverseBytes((int) (low >>> 32)));
      out.putInt(20, Integer.reverseBytes((int) low));
      out.putInt(24, scope);
    }
  }

  private static long longAt(byte[] bytes, int offset) {
    long value = 0;
    for (int i = 0; i < 8; i++) {
      value = value << 8 | bytes[offset + i] & 0xff;
    }
    return value;
  }
}
