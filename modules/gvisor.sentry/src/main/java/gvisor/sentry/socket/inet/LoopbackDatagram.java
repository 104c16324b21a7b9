package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.errno.Errno.EADDRINUSE;
import static gvisor.api.errno.Errno.EADDRNOTAVAIL;
import static gvisor.api.errno.Errno.ECONNREFUSED;
import static gvisor.api.errno.Errno.EDESTADDRREQ;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENETUNREACH;
import static gvisor.api.errno.Errno.ENOMEM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.PacketQueue;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** A UDP endpoint whose peers are in the same namespace. A message to a full receiver is lost, as on a network. */
final class LoopbackDatagram implements DatagramEndpoint {
  private static final int MAX_GROUPS = 20;
  private static final int DEFAULT_TTL = 64;

  /** The endpoint's place among the ports. */
  final class Claim extends PortSpace.Binding {
    DatagramEndpoint endpoint() {
      return LoopbackDatagram.this;
    }

    @Override
    boolean isReuseAddress() {
      return owner.options().isReuseAddress;
    }

    @Override
    boolean isReusePort() {
      return owner.options().isReusePort;
    }

    @Override
    boolean isListening() {
      return false;
    }

    @Override
    int uid() {
      return owner.uid();
    }
  }

  private final LoopbackTransport transport;
  private final DatagramOwner owner;
  private final PortSpace ports;
  private final ReentrantLock transportLock;
  private final Claim claim = new Claim();
  private final PacketQueue in;

  // Guarded by transportLock.
  private boolean isBound;
  private boolean isBoundByUser;
  private boolean isBoundToAny;
  private boolean isConnected;
  private final InetName remote = new InetName();
  private final List<long[]> groups = new ArrayList<>(0);
  private Flow lastFlow;

  LoopbackDatagram(LoopbackTransport transport, DatagramOwner owner) {
    this.transport = transport;
    this.owner = owner;
    this.ports = transport.datagramPorts(owner.protocol());
    this.transportLock = transport.transportLock;
    this.in = new PacketQueue(transport.net().budget(), owner.queue(), owner.queue());
    setAny();
  }

  private void setAny() {
    claim.high = 0;
    claim.low = owner.family() == AF_INET ? InetName.mapped(0) : 0;
  }

  @Override
  public DatagramOwner owner() {
    return owner;
  }

  private boolean isDual(long high, long low) {
    return owner.family() != AF_INET && (high | low) == 0 && !owner.inetOptions().isV6Only();
  }

  @Override
  public void bind(InetName name) throws ErrnoException {
    transportLock.lock();
    try {
      claim.high = name.high;
      claim.low = name.low;
      claim.port = name.port;
      claim.isDual = isDual(name.high, name.low);
      ports.add(claim);
      isBound = true;
      isBoundByUser = name.port != 0 || !name.isAny();
      isBoundToAny = name.isAny();
    } finally {
      transportLock.unlock();
    }
  }

  private void autobind() throws ErrnoException {
    if (!isBound) {
      claim.port = 0;
      claim.isDual = isDual(claim.high, claim.low);
      ports.add(claim);
      isBound = true;
      isBoundByUser = false;
      isBoundToAny = true;
    }
  }

  @Override
  public boolean isBound() {
    return isBound;
  }

  @Override
  public void connect(InetName name) throws ErrnoException {
    transportLock.lock();
    try {
      InetName to = new InetName();
      to.set(name);
      if (to.isAny()) {
        to.setLoopback(to.isV4());
      }
      checkRoute(to);
      autobind();
      remote.set(to);
      isConnected = true;
      if (isBoundToAny) {
        claim.high = 0;
        claim.low = to.isV4() ? InetName.mapped(0x7f000001) : 1;
        claim.isDual = false;
      }
    } finally {
      transportLock.unlock();
    }
  }

  @Override
  public void disconnect() {
    transportLock.lock();
    try {
      isConnected = false;
      if (isBound && !isBoundByUser) {
        ports.remove(claim);
        isBound = false;
        setAny();
      } else if (isBoundToAny) {
        setAny();
        claim.isDual = isDual(claim.high, claim.low);
      }
    } finally {
      transportLock.unlock();
    }
  }

