package gvisor.sentry.socket.netlink;

import static gvisor.api.abi.SocketAbi.AF_NETLINK;
import static gvisor.api.abi.SocketAbi.AF_UNSPEC;
import static gvisor.api.abi.SocketAbi.MSG_OOB;
import static gvisor.api.abi.SocketAbi.MSG_PEEK;
import static gvisor.api.abi.SocketAbi.MSG_TRUNC;
import static gvisor.api.abi.SocketAbi.SOCKADDR_NL;
import static gvisor.api.abi.SocketAbi.SOL_NETLINK;
import static gvisor.api.errno.Errno.EADDRINUSE;
import static gvisor.api.errno.Errno.ECONNREFUSED;
import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EMSGSIZE;
import static gvisor.api.errno.Errno.ENOBUFS;
import static gvisor.api.errno.Errno.ENOPROTOOPT;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.OptionValue;
import gvisor.sentry.socket.PacketQueue;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.SocketCreds;
import gvisor.sentry.vfs.Caller;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.ReentrantLock;

/** A netlink socket. Requests are served on the sender's thread, one after the other. */
public final class NetlinkSocket extends Socket {
  private static final int NLMSG_ERROR = 2;
  private static final int NLMSG_DONE = 3;
  private static final int NLMSG_MIN_TYPE = 16;
  private static final int NLM_F_REQUEST = 1;
  private static final int NLM_F_ACK = 4;
  private static final int MAX_REQUEST = 32768;

  private static final int NETLINK_ADD_MEMBERSHIP = 1;
  private static final int NETLINK_DROP_MEMBERSHIP = 2;
  private static final int NETLINK_PKTINFO = 3;
  private static final int NETLINK_LIST_MEMBERSHIPS = 9;
  private static final int NETLINK_CAP_ACK = 10;
  private static final int NETLINK_GET_STRICT_CHK = 12;
  private static final int OPTION_COUNT = 13;
  private static final int MAX_GROUP = 64;

  private static final SocketCreds KERNEL = new SocketCreds(0, 0, 0);

  private final RouteRequests requests;
  private final PacketQueue in;
  private final ReentrantLock socketLock = new ReentrantLock();
  private final NetlinkWriter out = new NetlinkWriter(this::deliver);
  private final boolean[] flags = new boolean[OPTION_COUNT];
  private volatile int port;
  private volatile int groups;
  private volatile int peerPort;
  private volatile int peerGroups;

  /** @param requests what answers; null for a protocol in which the kernel only ever speaks by itself */
  NetlinkSocket(Network net, int type, int protocol, RouteRequests requests) {
    super(net, AF_NETLINK, type, protocol);
    this.requests = requests;
    this.in = new PacketQueue(net.budget(), queue(), queue());
  }

  @Override
  public boolean raisesSigpipe() {
    return false;
  }

  private NetlinkFamily.Ports ports() {
    return (NetlinkFamily.Ports) net().state(AF_NETLINK);
  }

  // ---- names ----

  @Override
  public void bind(Caller caller, AddrBuffer address) throws ErrnoException {
    if (address.length < SOCKADDR_NL || address.family() != AF_NETLINK) {
      throw EINVAL.error();
    }
    int wanted = address.getInt(4);
    socketLock.lock();
    try {
      if (port != 0 && wanted != port) {
        throw EINVAL.error();
      }
      if (port == 0 && wanted == 0) {
        autobind(caller);
      } else if (port == 0) {
        if (ports().taken.putIfAbsent(NetlinkFamily.Ports.key(protocol(), wanted), this) != null) {
          throw EADDRINUSE.error();
        }
        port = wanted;
      }
      groups = address.getInt(8);
    } finally {
      socketLock.unlock();
    }
  }

  /** The process id as port, or some negative number for a process's later sockets. */
  private void autobind(Caller caller) {
    int candidate = caller.tgid();
    while (ports().taken.putIfAbsent(NetlinkFamily.Ports.key(protocol(), candidate), this) != null) {
      candidate = candidate > 0 ? -4097 : candidate - 1;
    }
    port = candidate;
  }

