package gvisor.sentry.socket.netlink;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.abi.SocketAbi.AF_INET6;
import static gvisor.api.abi.SocketAbi.AF_UNSPEC;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENETUNREACH;
import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.NetworkSnapshot;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.socket.NetDevice;
import gvisor.sentry.socket.Network;
import gvisor.sentry.vfs.Caller;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Answers requests of NETLINK_ROUTE from the interfaces of a namespace ({@code man 7 rtnetlink}). */
final class RouteRequests {
  static final int NLM_F_MULTI = 2;
  static final int NLM_F_DUMP = 0x300;
  static final int NLM_F_DUMP_FILTERED = 0x20;

  private static final int RTM_NEWLINK = 16;
  private static final int RTM_GETLINK = 18;
  private static final int RTM_SETLINK = 19;
  private static final int RTM_NEWADDR = 20;
  private static final int RTM_GETADDR = 22;
  private static final int RTM_NEWROUTE = 24;
  private static final int RTM_GETROUTE = 26;
  private static final int RTM_LAST = 123;
  private static final int KIND_MASK = 3;
  private static final int KIND_GET = 2;

  private static final int IFINFOMSG = 16;
  private static final int IFADDRMSG = 8;
  private static final int RTMSG = 12;

  private static final int IFLA_ADDRESS = 1;
  private static final int IFLA_BROADCAST = 2;
  private static final int IFLA_IFNAME = 3;
  private static final int IFLA_MTU = 4;
  private static final int IFLA_QDISC = 6;
  private static final int IFLA_STATS = 7;
  private static final int IFLA_TXQLEN = 13;
  private static final int IFLA_OPERSTATE = 16;
  private static final int IFLA_LINKMODE = 17;
  private static final int IFLA_STATS64 = 23;
  private static final int IFLA_GROUP = 27;
  private static final int IFLA_PROMISCUITY = 30;
  private static final int IFLA_NUM_TX_QUEUES = 31;
  private static final int IFLA_NUM_RX_QUEUES = 32;
  private static final int IFLA_CARRIER = 33;
  private static final int STATS_SIZE = 24 * 4;
  private static final int STATS64_SIZE = 24 * 8;

  private static final int IFA_ADDRESS = 1;
  private static final int IFA_LOCAL = 2;
  private static final int IFA_LABEL = 3;
  private static final int IFA_BROADCAST = 4;
  private static final int IFA_CACHEINFO = 6;
  private static final int IFA_FLAGS = 8;

  private static final int RTA_DST = 1;
  private static final int RTA_OIF = 4;
  private static final int RTA_GATEWAY = 5;
  private static final int RTA_PRIORITY = 6;
  private static final int RTA_PREFSRC = 7;
  private static final int RTA_TABLE = 15;
  private static final int RT_TABLE_MAIN = 254;
  private static final int RT_TABLE_LOCAL = 255;
  private static final int RTPROT_KERNEL = 2;
  private static final int RTN_LOCAL = 2;
  private static final int RT_SCOPE_HOST = 254;

  private final Network net;

  RouteRequests(Network net) {
    this.net = net;
  }

