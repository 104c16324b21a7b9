package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.errno.Errno.EADDRNOTAVAIL;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.ENOPROTOOPT;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.socket.OptionValue;

/**
 * Options of levels SOL_IP and SOL_IPV6 ({@code man 7 ip}, {@code man 7 ipv6}). Each option is a number with a range;
 * what has more to it is in the methods. Written under the socket's lock, read by anyone.
 */
public final class InetOptions {
  static final int IP_TOS = 1;
  static final int IP_TTL = 2;
  static final int IP_OPTIONS = 4;
  static final int IP_PKTINFO = 8;
  static final int IP_RECVERR = 11;
  static final int IP_RECVTTL = 12;
  static final int IP_RECVTOS = 13;
  static final int IP_MTU = 14;
  static final int IP_FREEBIND = 15;
  static final int IP_TRANSPARENT = 19;
  static final int IP_RECVORIGDSTADDR = 20;
  static final int IPV6_RECVERR = 25;
  static final int IP_MULTICAST_IF = 32;
  static final int IP_MULTICAST_TTL = 33;
  static final int IP_MULTICAST_LOOP = 34;
  static final int IP_ADD_MEMBERSHIP = 35;
  static final int IP_DROP_MEMBERSHIP = 36;
  static final int MCAST_JOIN_GROUP = 42;
  static final int MCAST_LEAVE_GROUP = 45;
  static final int IPV6_ADDRFORM = 1;
  static final int IPV6_UNICAST_HOPS = 16;
  static final int IPV6_MULTICAST_IF = 17;
  static final int IPV6_MULTICAST_HOPS = 18;
  static final int IPV6_MULTICAST_LOOP = 19;
  static final int IPV6_ADD_MEMBERSHIP = 20;
  static final int IPV6_DROP_MEMBERSHIP = 21;
  static final int IPV6_MTU = 24;
  static final int IPV6_V6ONLY = 26;
  static final int IPV6_RECVPKTINFO = 49;
  static final int IPV6_PKTINFO = 50;
  static final int IPV6_RECVHOPLIMIT = 51;
  static final int IPV6_HOPLIMIT = 52;
  static final int IPV6_RECVTCLASS = 66;
  static final int IPV6_TCLASS = 67;
  static final int IPV6_TRANSPARENT = 75;

  private static final int LOOPBACK_MTU = 65536;
  private static final int MAX_IP_OPTIONS = 40;
  private static final int COUNT = 80;

  /** Least and greatest value of each option of a level; a pair with least above greatest is no option. */
  private static final class Ranges {
    final int[] least = new int[COUNT];
    final int[] greatest = new int[COUNT];

    Ranges() {
      java.util.Arrays.fill(least, 1);
    }

    Ranges flag(int... names) {
      for (int name : names) {
        range(name, Integer.MIN_VALUE, Integer.MAX_VALUE);
        flags[name] = true;
      }
      return this;
    }

    Ranges range(int name, int from, int to) {
      least[name] = from;
      greatest[name] = to;
      return this;
    }

    final boolean[] flags = new boolean[COUNT];

    boolean has(int name) {
      return name >= 0 && name < COUNT && least[name] <= greatest[name];
    }
  }

  /** Numbers: 4 PASSSEC is 18, 5 ROUTER_ALERT, 6 RECVOPTS, 7 RETOPTS, 10 MTU_DISCOVER, 21 MINTTL and so on. */
  private static final Ranges IP = new Ranges()
      .flag(3, 5, 6, 7, IP_PKTINFO, IP_RECVERR, IP_RECVTTL, IP_RECVTOS, IP_FREEBIND, 18, IP_TRANSPARENT,
          IP_RECVORIGDSTADDR, 22, 23, 24, 25, 26, IP_MULTICAST_LOOP, 49)
      .range(IP_TOS, Integer.MIN_VALUE, Integer.MAX_VALUE)
      .range(IP_TTL, -1, 255)
      .range(10, 0, 5)
      .range(21, 0, 255)
      .range(IP_MULTICAST_TTL, -1, 255)
      .range(50, Integer.MIN_VALUE, Integer.MAX_VALUE)
      .range(51, Integer.MIN_VALUE, Integer.MAX_VALUE);

