package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.abi.SocketAbi.AF_INET6;
import static gvisor.api.abi.SocketAbi.AF_UNSPEC;
import static gvisor.api.abi.SocketAbi.IPPROTO_UDPLITE;
import static gvisor.api.abi.SocketAbi.MSG_ERRQUEUE;
import static gvisor.api.abi.SocketAbi.MSG_OOB;
import static gvisor.api.abi.SocketAbi.MSG_PEEK;
import static gvisor.api.abi.SocketAbi.MSG_TRUNC;
import static gvisor.api.abi.SocketAbi.SHUT_RD;
import static gvisor.api.abi.SocketAbi.SHUT_WR;
import static gvisor.api.abi.SocketAbi.SOCK_DGRAM;
import static gvisor.api.abi.SocketAbi.SOL_IP;
import static gvisor.api.abi.SocketAbi.SOL_IPV6;
import static gvisor.api.abi.SocketAbi.SOL_SOCKET;
import static gvisor.api.abi.SocketAbi.SOL_UDP;
import static gvisor.api.abi.SocketAbi.SO_TIMESTAMP;
import static gvisor.api.abi.SocketAbi.SO_TIMESTAMPNS;
import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.ECONNREFUSED;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EMSGSIZE;
import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.ENOPROTOOPT;
import static gvisor.api.errno.Errno.ENOTCONN;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPIPE;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.OptionValue;
import gvisor.sentry.socket.PacketQueue;
import gvisor.sentry.vfs.Caller;
import java.lang.foreign.ValueLayout;

/** SOCK_DGRAM of AF_INET and AF_INET6. */
public final class UdpSocket extends InetSocket implements DatagramOwner {
  private static final int MAX_PAYLOAD_V4 = 65507;
  private static final int MAX_PAYLOAD_V6 = 65527;
  private static final int UDP_CORK = 1;
  private static final int UDP_NO_CHECK6_TX = 101;
  private static final int UDP_NO_CHECK6_RX = 102;
  private static final int UDP_SEGMENT = 103;
  private static final int UDP_GRO = 104;
  private static final int UDPLITE_SEND_CSCOV = 10;
  private static final int UDPLITE_RECV_CSCOV = 11;
  private static final int UDP_HEADER = 8;
  private static final int LOOPBACK_INDEX = 1;

  private final DatagramEndpoint endpoint;
  private final ErrorQueue errors = new ErrorQueue();
  private final int[] udpOptions = new int[4];
  private final int[] coverage = new int[2];
  private boolean isCorked;
  private volatile boolean readShut;
  private volatile boolean writeShut;

  /** @param protocol IPPROTO_UDP or IPPROTO_UDPLITE */
  UdpSocket(Network net, int family, int protocol, int uid) {
    super(net, family, SOCK_DGRAM, protocol, uid);
    endpoint = transport().newDatagram(this);
  }

  @Override
  public boolean raisesSigpipe() {
    return false;
  }

  @Override
  public void refused(InetName to, byte[] quoted) {
    errors.addRefused(to, quoted, ECONNREFUSED);
  }

  @Override
  public long realtimeNanos() {
    return net().host().clock().realtimeNanos();
  }

  @Override
  protected boolean isBound() {
    return endpoint.isBound();
  }

  @Override
  protected boolean isConnected() {
    return endpoint.isConnected();
  }

  DatagramEndpoint endpoint() {
    return endpoint;
  }

  // ---- names ----

  @Override
  public void bind(Caller caller, AddrBuffer address) throws ErrnoException {
    InetName name = new InetName();
    decodeForBind(caller, address, false, name);
    socketLock.lock();
    try {
      if (endpoint.isBound()) {
        throw EINVAL.error();
      }
      endpoint.bind(name);
    } finally {
      socketLock.unlock();
    }
  }

  @Override
  public long connect(Caller caller, AddrBuffer address, boolean nonblocking) throws ErrnoException {
    if (address.length < 2) {
      throw EINVAL.error();
    }
    socketLock.lock();
    try {
      if (address.family() == AF_UNSPEC) {
        endpoint.disconnect();
        return 0;
      }
      InetName name = new InetName();
      decodePeer(address, name);
      requireBroadcast(name);
      endpoint.connect(name);
      return 0;
    } finally {
      socketLock.unlock();
    }
  }