  @Override
  public boolean isConnected() {
    return isConnected;
  }

  @Override
  public void local(InetName out) {
    transportLock.lock();
    try {
      out.set(claim.high, claim.low, isBound ? claim.port : 0);
    } finally {
      transportLock.unlock();
    }
  }

  @Override
  public void remote(InetName out) {
    transportLock.lock();
    try {
      out.set(remote);
    } finally {
      transportLock.unlock();
    }
  }

  /** ENETUNREACH for what is not in this machine. */
  private void checkRoute(InetName to) throws ErrnoException {
    boolean isLocal = to.isLoopback() || to.isBroadcast()
        || to.isMulticast() && owner.inetOptions().multicastDevice(to.isV4()) != 0;
    if (!isLocal) {
      throw ENETUNREACH.error();
    }
  }

  @Override
  public long send(IoBuffer src, InetName to, Message message) throws ErrnoException {
    long length = src.remaining();
    Flow flow;
    transportLock.lock();
    try {
      flow = flow(to, message);
    } finally {
      transportLock.unlock();
    }
    InetName dst = new InetName();
    dst.set(flow.dstHigh(), flow.dstLow(), flow.dstPort());
    if (dst.isMulticast() || dst.isBroadcast()) {
      deliverToMany(src, flow, dst.isMulticast());
      return length;
    }
    LoopbackDatagram target;
    transportLock.lock();
    try {
      target = find(flow);
    } finally {
      transportLock.unlock();
    }
    if (target == null) {
      if (owner.inetOptions().wantsErrors(dst.isV4())) {
        byte[] quoted = new byte[(int) Math.min(length, ErrorQueue.QUOTED)];
        src.get(MemorySegment.ofArray(quoted), 0, quoted.length);
        owner.refused(dst, quoted);
        owner.setError(ECONNREFUSED);
      } else if (isConnected && to == null) {
        owner.setError(ECONNREFUSED);
      }
      drain(src);
      return length;
    }
    long n = target.in.write(src, flow, null, target.stamp(), flow.detail(), target.receiveLimit(length),
        Integer.MAX_VALUE);
    if (n < 0) {
      drain(src);
    }
    return length;
  }

  /** A message larger than the whole receive buffer is lost as any other that does not fit, not an error. */
  private int receiveLimit(long length) {
    return (int) Math.max(owner.options().receiveBuffer, Math.min(length, Integer.MAX_VALUE));
  }

  private long stamp() {
    return owner.realtimeNanos();
  }

  /** Where a message comes from and goes to; transportLock is held. */
  private Flow flow(InetName to, Message message) throws ErrnoException {
    InetName dst = to;
    if (dst == null) {
      if (!isConnected) {
        throw EDESTADDRREQ.error();
      }
      dst = remote;
    } else {
      if (dst.port == 0) {
        throw EINVAL.error();
      }
      if (dst.isAny()) {
        dst.setLoopback(dst.isV4());
      }
      checkRoute(dst);
    }
    autobind();
    boolean v4 = dst.isV4();
    long srcHigh = claim.high;
    long srcLow = claim.low;
    if (message != null && message.hasSource) {
      srcHigh = message.sourceHigh;
      srcLow = message.sourceLow;
      if (!InetName.isAny(srcHigh, srcLow) && !InetName.isLoopback(srcHigh, srcLow)) {
        throw EINVAL.error();
      }
    }
    if (InetName.isAny(srcHigh, srcLow) || InetName.isV4(srcHigh, srcLow) != v4) {
      srcHigh = 0;
      srcLow = v4 ? InetName.mapped(0x7f000001) : 1;
    }
    InetOptions options = owner.inetOptions();
    int ttl = message != null && message.ttl >= 0 ? message.ttl
        : dst.isMulticast() ? options.multicastHops(v4) : options.hops(v4, DEFAULT_TTL);
    int tos = message != null && message.tos >= 0 ? message.tos : options.trafficClass(v4);
    int detail = ttl & 0xff | (tos & 0xff) << 8;
    Flow last = lastFlow;
    if (last != null && last.srcHigh() == srcHigh && last.srcLow() == srcLow && last.srcPort() == claim.port
        && last.dstPort() == dst.port && dst.hasAddress(last.dstHigh(), last.dstLow()) && last.detail() == detail) {
      return last;
    }
    lastFlow = new Flow(srcHigh, srcLow, claim.port, dst.high, dst.low, dst.port, detail);
    return lastFlow;
  }