  /**
   * Answers the request at {@code at} of {@code request}, {@code length} bytes with its header, into {@code out}.
   *
   * @param isStrict filters of the request count (NETLINK_GET_STRICT_CHK)
   * @return whether it was a dump, which a DONE message is to end
   * @throws ErrnoException what the acknowledgement is to say
   */
  boolean answer(Caller caller, MemorySegment request, int at, int length, int port, boolean isStrict,
      NetlinkWriter out) throws ErrnoException {
    int type = request.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 4) & 0xffff;
    int flags = request.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 6) & 0xffff;
    int sequence = request.get(ValueLayout.JAVA_INT_UNALIGNED, at + 8);
    int body = at + NetlinkWriter.HEADER;
    int bodyLength = length - NetlinkWriter.HEADER;
    if (type > RTM_LAST) {
      throw EOPNOTSUPP.error();
    }
    if (bodyLength < 1) {
      return false;
    }
    int family = request.get(ValueLayout.JAVA_BYTE, body) & 0xff;
    if ((type & KIND_MASK) != KIND_GET && !caller.creds().has(Capability.CAP_NET_ADMIN)) {
      throw EPERM.error();
    }
    if ((flags & NLM_F_DUMP) == NLM_F_DUMP && (type & KIND_MASK) == KIND_GET) {
      int index = isStrict && bodyLength >= 8 ? request.get(ValueLayout.JAVA_INT_UNALIGNED, body + 4) : 0;
      dump(type, family, index, sequence, port, out);
      return true;
    }
    switch (type) {
      case RTM_GETLINK -> link(out, device(request, body, bodyLength), 0, sequence, port);
      case RTM_GETROUTE -> routeTo(request, body, bodyLength, family, sequence, port, out);
      case RTM_NEWLINK, RTM_SETLINK -> setFlags(request, body, device(request, body, bodyLength));
      default -> throw EOPNOTSUPP.error();
    }
    return false;
  }

  private void dump(int type, int family, int index, int sequence, int port, NetlinkWriter out) {
    List<NetworkSnapshot.Route> routes = net.routes();
    if (type == RTM_GETROUTE && routes != null) {
      for (NetworkSnapshot.Route r : routes) {
        if (family == AF_UNSPEC || family == r.family()) {
          route(out, r, r.destination(), r.prefixLength(), NLM_F_MULTI, sequence, port);
        }
      }
      return;
    }
    for (NetDevice device : net.devices()) {
      switch (type) {
        case RTM_GETLINK -> {
          if (index == 0 || index == device.index()) {
            link(out, device, NLM_F_MULTI, sequence, port);
          }
        }
        case RTM_GETADDR -> {
          for (NetDevice.Address a : device.addresses()) {
            if ((family == AF_UNSPEC || family == a.family()) && (index == 0 || index == device.index())) {
              address(out, device, a, sequence, port);
            }
          }
        }
        case RTM_GETROUTE -> {
          for (NetDevice.Address a : device.addresses()) {
            if (family == AF_UNSPEC || family == a.family()) {
              route(out, device, a, a.bytes(), a.prefixLength(), NLM_F_MULTI, sequence, port);
            }
          }
        }
        default -> { }
      }
    }
  }

  private NetDevice device(MemorySegment request, int body, int bodyLength) throws ErrnoException {
    if (bodyLength < IFINFOMSG) {
      throw EINVAL.error();
    }
    int index = request.get(ValueLayout.JAVA_INT_UNALIGNED, body + 4);
    NetDevice found = null;
    if (index > 0) {
      found = net.device(index);
    } else {
      String name = stringAttribute(request, body + IFINFOMSG, body + bodyLength, IFLA_IFNAME);
      if (name == null) {
        throw EINVAL.error();
      }
      found = net.device(name);
    }
    if (found == null) {
      throw ENODEV.error();
    }
    return found;
  }

  /** Where the value of attribute {@code wanted} starts, or -1. */
  private static int attribute(MemorySegment request, int from, int end, int wanted) {
    int at = from;
    while (end - at >= 4) {
      int length = request.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) & 0xffff;
      if (length < 4 || length > end - at) {
        return -1;
      }
      if ((request.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 2) & 0x3fff) == wanted) {
        return at + 4;
      }
      at += length + 3 & ~3;
    }
    return -1;
  }

  private static String stringAttribute(MemorySegment request, int from, int end, int wanted) {
    int at = attribute(request, from, end, wanted);
    if (at < 0) {
      return null;
    }
    StringBuilder s = new StringBuilder();
    for (int i = at; i < end && request.get(ValueLayout.JAVA_BYTE, i) != 0; i++) {
      s.append((char) (request.get(ValueLayout.JAVA_BYTE, i) & 0xff));
    }
    return s.toString();
  }

  private void setFlags(MemorySegment request, int body, NetDevice device) throws ErrnoException {
    int flags = request.get(ValueLayout.JAVA_INT_UNALIGNED, body + 8);
    int change = request.get(ValueLayout.JAVA_INT_UNALIGNED, body + 12);
    if ((change & NetDevice.IFF_UP) != 0) {
      net.setUp(device, (flags & NetDevice.IFF_UP) != 0);
    }
  }

  private static void link(NetlinkWriter out, NetDevice device, int flags, int sequence, int port) {
    boolean isUp = (device.flags() & NetDevice.IFF_UP) != 0;
    int at = out.begin(RTM_NEWLINK, flags, sequence, port, IFINFOMSG);
    out.putShort(at + 2, device.type());
    out.putInt(at + 4, device.index());
    out.putInt(at + 8, device.flags() | (isUp && device.isLoopback() ? NetDevice.IFF_LOWER_UP : 0));
    out.attributeString(IFLA_IFNAME, device.name());
    out.attributeInt(IFLA_TXQLEN, device.queueLength());
    out.attributeByte(IFLA_OPERSTATE, device.state());
    out.attributeByte(IFLA_LINKMODE, 0);
    out.attributeInt(IFLA_MTU, device.mtu());
    out.attributeInt(IFLA_GROUP, 0);
    out.attributeInt(IFLA_PROMISCUITY, 0);
    out.attributeInt(IFLA_NUM_TX_QUEUES, 1);
    out.attributeInt(IFLA_NUM_RX_QUEUES, 1);
    out.attributeByte(IFLA_CARRIER, (device.flags() & NetDevice.IFF_RUNNING) != 0 ? 1 : 0);
    out.attributeString(IFLA_QDISC, "noqueue");
    if (device.hardwareAddress().length > 0) {
      out.attribute(IFLA_ADDRESS, device.hardwareAddress());
    }
    if (device.hardwareBroadcast().length > 0) {
      out.attribute(IFLA_BROADCAST, device.hardwareBroadcast());
    }
    out.attribute(IFLA_STATS64, new byte[STATS64_SIZE]);
    out.attribute(IFLA_STATS, new byte[STATS_SIZE]);
    out.end();
  }

  private static void address(NetlinkWriter out, NetDevice device, NetDevice.Address a, int sequence, int port) {
    int at = out.begin(RTM_NEWADDR, NLM_F_MULTI, sequence, port, IFADDRMSG);
    out.putByte(at, a.family());
    out.putByte(at + 1, a.prefixLength());
    out.putByte(at + 2, a.flags());
    out.putByte(at + 3, a.scope());
    out.putInt(at + 4, device.index());
    out.attribute(IFA_ADDRESS, a.peer());
    if (a.family() == AF_INET || a.peer() != a.bytes()) {
      out.attribute(IFA_LOCAL, a.bytes());
    }
    if (a.broadcast().length > 0) {
      out.attribute(IFA_BROADCAST, a.broadcast());
    }
    if (a.family() == AF_INET) {
      out.attributeString(IFA_LABEL, a.label().isEmpty() ? device.name() : a.label());
    }
    byte[] cacheInfo = new byte[16];
    for (int i = 0; i < 8; i++) {
      // Preferred and valid for ever.
      cacheInfo[i] = (byte) 0xff;
    }
    out.attribute(IFA_CACHEINFO, cacheInfo);
    out.attributeInt(IFA_FLAGS, a.flags());
    out.end();
  }

  private static void route(NetlinkWriter out, NetDevice device, NetDevice.Address a, byte[] destination,
      int prefixLength, int flags, int sequence, int port) {
    int at = out.begin(RTM_NEWROUTE, flags, sequence, port, RTMSG);
    out.putByte(at, a.family());
    out.putByte(at + 1, prefixLength);
    out.putByte(at + 4, RT_TABLE_LOCAL);
    out.putByte(at + 5, RTPROT_KERNEL);
    out.putByte(at + 6, RT_SCOPE_HOST);
    out.putByte(at + 7, RTN_LOCAL);
    out.attributeInt(RTA_TABLE, RT_TABLE_LOCAL);
    byte[] network = destination.clone();
    for (int i = 0; i < network.length; i++) {
      int bits = Math.clamp(prefixLength - 8L * i, 0, 8);
      network[i] &= (byte) (0xff00 >> bits);
    }
    out.attribute(RTA_DST, network);
    out.attribute(RTA_PREFSRC, a.bytes());
    out.attributeInt(RTA_OIF, device.index());
    out.end();
  }

  /** The route a packet to the address in the request would take. */
  private void routeTo(MemorySegment request, int body, int bodyLength, int family, int sequence, int port,
      NetlinkWriter out) throws ErrnoException {
    if (bodyLength < RTMSG || family != AF_INET && family != AF_INET6) {
      throw EINVAL.error();
    }
    int size = family == AF_INET ? 4 : 16;
    int at = attribute(request, body + RTMSG, body + bodyLength, RTA_DST);
    if (at < 0 || at + size > body + bodyLength) {
      throw EINVAL.error();
    }
    byte[] destination = request.asSlice(at, size).toArray(ValueLayout.JAVA_BYTE);
    if (net.routes() != null) {
      NetworkSnapshot.Route found = best(net.routes(), family, destination);
      if (found == null) {
        throw ENETUNREACH.error();
      }
      route(out, from(found), destination, size * 8, 0, sequence, port);
      return;
    }
    for (NetDevice device : net.devices()) {
      for (NetDevice.Address a : device.addresses()) {
        if (a.family() == family && isWithin(destination, a)) {
          route(out, device, a, destination, size * 8, 0, sequence, port);
          return;
        }
      }
    }
    throw ENETUNREACH.error();
  }

  private static boolean isWithin(byte[] destination, NetDevice.Address a) {
    return isWithin(destination, a.bytes(), a.prefixLength());
  }

  private static boolean isWithin(byte[] destination, byte[] network, int prefixLength) {
    for (int bit = 0; bit < prefixLength; bit++) {
      int mask = 0x80 >> (bit & 7);
      if (((destination[bit >> 3] ^ network[bit >> 3]) & mask) != 0) {
        return false;
      }
    }
    return true;
  }

  /** Of the local table, and then of the main one, the narrowest route to {@code destination}; null for none. */
  private static NetworkSnapshot.Route best(List<NetworkSnapshot.Route> routes, int family, byte[] destination) {
    NetworkSnapshot.Route best = null;
    for (NetworkSnapshot.Route r : routes) {
      boolean fits = r.family() == family && (r.table() == RT_TABLE_LOCAL || r.table() == RT_TABLE_MAIN)
          && (r.prefixLength() == 0 || r.destination().length == destination.length)
          && isWithin(destination, r.destination(), r.prefixLength());
      if (fits && (best == null || rank(r) > rank(best))) {
        best = r;
      }
    }
    return best;
  }

  /** {@code r} with the address that is sent from, if it names none: the first that is valid as far. */
  private NetworkSnapshot.Route from(NetworkSnapshot.Route r) {
    NetDevice device = net.device(r.device());
    if (r.source().length > 0 || device == null) {
      return r;
    }
    for (NetDevice.Address a : device.addresses()) {
      if (a.family() == r.family() && a.scope() <= r.scope()) {
        return new NetworkSnapshot.Route(r.family(), r.prefixLength(), r.table(), r.protocol(), r.scope(), r.type(),
            r.flags(), r.destination(), r.gateway(), a.bytes(), r.device(), r.priority());
      }
    }
    return r;
  }

  private static long rank(NetworkSnapshot.Route r) {
    return (r.table() == RT_TABLE_LOCAL ? 1L << 48 : 0) + ((long) r.prefixLength() << 32) - (r.priority() & 0xffffffffL);
  }

  private static void route(NetlinkWriter out, NetworkSnapshot.Route r, byte[] destination, int prefixLength, int flags,
      int sequence, int port) {
    int at = out.begin(RTM_NEWROUTE, flags, sequence, port, RTMSG);
    out.putByte(at, r.family());
    out.putByte(at + 1, prefixLength);
    out.putByte(at + 4, r.table() > 255 ? 0 : r.table());
    out.putByte(at + 5, r.protocol());
    out.putByte(at + 6, r.scope());
    out.putByte(at + 7, r.type());
    out.putInt(at + 8, r.flags());
    out.attributeInt(RTA_TABLE, r.table());
    if (destination.length > 0) {
      out.attribute(RTA_DST, destination);
    }
    if (r.gateway().length > 0) {
      out.attribute(RTA_GATEWAY, r.gateway());
    }
    if (r.source().length > 0) {
      out.attribute(RTA_PREFSRC, r.source());
    }
    if (r.device() != 0) {
      out.attributeInt(RTA_OIF, r.device());
    }
    if (r.priority() != 0) {
      out.attributeInt(RTA_PRIORITY, r.priority());
    }
    out.end();
  }
}