  @Override
  public void localAddress(AddrBuffer out) {
    InetName name = new InetName();
    endpoint.local(name);
    name.encode(out, family());
  }

  @Override
  public void peerAddress(AddrBuffer out) throws ErrnoException {
    if (!endpoint.isConnected()) {
      throw ENOTCONN.error();
    }
    InetName name = new InetName();
    endpoint.remote(name);
    if (name.port == 0) {
      throw ENOTCONN.error();
    }
    name.encode(out, family());
  }

  private void requireBroadcast(InetName name) throws ErrnoException {
    if (name.isBroadcast() && !options().isBroadcast) {
      throw EACCES.error();
    }
  }

  // ---- data ----

  @Override
  public long send(Caller caller, Message message, IoBuffer src, int flags) throws ErrnoException {
    if ((flags & MSG_OOB) != 0) {
      throw EOPNOTSUPP.error();
    }
    if (src.remaining() > 65535) {
      throw EMSGSIZE.error();
    }
    InetName to = null;
    if (message != null && message.name.length > 0) {
      to = destination(message);
    }
    if (hasError()) {
      throwError();
    }
    if (writeShut) {
      throw EPIPE.error();
    }
    boolean v4 = family() == AF_INET || to != null && to.isV4();
    if (src.remaining() > (v4 ? MAX_PAYLOAD_V4 : MAX_PAYLOAD_V6)) {
      throw EMSGSIZE.error();
    }
    return endpoint.send(src, to, message);
  }

  private InetName destination(Message message) throws ErrnoException {
    if (family() == AF_INET && message.name.family() == AF_UNSPEC && message.name.length >= 16) {
      // Linux takes an address without a family for an IPv4 one here.
      message.name.bytes()[0] = (byte) AF_INET;
    }
    InetName to = new InetName();
    decodePeer(message.name, to);
    requireBroadcast(to);
    return to;
  }

  @Override
  public long receive(Caller caller, Message message, IoBuffer dst, int flags) throws ErrnoException {
    if ((flags & MSG_ERRQUEUE) != 0) {
      long length = errors.receive(message, dst, family());
      if (length != WOULD_BLOCK) {
        takeError();
        Errno next = errors.first();
        if (next != null) {
          setError(next);
        }
      }
      return length;
    }
    if ((flags & MSG_OOB) != 0) {
      throw EOPNOTSUPP.error();
    }
    if (hasError()) {
      throwError();
    }
    PacketQueue.Received received = message == null ? new PacketQueue.Received() : message.received;
    long n = endpoint.receive(dst, message, received, (flags & MSG_PEEK) != 0);
    if (n == WOULD_BLOCK) {
      return readShut ? 0 : WOULD_BLOCK;
    }
    if (message != null && received.source != null) {
      message.creds = null;
      describe(message, received, (DatagramEndpoint.Flow) received.source);
    }
    return (flags & MSG_TRUNC) != 0 ? received.length : n;
  }