  /** How well this endpoint fits a message: 0 not at all; transportLock is held. */
  private int score(Flow flow) {
    int match = claim.match(flow.dstHigh(), flow.dstLow());
    if (match == 0 || !isConnected) {
      return match;
    }
    return remote.hasAddress(flow.srcHigh(), flow.srcLow()) && remote.port == flow.srcPort() ? match + 4 : 0;
  }

  private LoopbackDatagram find(Flow flow) {
    LoopbackDatagram best = null;
    int bestScore = 0;
    int sharers = 0;
    for (PortSpace.Binding b : ports.at(flow.dstPort())) {
      LoopbackDatagram d = (LoopbackDatagram) ((Claim) b).endpoint();
      int score = d.score(flow);
      if (score > bestScore) {
        best = d;
        bestScore = score;
        sharers = 1;
      } else if (score == bestScore && score > 0) {
        // Sockets that share a port by SO_REUSEPORT share the senders; otherwise who bound last gets it.
        sharers++;
        if (!b.isReusePort() || flow.srcPort() % sharers == 0) {
          best = d;
        }
      }
    }
    return best;
  }

  private void deliverToMany(IoBuffer src, Flow flow, boolean isMulticast) throws ErrnoException {
    List<LoopbackDatagram> targets = new ArrayList<>();
    boolean v4 = InetName.isV4(flow.dstHigh(), flow.dstLow());
    if (!isMulticast || owner.inetOptions().isMulticastLoop(v4)) {
      transportLock.lock();
      try {
        for (PortSpace.Binding b : ports.at(flow.dstPort())) {
          LoopbackDatagram d = (LoopbackDatagram) ((Claim) b).endpoint();
          boolean isAddressed = d.score(flow) > 0 || d.claim.isDual;
          if (isAddressed && (!isMulticast || d.isMember(flow.dstHigh(), flow.dstLow()))) {
            targets.add(d);
          }
        }
      } finally {
        transportLock.unlock();
      }
    }
    byte[] bytes = new byte[(int) src.remaining()];
    MemorySegment copy = MemorySegment.ofArray(bytes);
    if (src.get(copy, 0, bytes.length) < bytes.length) {
      throw gvisor.api.errno.Errno.EFAULT.error();
    }
    for (LoopbackDatagram d : targets) {
      d.in.offer(copy, bytes.length, flow, d.stamp(), flow.detail(), d.receiveLimit(bytes.length));
    }
  }

  private static void drain(IoBuffer src) throws ErrnoException {
    while (src.remaining() > 0) {
      src.advance(src.prepare(src.remaining(), false));
    }
  }

  @Override
  public long receive(IoBuffer dst, Message message, PacketQueue.Received received, boolean peek)
      throws ErrnoException {
    return in.read(dst, message, received, peek);
  }

  @Override
  public void setMember(InetName group, boolean isMember) throws ErrnoException {
    transportLock.lock();
    try {
      for (int i = 0; i < groups.size(); i++) {
        if (group.hasAddress(groups.get(i)[0], groups.get(i)[1])) {
          if (isMember) {
            throw EADDRINUSE.error();
          }
          groups.remove(i);
          return;
        }
      }
      if (!isMember) {
        throw EADDRNOTAVAIL.error();
      }
      if (groups.size() == MAX_GROUPS) {
        throw ENOMEM.error();
      }
      groups.add(new long[] {group.high, group.low});
    } finally {
      transportLock.unlock();
    }
  }

  private boolean isMember(long high, long low) {
    for (long[] g : groups) {
      if (g[0] == high && g[1] == low) {
        return true;
      }
    }
    return false;
  }

  @Override
  public boolean hasMessage() {
    return !in.isEmpty();
  }

  @Override
  public int readableBytes() {
    return in.firstLength();
  }

  @Override
  public void close() {
    transportLock.lock();
    try {
      if (isBound) {
        ports.remove(claim);
        isBound = false;
      }
    } finally {
      transportLock.unlock();
    }
    in.abandon();
  }
}
