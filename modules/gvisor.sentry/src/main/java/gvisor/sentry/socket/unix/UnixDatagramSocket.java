package gvisor.sentry.socket.unix;

import static gvisor.api.abi.SocketAbi.AF_UNSPEC;
import static gvisor.api.abi.SocketAbi.MSG_PEEK;
import static gvisor.api.abi.SocketAbi.MSG_TRUNC;
import static gvisor.api.abi.SocketAbi.SHUT_RD;
import static gvisor.api.abi.SocketAbi.SHUT_WR;
import static gvisor.api.abi.SocketAbi.SOCK_DGRAM;
import static gvisor.api.errno.Errno.ECONNREFUSED;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EMSGSIZE;
import static gvisor.api.errno.Errno.ENOTCONN;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.EPIPE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Control;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.PacketQueue;
import gvisor.sentry.socket.SocketCreds;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Inode;
import java.util.concurrent.locks.ReentrantLock;

/**
 * SOCK_DGRAM of AF_UNIX: reliable, in order, and a sender waits for a full receiver. The receiver's queue is the only
 * buffer: it takes {@link #QUEUE_LENGTH} messages of senders it is not connected to, and of the one it is connected to
 * as many as fit that sender's SO_SNDBUF.
 */
public final class UnixDatagramSocket extends UnixSocket {
  /** What a message must leave of SO_SNDBUF. */
  static final int HEADROOM = 32;

  /** {@code /proc/sys/net/unix/max_dgram_qlen}, and the one more that Linux lets in. */
  private static final int QUEUE_LENGTH = 10 + 1;

  private static final int QUEUE_BYTES = 4 << 20;

  /** Told when a message was taken out of {@link #in}: senders wait here. */
  private final WaitQueue senders = new WaitQueue();

  private final PacketQueue in;
  private volatile UnixDatagramSocket peer;
  private volatile UnixDatagramSocket blockedOn;

  /** Connected to a socket of the host, which {@link #peer} is null then; guarded by socketLock for changes. */
  private volatile HostConnection hostPeer;

  private byte[] hostPeerName;

  /** The socket of the host that was sent to by name last; guarded by {@link #namedLock}. */
  private HostConnection named;

  private Inode namedInode;

  /** Held while something is sent to a name of the host's, which may make and end {@link #named}. */
  private final ReentrantLock namedLock = new ReentrantLock();
  private volatile boolean writingShut;

  /** Passes the peer's news of room on to who waits for this socket. */
  private final class Relay extends WaitEntry {
    @Override
    public void notify(int mask) {
      queue().notify(EventMask.WRITABLE);
    }
  }

  private final Relay relay = new Relay();

  UnixDatagramSocket(UnixFamily unix, Network net) {
    super(unix, net, SOCK_DGRAM);
    in = new PacketQueue(net.budget(), queue(), senders);
  }

  @Override
  public boolean raisesSigpipe() {
    return false;
  }

  @Override
  public boolean hasPeer() {
    return peer != null || hostPeer != null;
  }

  void couple(UnixDatagramSocket other, SocketCreds creds) {
    setPeer(other);
    other.setPeer(this);
    setPeerCreds(creds);
    other.setPeerCreds(creds);
  }

  private void setPeer(UnixDatagramSocket next) {
    UnixDatagramSocket before = peer;
    if (before != null) {
      before.senders.unregister(relay);
    }
    peer = next;
    if (next != null) {
      next.senders.register(relay, EventMask.WRITABLE);
    }
  }

  @Override
  public long connect(Caller caller, AddrBuffer address, boolean nonblocking) throws ErrnoException {
    if (address.length < 2) {
      throw EINVAL.error();
    }
    UnixDatagramSocket next = null;
    HostConnection host = null;
    if (address.family() != AF_UNSPEC) {
      Found found = find(caller, address);
      next = (UnixDatagramSocket) found.socket();
      if (next == null) {
        host = connected(found.inode());
        setPeerCreds(host.peerCreds());
      } else if (next.peer != null && next.peer != this) {
        throw EPERM.error();
      }
    }
    socketLock.lock();
    try {
      if (next != null && options().isPassCred) {
        autobind();
      }
      setPeer(next);
      HostConnection before = hostPeer;
      hostPeer = host;
      hostPeerName = host == null ? null : address.toBytes();
      if (before != null) {
        before.close();
      }
    } finally {
      socketLock.unlock();
    }
    queue().notify(EventMask.WRITABLE);
    return 0;
  }

  private HostConnection connected(Inode inode) throws ErrnoException {
    return new HostConnection(inode.connectSocket(SOCK_DGRAM), false, queue());
  }

  @Override
  public void peerAddress(AddrBuffer out) throws ErrnoException {
    if (hostPeer != null) {
      out.set(hostPeerName);
      return;
    }
    UnixDatagramSocket other = peer;
    if (other == null) {
      throw ENOTCONN.error();
    }
    putName(other, out);
  }

