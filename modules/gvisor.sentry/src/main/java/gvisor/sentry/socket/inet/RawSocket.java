package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.abi.SocketAbi.AF_UNSPEC;
import static gvisor.api.abi.SocketAbi.MSG_OOB;
import static gvisor.api.abi.SocketAbi.MSG_PEEK;
import static gvisor.api.abi.SocketAbi.MSG_TRUNC;
import static gvisor.api.abi.SocketAbi.SHUT_RD;
import static gvisor.api.abi.SocketAbi.SHUT_WR;
import static gvisor.api.abi.SocketAbi.SOCK_RAW;
import static gvisor.api.abi.SocketAbi.SOL_ICMPV6;
import static gvisor.api.abi.SocketAbi.SOL_IPV6;
import static gvisor.api.abi.SocketAbi.SOL_RAW;
import static gvisor.api.errno.Errno.EDESTADDRREQ;
import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EMSGSIZE;
import static gvisor.api.errno.Errno.ENETUNREACH;
import static gvisor.api.errno.Errno.ENOPROTOOPT;
import static gvisor.api.errno.Errno.ENOTCONN;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPIPE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.OptionValue;
import gvisor.sentry.socket.PacketQueue;
import gvisor.sentry.vfs.Caller;
import java.lang.foreign.MemorySegment;

/**
 * SOCK_RAW for ICMP and ICMPv6 ({@code man 7 raw}): what {@code ping} needs. It sees every message of its protocol that
 * arrives, with the IPv4 header in front as Linux has it, and none for IPv6.
 */
public final class RawSocket extends InetSocket {
  private static final int MAX_PAYLOAD = 65515;
  private static final int FILTER = 1;
  private static final int FILTER6_WORDS = 8;

  private final PacketQueue in;
  private final InetName local = new InetName();
  private final InetName remote = new InetName();

  /** A set bit: messages of that type are not wanted. 32 types for ICMP, 256 for ICMPv6. */
  private final int[] filter = new int[FILTER6_WORDS];

  private volatile boolean isBound;
  private volatile boolean isConnected;
  private volatile boolean readShut;
  private volatile boolean writeShut;

  RawSocket(Network net, int family, int protocol, int uid) {
    super(net, family, SOCK_RAW, protocol, uid);
    in = new PacketQueue(net.budget(), queue(), queue());
    local.setAny(family == AF_INET);
    transport().addRaw(this);
  }

  @Override
  public boolean raisesSigpipe() {
    return false;
  }

  @Override
  protected boolean isBound() {
    return isBound;
  }

  @Override
  protected boolean isConnected() {
    return isConnected;
  }

  // ---- names ----