  private static final Ranges IPV6 = new Ranges()
      .flag(7, IPV6_MULTICAST_LOOP, IPV6_RECVERR, IPV6_V6ONLY, 29, 30, 33, IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, 53, 56, 58, 60,
          62, IPV6_RECVTCLASS, 70, 74, IPV6_TRANSPARENT, 77, 78)
      .range(IPV6_UNICAST_HOPS, -1, 255)
      .range(IPV6_MULTICAST_HOPS, -1, 255)
      .range(IPV6_MULTICAST_IF, 0, Integer.MAX_VALUE)
      .range(23, 0, 5)
      .range(IPV6_TCLASS, -1, 255)
      .range(72, Integer.MIN_VALUE, Integer.MAX_VALUE)
      .range(73, 0, 255)
      .range(76, Integer.MIN_VALUE, Integer.MAX_VALUE);

  private final int[] ip = new int[COUNT];
  private final int[] ipv6 = new int[COUNT];
  private volatile boolean isV6Only;
  private volatile int multicastDevice4;

  InetOptions() {
    ip[IP_TTL] = -1;
    ip[IP_MULTICAST_TTL] = 1;
    ip[IP_MULTICAST_LOOP] = 1;
    ip[10] = 1;
    ip[49] = 1;
    ipv6[IPV6_UNICAST_HOPS] = -1;
    ipv6[IPV6_MULTICAST_HOPS] = 1;
    ipv6[IPV6_MULTICAST_LOOP] = 1;
    ipv6[23] = 1;
    ipv6[29] = 1;
    ipv6[70] = 1;
  }

  void inherit(InetOptions listener) {
    System.arraycopy(listener.ip, 0, ip, 0, COUNT);
    System.arraycopy(listener.ipv6, 0, ipv6, 0, COUNT);
    isV6Only = listener.isV6Only;
  }

  public boolean isV6Only() {
    return isV6Only;
  }

  boolean isSet(boolean v6, int name) {
    return (v6 ? ipv6 : ip)[name] != 0;
  }

  /** Whether errors of messages go into the error queue. */
  boolean wantsErrors(boolean v4) {
    return v4 ? ip[IP_RECVERR] != 0 : ipv6[IPV6_RECVERR] != 0;
  }

  /** Whether addresses need not be local to be bound. */
  boolean isFreeBind() {
    return ip[IP_FREEBIND] != 0 || ip[IP_TRANSPARENT] != 0 || ipv6[78] != 0 || ipv6[IPV6_TRANSPARENT] != 0;
  }

  /** Time to live of a unicast message. */
  int hops(boolean v4, int otherwise) {
    int value = v4 ? ip[IP_TTL] : ipv6[IPV6_UNICAST_HOPS];
    return value < 0 ? otherwise : value;
  }

  int multicastHops(boolean v4) {
    int value = v4 ? ip[IP_MULTICAST_TTL] : ipv6[IPV6_MULTICAST_HOPS];
    return value < 0 ? 1 : value;
  }

  int trafficClass(boolean v4) {
    return v4 ? ip[IP_TOS] & 0xff : Math.max(ipv6[IPV6_TCLASS], 0);
  }

  boolean isMulticastLoop(boolean v4) {
    return v4 ? ip[IP_MULTICAST_LOOP] != 0 : ipv6[IPV6_MULTICAST_LOOP] != 0;
  }

  /** Index of the interface that multicast goes out of; 0 for none chosen. */
  int multicastDevice(boolean v4) {
    return v4 ? multicastDevice4 : ipv6[IPV6_MULTICAST_IF];
  }

  // ---- SOL_IP ----

  void setIp(Credentials creds, int name, OptionValue value) throws ErrnoException {
    if (name == IP_MULTICAST_IF) {
      setMulticastInterface(value);
      return;
    }
    if (name == IP_OPTIONS) {
      // Nothing on the way of loopback looks at them.
      if (value.length > MAX_IP_OPTIONS) {
        throw EINVAL.error();
      }
      return;
    }
    if (!IP.has(name)) {
      throw ENOPROTOOPT.error();
    }
    int number = value.asByteOrInt();
    requireRange(IP, name, number);
    switch (name) {
      case IP_TTL -> {
        if (number == 0) {
          throw EINVAL.error();
        }
      }
      case IP_TRANSPARENT -> requireTransparent(creds, number);
      default -> { }
    }
    ip[name] = IP.flags[name] ? number != 0 ? 1 : 0 : number;
  }