  @Override
  public long send(Caller caller, Message message, IoBuffer src, int flags) throws ErrnoException {
    refuseOob(flags);
    UnixDatagramSocket target = peer;
    Inode inode = null;
    boolean isNamed = message != null && message.name.length > 0;
    if (isNamed) {
      Found found = find(caller, message.name);
      target = (UnixDatagramSocket) found.socket();
      inode = found.inode();
    } else if (target == null && hostPeer == null) {
      throw ENOTCONN.error();
    }
    if (src.remaining() > options().sendBuffer - HEADROOM) {
      throw EMSGSIZE.error();
    }
    throwError();
    if (writingShut) {
      throw EPIPE.error();
    }
    if (target == null) {
      return isNamed ? sendToHost(inode, message, src, flags) : sendToHostPeer(message, src, flags);
    }
    if (target.peer != null && target.peer != this) {
      throw EPERM.error();
    }
    if (options().isPassCred && name() == null) {
      socketLock.lock();
      try {
        autobind();
      } finally {
        socketLock.unlock();
      }
    }
    Control control = control(caller, message, options().isPassCred || target.options().isPassCred);
    boolean isMutual = target.peer == this;
    long sent = WOULD_BLOCK;
    try {
      sent = target.in.write(src, name(), control, 0, 0,
          isMutual ? options().sendBuffer : QUEUE_BYTES, isMutual ? Integer.MAX_VALUE : QUEUE_LENGTH);
    } finally {
      settle(control, message, sent >= 0);
    }
    if (sent == PacketQueue.GONE) {
      if (!target.isClosed()) {
        throw EPIPE.error();
      }
      if (peer == target) {
        setPeer(null);
      }
      throw ECONNREFUSED.error();
    }
    blockedOn = sent == WOULD_BLOCK ? target : null;
    return sent;
  }

  private long sendToHostPeer(Message message, IoBuffer src, int flags) throws ErrnoException {
    // Against a connect that ends the connection under this; what is sent waits for nothing.
    socketLock.lock();
    try {
      if (hostPeer == null) {
        throw ENOTCONN.error();
      }
      return hostPeer.send(message, src, flags);
    } finally {
      socketLock.unlock();
    }
  }

  /** Sends to a name of the host's. The connection stays for the next message, or for when there is room for this. */
  private long sendToHost(Inode inode, Message message, IoBuffer src, int flags) throws ErrnoException {
    namedLock.lock();
    try {
      boolean isReused = named != null && namedInode == inode;
      if (!isReused) {
        connectNamed(inode);
      }
      try {
        return named.send(message, src, flags);
      } catch (ErrnoException e) {
        if (!isReused || e.errno() != ECONNREFUSED) {
          throw e;
        }
        connectNamed(inode); // Another socket may be bound to the name by now.
        return named.send(message, src, flags);
      }
    } finally {
      namedLock.unlock();
    }
  }

  private void endNamed() {
    if (named != null) {
      named.close();
      named = null;
      namedInode = null;
    }
  }

  private void connectNamed(Inode inode) throws ErrnoException {
    endNamed();
    named = connected(inode);
    namedInode = inode;
  }

  @Override
  public WaitQueue sendQueue() {
    UnixDatagramSocket target = blockedOn;
    return target == null ? queue() : target.senders;
  }

  @Override
  public long receive(Caller caller, Message message, IoBuffer dst, int flags) throws ErrnoException {
    refuseOob(flags);
    if (hasError()) {
      throwError();
    }
    long n = take(in, dst, message, flags);
    if (n == WOULD_BLOCK && hostListener() != null) {
      n = hostListener().receive(message, dst, flags);
    }
    if (message != null && !options().isPassCred) {
      message.creds = null;
    }
    return n;
  }

  /** Receives one message of {@code packets}, its source into {@code message}. */
  static long take(PacketQueue packets, IoBuffer dst, Message message, int flags) throws ErrnoException {
    PacketQueue.Received received = message == null ? new PacketQueue.Received() : message.received;
    long n = packets.read(dst, message, received, (flags & MSG_PEEK) != 0);
    if (n >= 0 && message != null && received.source != null) {
      message.name.set((byte[]) received.source);
    }
    return n >= 0 && (flags & MSG_TRUNC) != 0 ? received.length : n;
  }

  @Override
  public int readableBytes() throws ErrnoException {
    return in.isEmpty() && hostListener() != null ? hostListener().readableBytes() : in.firstLength();
  }

  @Override
  public int unsentBytes() {
    UnixDatagramSocket other = peer;
    return other == null ? 0 : other.in.usedBytes();
  }

  @Override
  public void shutdown(int how) throws ErrnoException {
    if (how != SHUT_WR && hostListener() != null) {
      hostListener().shutdown(SHUT_RD);
    }
    if (how != SHUT_WR) {
      in.refuse();
      in.finish();
    }
    if (how != SHUT_RD) {
      writingShut = true;
    }
    queue().notify(EventMask.READABLE | EventMask.WRITABLE | EventMask.EPOLLHUP | EventMask.EPOLLRDHUP);
  }

  @Override
  protected void disconnect() {
    in.abandon();
    setPeer(null);
    if (hostPeer != null) {
      hostPeer.close();
    }
    namedLock.lock();
    try {
      endNamed();
    } finally {
      namedLock.unlock();
    }
  }

  @Override
  public int readiness(int mask) {
    int ready = hasError() ? EventMask.EPOLLERR : 0;
    boolean readingShut = in.isFinished();
    if (readingShut) {
      ready |= EventMask.READABLE | EventMask.EPOLLRDHUP;
    }
    if (readingShut && writingShut) {
      ready |= EventMask.EPOLLHUP;
    }
    if (!in.isEmpty() || hostListener() != null && hostListener().readiness(EventMask.READABLE) != 0) {
      ready |= EventMask.READABLE;
    }
    if (isSendingWelcome()) {
      ready |= EventMask.WRITABLE | EventMask.EPOLLWRBAND;
    }
    return ready & (mask | EventMask.ALWAYS);
  }

  private boolean isSendingWelcome() {
    HostConnection host = hostPeer;
    if (host != null) {
      return host.readiness(EventMask.WRITABLE) != 0;
    }
    UnixDatagramSocket other = peer;
    if (other == null) {
      return true;
    }
    return other.peer == this ? other.in.isWritable(options().sendBuffer) : other.in.count() < QUEUE_LENGTH;
  }
}