  @Override
  public long connect(Caller caller, AddrBuffer address, boolean nonblocking) throws ErrnoException {
    if (address.length < 2) {
      throw EINVAL.error();
    }
    socketLock.lock();
    try {
      if (address.family() == AF_UNSPEC) {
        peerPort = 0;
        peerGroups = 0;
        return 0;
      }
      if (address.family() != AF_NETLINK || address.length < SOCKADDR_NL) {
        throw EINVAL.error();
      }
      if (port == 0) {
        autobind(caller);
      }
      peerPort = address.getInt(4);
      peerGroups = address.getInt(8);
      return 0;
    } finally {
      socketLock.unlock();
    }
  }

  private static void name(AddrBuffer out, int port, int groups) {
    out.start(AF_NETLINK, SOCKADDR_NL);
    out.putInt(4, port);
    out.putInt(8, groups);
  }

  @Override
  public void localAddress(AddrBuffer out) {
    name(out, port, groups);
  }

  @Override
  public void peerAddress(AddrBuffer out) {
    name(out, peerPort, peerGroups);
  }

  // ---- data ----

  @Override
  public long send(Caller caller, Message message, IoBuffer src, int sendFlags) throws ErrnoException {
    if ((sendFlags & MSG_OOB) != 0) {
      throw EOPNOTSUPP.error();
    }
    int to = peerPort;
    if (message != null && message.name.length > 0) {
      if (message.name.length < SOCKADDR_NL || message.name.family() != AF_NETLINK) {
        throw EINVAL.error();
      }
      to = message.name.getInt(4);
    }
    if (src.remaining() > MAX_REQUEST) {
      throw EMSGSIZE.error();
    }
    socketLock.lock();
    try {
      if (port == 0) {
        autobind(caller);
      }
      byte[] bytes = new byte[(int) src.remaining()];
      MemorySegment request = MemorySegment.ofArray(bytes);
      if (src.get(request, 0, bytes.length) < bytes.length) {
        throw EFAULT.error();
      }
      if (to != 0) {
        throw ports().taken.containsKey(NetlinkFamily.Ports.key(protocol(), to)) ? EPERM.error() : ECONNREFUSED.error();
      }
      if (requests == null) {
        throw EPERM.error();
      }
      serve(caller, request, bytes.length);
      return bytes.length;
    } finally {
      socketLock.unlock();
    }
  }

  private void serve(Caller caller, MemorySegment request, int length) {
    int at = 0;
    while (length - at >= NetlinkWriter.HEADER) {
      int size = request.get(ValueLayout.JAVA_INT_UNALIGNED, at);
      if (size < NetlinkWriter.HEADER || size > length - at) {
        return;
      }
      serveOne(caller, request, at, size);
      at += size + 3 & ~3;
    }
  }