  /** Source address and control messages of what was received. */
  private void describe(Message message, PacketQueue.Received received, DatagramEndpoint.Flow flow) {
    InetName source = new InetName();
    source.set(flow.srcHigh(), flow.srcLow(), flow.srcPort());
    source.encode(message.name, family());
    if (options().isTimestampNanos) {
      putTime(message, SO_TIMESTAMPNS, received.stampNanos, 1);
    } else if (options().isTimestamp) {
      putTime(message, SO_TIMESTAMP, received.stampNanos, 1000);
    }
    boolean v4 = InetName.isV4(flow.dstHigh(), flow.dstLow());
    int ttl = flow.detail() & 0xff;
    int tos = flow.detail() >>> 8 & 0xff;
    InetOptions inet = inetOptions();
    if (family() == AF_INET6) {
      describeV6(message, flow, ttl, tos);
      if (!v4) {
        return;
      }
    }
    if (inet.isSet(false, InetOptions.IP_PKTINFO)) {
      int at = message.addControl(SOL_IP, InetOptions.IP_PKTINFO, 12);
      if (at >= 0) {
        int address = Integer.reverseBytes((int) flow.dstLow());
        message.control.set(ValueLayout.JAVA_INT_UNALIGNED, at, LOOPBACK_INDEX);
        message.control.set(ValueLayout.JAVA_INT_UNALIGNED, at + 4, address);
        message.control.set(ValueLayout.JAVA_INT_UNALIGNED, at + 8, address);
      }
    }
    if (inet.isSet(false, InetOptions.IP_RECVTTL)) {
      message.addControlInt(SOL_IP, InetOptions.IP_TTL, ttl);
    }
    if (inet.isSet(false, InetOptions.IP_RECVTOS)) {
      int at = message.addControl(SOL_IP, InetOptions.IP_TOS, 1);
      if (at >= 0) {
        message.control.set(ValueLayout.JAVA_BYTE, at, (byte) tos);
      }
    }
    if (inet.isSet(false, InetOptions.IP_RECVORIGDSTADDR)) {
      int at = message.addControl(SOL_IP, InetOptions.IP_RECVORIGDSTADDR, 16);
      if (at >= 0) {
        message.control.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) AF_INET);
        message.control.set(ValueLayout.JAVA_SHORT_UNALIGNED, at + 2, Short.reverseBytes((short) flow.dstPort()));
        message.control.set(ValueLayout.JAVA_INT_UNALIGNED, at + 4, Integer.reverseBytes((int) flow.dstLow()));
      }
    }
  }

  private void describeV6(Message message, DatagramEndpoint.Flow flow, int ttl, int tos) {
    InetOptions inet = inetOptions();
    if (inet.isSet(true, InetOptions.IPV6_RECVPKTINFO)) {
      int at = message.addControl(SOL_IPV6, InetOptions.IPV6_PKTINFO, 20);
      if (at >= 0) {
        message.control.set(ValueLayout.JAVA_LONG_UNALIGNED, at, Long.reverseBytes(flow.dstHigh()));
        message.control.set(ValueLayout.JAVA_LONG_UNALIGNED, at + 8, Long.reverseBytes(flow.dstLow()));
        message.control.set(ValueLayout.JAVA_INT_UNALIGNED, at + 16, LOOPBACK_INDEX);
      }
    }
    if (InetName.isV4(flow.dstHigh(), flow.dstLow())) {
      return;
    }
    if (inet.isSet(true, InetOptions.IPV6_RECVHOPLIMIT)) {
      message.addControlInt(SOL_IPV6, InetOptions.IPV6_HOPLIMIT, ttl);
    }
    if (inet.isSet(true, InetOptions.IPV6_RECVTCLASS)) {
      message.addControlInt(SOL_IPV6, InetOptions.IPV6_TCLASS, tos);
    }
  }

  private static void putTime(Message message, int type, long nanos, int unit) {
    int at = message.addControl(SOL_SOCKET, type, 16);
    if (at >= 0) {
      message.control.set(ValueLayout.JAVA_LONG_UNALIGNED, at, nanos / 1_000_000_000L);
      message.control.set(ValueLayout.JAVA_LONG_UNALIGNED, at + 8, nanos % 1_000_000_000L / unit);
    }
  }

  @Override
  public int readableBytes() {
    return endpoint.readableBytes();
  }

  // ---- ends ----

  @Override
  public void shutdown(int how) throws ErrnoException {
    if (how != SHUT_WR) {
      readShut = true;
    }
    if (how != SHUT_RD) {
      writeShut = true;
    }
    queue().notify(EventMask.READABLE | EventMask.WRITABLE | EventMask.EPOLLHUP | EventMask.EPOLLRDHUP);
    if (!endpoint.isConnected()) {
      throw ENOTCONN.error();
    }
  }

  @Override
  public void close() {
    endpoint.close();
  }

  @Override
  public int readiness(int mask) {
    int ready = EventMask.WRITABLE | (hasError() || !errors.isEmpty() ? EventMask.EPOLLERR : 0);
    if (readShut) {
      ready |= EventMask.READABLE | EventMask.EPOLLRDHUP;
    }
    if (readShut && writeShut) {
      ready |= EventMask.EPOLLHUP;
    }
    if (endpoint.hasMessage()) {
      ready |= EventMask.READABLE;
    }
    return ready & (mask | EventMask.ALWAYS);
  }

  // ---- options ----

  @Override
  public void setOption(Caller caller, int level, int name, OptionValue value) throws ErrnoException {
    if (level == IPPROTO_UDPLITE && protocol() == IPPROTO_UDPLITE) {
      setCoverage(name, value.asInt());
      return;
    }
    if (level != SOL_UDP) {
      super.setOption(caller, level, name, value);
      return;
    }
    int number = value.asInt();
    switch (name) {
      case UDP_CORK -> isCorked = number != 0;
      case UDP_SEGMENT -> {
        if (number < 0 || number > 0xffff) {
          throw EINVAL.error();
        }
        udpOptions[name - UDP_NO_CHECK6_TX] = number;
      }
      case UDP_NO_CHECK6_TX, UDP_NO_CHECK6_RX, UDP_GRO -> udpOptions[name - UDP_NO_CHECK6_TX] = number != 0 ? 1 : 0;
      default -> throw ENOPROTOOPT.error();
    }
  }

  @Override
  public void getOption(Caller caller, int level, int name, OptionValue out) throws ErrnoException {
    if (level == IPPROTO_UDPLITE && protocol() == IPPROTO_UDPLITE) {
      out.setInt(coverage[coverageIndex(name)]);
    } else if (level != SOL_UDP) {
      super.getOption(caller, level, name, out);
    } else if (name == UDP_CORK) {
      out.setBoolean(isCorked);
    } else if (name >= UDP_NO_CHECK6_TX && name <= UDP_GRO) {
      out.setInt(udpOptions[name - UDP_NO_CHECK6_TX]);
    } else {
      throw ENOPROTOOPT.error();
    }
  }

  /** How many bytes of a UDP-Lite message its checksum covers ({@code man 7 udplite}): 0 for all, else at least 8. */
  private void setCoverage(int name, int bytes) throws ErrnoException {
    int index = coverageIndex(name);
    coverage[index] = bytes <= 0 ? 0 : Math.clamp(bytes, UDP_HEADER, 65535);
  }

  private static int coverageIndex(int name) throws ErrnoException {
    if (name != UDPLITE_SEND_CSCOV && name != UDPLITE_RECV_CSCOV) {
      throw ENOPROTOOPT.error();
    }
    return name - UDPLITE_SEND_CSCOV;
  }

  @Override
  protected void setMembership(int name, OptionValue value, boolean v4) throws ErrnoException {
    InetName group = new InetName();
    int device;
    boolean join;
    if (name == InetOptions.MCAST_JOIN_GROUP || name == InetOptions.MCAST_LEAVE_GROUP) {
      // struct group_req: the interface, padding, a sockaddr_storage.
      value.requireLength(136);
      device = value.intAt(0);
      AddrBuffer address = new AddrBuffer();
      java.lang.foreign.MemorySegment.copy(value.segment(), 8, address.segment(), 0, 28);
      address.length = 28;
      group.decode(address, family());
      join = name == InetOptions.MCAST_JOIN_GROUP;
    } else if (v4) {
      value.requireLength(8);
      group.set(0, InetName.mapped(Integer.reverseBytes(value.intAt(0))), 0);
      device = value.length >= 12 ? value.intAt(8) : 0;
      if (device == 0 && (value.intAt(4) & 0xff) == 127) {
        device = LOOPBACK_INDEX;
      }
      join = name == InetOptions.IP_ADD_MEMBERSHIP;
    } else {
      value.requireLength(20);
      group.set(Long.reverseBytes(value.longAt(0)), Long.reverseBytes(value.longAt(8)), 0);
      device = value.intAt(16);
      join = name == InetOptions.IPV6_ADD_MEMBERSHIP;
    }
    if (!group.isMulticast()) {
      throw EINVAL.error();
    }
    if (join && device != LOOPBACK_INDEX) {
      throw ENODEV.error();
    }
    endpoint.setMember(group, join);
  }
}