  @Override
  public void bind(Caller caller, AddrBuffer address) throws ErrnoException {
    InetName name = new InetName();
    decodeForBind(caller, address, false, name);
    socketLock.lock();
    try {
      local.set(name);
      isBound = true;
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
        isConnected = false;
        return 0;
      }
      InetName name = new InetName();
      decodeReachable(address, name);
      remote.set(name);
      isConnected = true;
      return 0;
    } finally {
      socketLock.unlock();
    }
  }

  private void decodeReachable(AddrBuffer address, InetName out) throws ErrnoException {
    decodePeer(address, out);
    if (out.isAny()) {
      out.setLoopback(out.isV4());
    }
    if (!out.isLoopback()) {
      throw ENETUNREACH.error();
    }
  }

  @Override
  public void localAddress(AddrBuffer out) {
    InetName name = new InetName();
    socketLock.lock();
    try {
      name.set(local);
    } finally {
      socketLock.unlock();
    }
    name.port = protocol();
    name.encode(out, family());
  }

  @Override
  public void peerAddress(AddrBuffer out) throws ErrnoException {
    if (!isConnected) {
      throw ENOTCONN.error();
    }
    remote.encode(out, family());
  }

  // ---- data ----

  @Override
  public long send(Caller caller, Message message, IoBuffer src, int flags) throws ErrnoException {
    if ((flags & MSG_OOB) != 0) {
      throw EOPNOTSUPP.error();
    }
    if (src.remaining() > MAX_PAYLOAD) {
      throw EMSGSIZE.error();
    }
    InetName to = new InetName();
    if (message != null && message.name.length > 0) {
      decodeReachable(message.name, to);
    } else if (isConnected) {
      to.set(remote);
    } else {
      throw EDESTADDRREQ.error();
    }
    if (writeShut) {
      throw EPIPE.error();
    }
    InetName from = new InetName();
    from.set(local);
    if (from.isAny()) {
      from.setLoopback(to.isV4());
    }
    byte[] bytes = new byte[(int) src.remaining()];
    if (src.get(MemorySegment.ofArray(bytes), 0, bytes.length) < bytes.length) {
      throw EFAULT.error();
    }
    transport().sendRaw(protocol(), from, to, inetOptions().hops(to.isV4(), 64), bytes);
    return bytes.length;
  }

  /**
   * A message has arrived.
   *
   * @param hops its time to live
   * @param packet as this family's raw sockets see it: with the IPv4 header, without the IPv6 one
   * @param type the message's type
   */
  void arrive(InetName from, InetName to, int hops, int type, byte[] packet) {
    boolean isWanted = (filter[type >>> 5 & FILTER6_WORDS - 1] & 1 << (type & 31)) == 0
        && (local.isAny() || local.hasAddress(to.high, to.low))
        && (!isConnected || remote.hasAddress(from.high, from.low));
    if (isWanted && !readShut) {
      in.offer(MemorySegment.ofArray(packet), packet.length,
          new DatagramEndpoint.Flow(from.high, from.low, 0, to.high, to.low, 0, hops),
          net().host().clock().realtimeNanos(), 0, options().receiveBuffer);
    }
  }

  @Override
  public long receive(Caller caller, Message message, IoBuffer dst, int flags) throws ErrnoException {
    if ((flags & MSG_OOB) != 0) {
      throw EOPNOTSUPP.error();
    }
    PacketQueue.Received received = message == null ? new PacketQueue.Received() : message.received;
    long n = in.read(dst, message, received, (flags & MSG_PEEK) != 0);
    if (n == WOULD_BLOCK) {
      return readShut ? 0 : n;
    }
    if (message != null) {
      message.creds = null;
      DatagramEndpoint.Flow flow = (DatagramEndpoint.Flow) received.source;
      InetName source = new InetName();
      source.set(flow.srcHigh(), flow.srcLow(), 0);
      source.encode(message.name, family());
      if (inetOptions().isSet(true, InetOptions.IPV6_RECVHOPLIMIT)) {
        message.addControlInt(SOL_IPV6, InetOptions.IPV6_HOPLIMIT, flow.detail());
      }
    }
    return (flags & MSG_TRUNC) != 0 ? received.length : n;
  }

  @Override
  public int readableBytes() {
    return in.firstLength();
  }

  @Override
  public void shutdown(int how) throws ErrnoException {
    if (how != SHUT_WR) {
      readShut = true;
    }
    if (how != SHUT_RD) {
      writeShut = true;
    }
    queue().notify(EventMask.READABLE | EventMask.WRITABLE | EventMask.EPOLLHUP | EventMask.EPOLLRDHUP);
    if (!isConnected) {
      throw ENOTCONN.error();
    }
  }

  @Override
  public void close() {
    transport().removeRaw(this);
    in.abandon();
  }

  @Override
  public int readiness(int mask) {
    int ready = EventMask.WRITABLE | (hasError() ? EventMask.EPOLLERR : 0);
    if (!in.isEmpty() || readShut) {
      ready |= EventMask.READABLE;
    }
    return ready & (mask | EventMask.ALWAYS);
  }

  // ---- options: which types are wanted ----

  @Override
  public void setOption(Caller caller, int level, int name, OptionValue value) throws ErrnoException {
    if (level != (family() == AF_INET ? SOL_RAW : SOL_ICMPV6)) {
      super.setOption(caller, level, name, value);
      return;
    }
    if (name != FILTER) {
      throw ENOPROTOOPT.error();
    }
    int words = Math.min(value.length / 4, family() == AF_INET ? 1 : FILTER6_WORDS);
    for (int i = 0; i < words; i++) {
      filter[i] = value.intAt(4 * i);
    }
  }

  @Override
  public void getOption(Caller caller, int level, int name, OptionValue out) throws ErrnoException {
    if (level != (family() == AF_INET ? SOL_RAW : SOL_ICMPV6)) {
      super.getOption(caller, level, name, out);
      return;
    }
    if (name != FILTER) {
      throw ENOPROTOOPT.error();
    }
    int words = family() == AF_INET ? 1 : FILTER6_WORDS;
    out.start(4 * words);
    for (int i = 0; i < words; i++) {
      out.putInt(4 * i, filter[i]);
    }
  }
}