  private void serveOne(Caller caller, MemorySegment request, int at, int size) {
    int type = request.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 4) & 0xffff;
    int requestFlags = request.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 6) & 0xffff;
    int sequence = request.get(ValueLayout.JAVA_INT_UNALIGNED, at + 8);
    if ((requestFlags & NLM_F_REQUEST) == 0) {
      return;
    }
    int error = 0;
    boolean isDump = false;
    out.clear();
    if (type >= NLMSG_MIN_TYPE) {
      try {
        isDump = requests.answer(caller, request, at, size, port, flags[NETLINK_GET_STRICT_CHK], out);
      } catch (ErrnoException e) {
        error = e.errno().number();
        out.clear();
      }
    }
    if (out.length() > 0) {
      deliver();
    }
    if (isDump) {
      out.clear();
      out.begin(NLMSG_DONE, RouteRequests.NLM_F_MULTI, sequence, port, 4);
      out.end();
      deliver();
    } else if (error != 0 || (requestFlags & NLM_F_ACK) != 0) {
      acknowledge(request, at, size, sequence, error);
    }
  }

  private void acknowledge(MemorySegment request, int at, int size, int sequence, int error) {
    out.clear();
    boolean isWhole = error != 0 && !flags[NETLINK_CAP_ACK] && size <= 4096;
    int copied = isWhole ? size : NetlinkWriter.HEADER;
    int body = out.begin(NLMSG_ERROR, isWhole ? 0 : 0x100, sequence, port, 4 + copied);
    out.putInt(body, -error);
    MemorySegment.copy(request, at, out.segment(), body + 4, copied);
    out.end();
    deliver();
  }

  private void deliver() {
    if (!in.offer(out.segment(), out.length(), null, 0, 0, options().receiveBuffer)) {
      setError(ENOBUFS);
    }
  }

  @Override
  public long receive(Caller caller, Message message, IoBuffer dst, int receiveFlags) throws ErrnoException {
    if ((receiveFlags & MSG_OOB) != 0) {
      throw EOPNOTSUPP.error();
    }
    if (hasError()) {
      throwError();
    }
    PacketQueue.Received received = message == null ? new PacketQueue.Received() : message.received;
    long n = in.read(dst, message, received, (receiveFlags & MSG_PEEK) != 0);
    if (n == WOULD_BLOCK) {
      return n;
    }
    if (message != null) {
      name(message.name, 0, 0);
      message.creds = options().isPassCred ? KERNEL : null;
      if (flags[NETLINK_PKTINFO]) {
        message.addControlInt(SOL_NETLINK, NETLINK_PKTINFO, 0);
      }
    }
    return (receiveFlags & MSG_TRUNC) != 0 ? received.length : n;
  }

  /** A message from the kernel to whoever holds this socket; false when there is no room. */
  public boolean offer(byte[] bytes) {
    return in.offer(MemorySegment.ofArray(bytes), bytes.length, null, 0, 0, options().receiveBuffer);
  }

  @Override
  public int readableBytes() {
    return in.firstLength();
  }

  @Override
  public void close() {
    if (port != 0) {
      ports().taken.remove(NetlinkFamily.Ports.key(protocol(), port), this);
    }
    in.abandon();
  }

  @Override
  public int readiness(int mask) {
    int ready = EventMask.WRITABLE | (hasError() ? EventMask.EPOLLERR : 0);
    if (!in.isEmpty()) {
      ready |= EventMask.READABLE;
    }
    return ready & (mask | EventMask.ALWAYS);
  }

  // ---- options ----

  @Override
  public void setOption(Caller caller, int level, int name, OptionValue value) throws ErrnoException {
    if (level != SOL_NETLINK) {
      super.setOption(caller, level, name, value);
      return;
    }
    int number = value.asInt();
    switch (name) {
      case NETLINK_ADD_MEMBERSHIP, NETLINK_DROP_MEMBERSHIP -> {
        if (number <= 0 || number > MAX_GROUP) {
          throw EINVAL.error();
        }
        int bit = number <= 32 ? 1 << number - 1 : 0;
        groups = name == NETLINK_ADD_MEMBERSHIP ? groups | bit : groups & ~bit;
      }
      case NETLINK_PKTINFO, 4, 5, 8, NETLINK_CAP_ACK, 11, NETLINK_GET_STRICT_CHK -> flags[name] = number != 0;
      default -> throw ENOPROTOOPT.error();
    }
  }

  @Override
  public void getOption(Caller caller, int level, int name, OptionValue value) throws ErrnoException {
    if (level != SOL_NETLINK) {
      super.getOption(caller, level, name, value);
      return;
    }
    switch (name) {
      case NETLINK_LIST_MEMBERSHIPS -> value.setInt(groups);
      case NETLINK_PKTINFO, 4, 5, 8, NETLINK_CAP_ACK, 11, NETLINK_GET_STRICT_CHK -> value.setBoolean(flags[name]);
      default -> throw ENOPROTOOPT.error();
    }
  }
}