  private void setMulticastInterface(OptionValue value) throws ErrnoException {
    value.requireLength(4);
    int index = 0;
    int addr = value.intAt(0);
    if (value.length >= 12) {
      index = value.intAt(8);
      addr = value.intAt(4);
    }
    if (index == 0 && addr != 0) {
      if ((addr & 0xff) != 127) {
        throw EADDRNOTAVAIL.error();
      }
      index = 1;
    }
    if (index > 1) {
      throw EADDRNOTAVAIL.error();
    }
    multicastDevice4 = index;
  }

  void getIp(boolean isConnected, int name, OptionValue out) throws ErrnoException {
    if (name == IP_MTU) {
      if (!isConnected) {
        throw gvisor.api.errno.Errno.ENOTCONN.error();
      }
      putIp(out, LOOPBACK_MTU);
    } else if (name == IP_MULTICAST_IF) {
      out.setInt(0);
    } else if (name == IP_OPTIONS) {
      out.length = 0;
    } else if (!IP.has(name)) {
      throw ENOPROTOOPT.error();
    } else {
      int value = ip[name];
      putIp(out, name == IP_TTL && value < 0 ? 64 : name == IP_TOS ? value & 0xff : value);
    }
  }

  /** Numbers below 256 are answered in one byte when that is all the caller has room for. */
  private static void putIp(OptionValue out, int value) {
    boolean isByte = out.length > 0 && out.length < 4 && value >= 0 && value <= 255;
    out.setInt(value);
    if (isByte) {
      out.length = 1;
    }
  }

  // ---- SOL_IPV6 ----

  void setIpv6(Credentials creds, boolean isBound, int name, OptionValue value) throws ErrnoException {
    if (name == IPV6_ADDRFORM) {
      throw value.asInt() == AF_INET ? ENOPROTOOPT.error() : EINVAL.error();
    }
    if (name == IPV6_PKTINFO && value.length == 0) {
      return;
    }
    if (!IPV6.has(name)) {
      throw ENOPROTOOPT.error();
    }
    int number = value.asInt();
    requireRange(IPV6, name, number);
    switch (name) {
      case IPV6_V6ONLY -> {
        if (isBound) {
          throw EINVAL.error();
        }
        isV6Only = number != 0;
      }
      case IPV6_MULTICAST_IF -> {
        if (number > 1) {
          throw ENODEV.error();
        }
      }
      case IPV6_MULTICAST_LOOP -> {
        if (number != 0 && number != 1) {
          throw EINVAL.error();
        }
      }
      case IPV6_TRANSPARENT -> requireTransparent(creds, number);
      default -> { }
    }
    ipv6[name] = IPV6.flags[name] ? number != 0 ? 1 : 0 : number;
  }

  void getIpv6(boolean isConnected, int name, OptionValue out) throws ErrnoException {
    if (name == IPV6_MTU) {
      if (!isConnected) {
        throw gvisor.api.errno.Errno.ENOTCONN.error();
      }
      out.setInt(LOOPBACK_MTU);
    } else if (!IPV6.has(name)) {
      throw ENOPROTOOPT.error();
    } else {
      int value = ipv6[name];
      out.setInt(name == IPV6_UNICAST_HOPS && value < 0 ? 64 : name == IPV6_TCLASS && value < 0 ? 0 : value);
    }
  }

  private static void requireRange(Ranges ranges, int name, int number) throws ErrnoException {
    if (number < ranges.least[name] || number > ranges.greatest[name]) {
      throw EINVAL.error();
    }
  }

  private static void requireTransparent(Credentials creds, int number) throws ErrnoException {
    if (number != 0 && !creds.has(Capability.CAP_NET_ADMIN) && !creds.has(Capability.CAP_NET_RAW)) {
      throw EPERM.error();
    }
  }
}
