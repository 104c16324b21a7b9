package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.abi.SocketAbi.SHUT_RD;
import static gvisor.api.abi.SocketAbi.SHUT_WR;
import static gvisor.api.errno.Errno.EADDRINUSE;
import static gvisor.api.errno.Errno.EADDRNOTAVAIL;
import static gvisor.api.errno.Errno.ECONNREFUSED;
import static gvisor.api.errno.Errno.ECONNRESET;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENETUNREACH;
import static gvisor.api.errno.Errno.ENOTCONN;
import static gvisor.api.errno.Errno.EPIPE;
import static gvisor.sentry.vfs.FileOps.WOULD_BLOCK;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.StreamBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** A TCP endpoint whose other end is in the same namespace. */
final class LoopbackStream implements StreamEndpoint {
  /** What TCP lets a sender have on its way on loopback when nobody chose buffer sizes. */
  private static final int AUTO_LIMIT = 2_626_560;
  private static final int AUTO_RECEIVE = 131_072;
  private static final int WRITABLE_SHARE = 2;

  private static final int EVENT_CLOSED =
      EventMask.READABLE | EventMask.WRITABLE | EventMask.EPOLLHUP | EventMask.EPOLLRDHUP;

  private enum Phase { IDLE, LISTENING, SYN_SENT, OPEN, CLOSED }

  /** The endpoint's place among the ports. */
  final class Claim extends PortSpace.Binding {
    StreamEndpoint endpoint() {
      return LoopbackStream.this;
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
      return phase == Phase.LISTENING;
    }

    @Override
    int uid() {
      return owner.uid();
    }
  }

  private final LoopbackTransport transport;
  private final StreamOwner owner;
  private final ReentrantLock transportLock;
  private final Claim claim = new Claim();

  private volatile Phase phase = Phase.IDLE;
  private volatile LoopbackStream peer;
  private volatile StreamBuffer in;
  private volatile StreamBuffer out;
  private volatile boolean readShut;

  // Guarded by transportLock.
  private boolean isBound;
  private boolean isBoundByUser;
  private boolean isBoundToAny;
  private final InetName remote = new InetName();
  private int backlog;
  private ArrayDeque<LoopbackStream> accepted;
  private ArrayDeque<LoopbackStream> overflow;
  private LoopbackStream waitsFor;

  LoopbackStream(LoopbackTransport transport, StreamOwner owner) {
    this.transport = transport;
    this.owner = owner;
    this.transportLock = transport.transportLock;
    remote.setAny(owner.family() == AF_INET);
    setAny();
  }

  private void setAny() {
    boolean v4 = owner.family() == AF_INET;
    claim.high = 0;
    claim.low = v4 ? InetName.mapped(0) : 0;
  }

  @Override
  public StreamOwner owner() {
    return owner;
  }

  // ---- names ----

  @Override
  public void bind(InetName name) throws ErrnoException {
    transportLock.lock();
    try {
      claim.high = name.high;
      claim.low = name.low;
      claim.port = name.port;
      claim.isDual = isDual(name.high, name.low);
      transport.streamPorts.add(claim);
      isBound = true;
      isBoundByUser = true;
      isBoundToAny = name.isAny();
    } finally {
      transportLock.unlock();
    }
  }

  private boolean isDual(long high, long low) {
    return owner.family() != AF_INET && (high | low) == 0 && !owner.inetOptions().isV6Only();
  }

  @Override
  public boolean isBound() {
    return isBound;
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

  // ---- connecting ----

  @Override
  public void connect(InetName name) throws ErrnoException {
    Errno refused = null;
    transportLock.lock();
    try {
      remote.set(name);
      if (remote.isAny()) {
        boolean v4 = remote.isV4() || isBound && !isBoundToAny && InetName.isV4(claim.high, claim.low);
        remote.setLoopback(v4);
      }
      if (!remote.isLoopback()) {
        throw ENETUNREACH.error();
      }
      boolean v4 = remote.isV4();
      if (isBound && !isBoundToAny && InetName.isV4(claim.high, claim.low) != v4) {
        throw ENETUNREACH.error();
      }
      long high = claim.high;
      long low = claim.low;
      if (InetName.isAny(high, low)) {
        high = 0;
        low = v4 ? InetName.mapped(0x7f000001) : 1;
      }
      if (!isBound) {
        claim.high = high;
        claim.low = low;
        claim.port = 0;
        claim.isDual = false;
        autobind();
      } else if (isTaken(high, low)) {
        throw EADDRNOTAVAIL.error();
      } else {
        claim.high = high;
        claim.low = low;
        claim.isDual = false;
      }
      if (remote.hasAddress(high, low) && remote.port == claim.port) {
        connectToSelf();
        return;
      }
      LoopbackStream listener = listener();
      if (listener == null) {
        phase = Phase.CLOSED;
        refused = ECONNREFUSED;
      } else if (listener.accepted.size() > listener.backlog) {
        phase = Phase.SYN_SENT;
        waitsFor = listener;
        listener.overflow.add(this);
      } else {
        establish(listener);
      }
    } finally {
      transportLock.unlock();
    }
    if (refused != null) {
      owner.setError(refused);
      owner.queue().notify(EVENT_CLOSED);
    }
  }

  private void autobind() throws ErrnoException {
    try {
      transport.streamPorts.add(claim);
    } catch (ErrnoException e) {
      setAny();
      throw e.errno() == EADDRINUSE ? EADDRNOTAVAIL.error() : e;
    }
    isBound = true;
    isBoundByUser = false;
    isBoundToAny = true;
  }

  /** Whether the four numbers of the new connection are in use. */
  private boolean isTaken(long high, long low) {
    for (PortSpace.Binding b : transport.streamPorts.at(claim.port)) {
      LoopbackStream other = (LoopbackStream) ((Claim) b).endpoint();
      if (other != this && other.phase == Phase.OPEN && b.high == high && b.low == low
          && other.remote.hasAddress(remote.high, remote.low) && other.remote.port == remote.port) {
        return true;
      }
    }
    return false;
  }

  /** Who listens where the remote address is; the best match, and one of those that share a port. */
  private LoopbackStream listener() {
    List<PortSpace.Binding> candidates = transport.streamPorts.at(remote.port);
    LoopbackStream best = null;
    int bestMatch = 0;
    int sharers = 0;
    for (PortSpace.Binding b : candidates) {
      int match = b.isListening() ? b.match(remote.high, remote.low) : 0;
      if (match > bestMatch) {
        best = (LoopbackStream) ((Claim) b).endpoint();
        bestMatch = match;
        sharers = 1;
      } else if (match == bestMatch && match > 0 && b.isReusePort()) {
        sharers++;
        if (claim.port % sharers == 0) {
          best = (LoopbackStream) ((Claim) b).endpoint();
        }
      }
    }
    return best;
  }

  /** Makes the connection and the socket at its other end; transportLock is held. */
  private void establish(LoopbackStream listener) {
    LoopbackStream child = (LoopbackStream) listener.owner.newChild().endpoint();
    child.claim.high = remote.high;
    child.claim.low = remote.low;
    child.claim.port = remote.port;
    child.remote.set(claim.high, claim.low, claim.port);
    child.isBound = true;
    transport.streamPorts.enter(child.claim);
    child.peer = this;
    peer = child;
    out = buffer(child);
    child.in = out;
    in = child.buffer(this);
    child.out = in;
    child.phase = Phase.OPEN;
    phase = Phase.OPEN;
    listener.accepted.add(child);
    listener.owner.queue().notify(EventMask.READABLE);
    owner.queue().notify(EventMask.WRITABLE);
  }

  private void connectToSelf() {
    peer = this;
    in = buffer(this);
    out = in;
    phase = Phase.OPEN;
    owner.queue().notify(EventMask.WRITABLE);
  }

  /** The buffer from here to {@code receiver}. */
  private StreamBuffer buffer(LoopbackStream receiver) {
    return new StreamBuffer(
        transport.net().budget(), receiver.owner.queue(), owner.queue(), limit(receiver), WRITABLE_SHARE);
  }

  private int limit(LoopbackStream receiver) {
    int send = owner.options().isSendBufferSet ? owner.options().sendBuffer : AUTO_LIMIT;
    int receive = receiver.owner.options().isReceiveBufferSet ? receiver.owner.options().receiveBuffer : AUTO_RECEIVE;
    return send + receive;
  }

  @Override
  public void bufferSizeChanged() {
    LoopbackStream other = peer;
    if (other != null && phase == Phase.OPEN) {
      out.setLimit(limit(other));
      in.setLimit(other.limit(this));
    }
  }

  // ---- listening ----

  @Override
  public void listen(int wanted) throws ErrnoException {
    transportLock.lock();
    try {
      if (phase != Phase.LISTENING) {
        if (!isBound) {
          setAny();
          claim.port = 0;
          claim.isDual = isDual(0, claim.low);
          transport.streamPorts.add(claim);
          isBound = true;
          isBoundToAny = true;
        } else if (transport.streamPorts.conflicts(claim)) {
          throw EADDRINUSE.error();
        }
        accepted = new ArrayDeque<>();
        overflow = new ArrayDeque<>();
        phase = Phase.LISTENING;
      }
      backlog = wanted;
      while (!overflow.isEmpty() && accepted.size() <= backlog) {
        admit();
      }
    } finally {
      transportLock.unlock();
    }
  }

  @Override
  public StreamOwner accept() {
    transportLock.lock();
    try {
      LoopbackStream child = accepted == null ? null : accepted.poll();
      if (child == null) {
        return null;
      }
      if (!overflow.isEmpty()) {
        admit();
      }
      return child.owner;
    } finally {
      transportLock.unlock();
    }
  }

  /** Connects the client that has waited longest for room in the backlog. */
  private void admit() {
    LoopbackStream next = overflow.poll();
    next.waitsFor = null;
    next.establish(this);
  }

  /** Takes no more connections; those nobody accepted are reset. */
  private void stopListening() {
    ArrayDeque<LoopbackStream> orphans = accepted;
    ArrayDeque<LoopbackStream> waiting = overflow;
    accepted = null;
    overflow = null;
    for (LoopbackStream child : orphans) {
      child.close(true);
    }
    for (LoopbackStream client : waiting) {
      client.waitsFor = null;
      client.phase = Phase.CLOSED;
      client.owner.setError(ECONNREFUSED);
      client.owner.queue().notify(EVENT_CLOSED);
    }
  }

  // ---- data ----

  @Override
  public int state() {
    return switch (phase) {
      case IDLE, CLOSED -> CLOSE;
      case LISTENING -> LISTEN;
      case SYN_SENT -> SYN_SENT;
      case OPEN -> {
        boolean sent = out.isFinished();
        boolean received = in.isFinished();
        yield sent ? received ? CLOSE : FIN_WAIT2 : received ? CLOSE_WAIT : ESTABLISHED;
      }
    };
  }

  @Override
  public long write(IoBuffer src, boolean urgent) throws ErrnoException {
    if (phase == Phase.SYN_SENT) {
      return WOULD_BLOCK;
    }
    StreamBuffer buffer = out;
    if (phase != Phase.OPEN || buffer.isFinished()) {
      throw EPIPE.error();
    }
    if (!buffer.isAbandoned()) {
      return buffer.write(src, null, urgent);
    }
    // The other end is closed but this one cannot know before it has sent something and got a reset for it.
    long swallowed = 0;
    while (src.remaining() > 0) {
      long n = src.prepare(src.remaining(), false);
      src.advance(n);
      swallowed += n;
    }
    if (swallowed > 0) {
      reset(in.isFinished() ? EPIPE : ECONNRESET);
    }
    return swallowed;
  }

  @Override
  public long read(IoBuffer dst, boolean peek) throws ErrnoException {
    if (phase == Phase.SYN_SENT) {
      return WOULD_BLOCK;
    }
    StreamBuffer buffer = in;
    if (buffer == null) {
      if (phase == Phase.CLOSED && owner.hasError()) {
        return 0;
      }
      throw ENOTCONN.error();
    }
    long n = buffer.read(dst, null, peek, false, owner.options().isOobInline);
    return n == WOULD_BLOCK && readShut ? 0 : n;
  }

  @Override
  public long discard(long length) {
    StreamBuffer buffer = in;
    if (buffer == null) {
      return WOULD_BLOCK;
    }
    long n = buffer.discard(length);
    return n == WOULD_BLOCK && readShut ? 0 : n;
  }

  @Override
  public long readUrgent(Message message, IoBuffer dst, boolean peek) throws ErrnoException {
    StreamBuffer buffer = in;
    if (buffer == null) {
      throw EINVAL.error();
    }
    return buffer.readUrgent(message, dst, peek, owner.options().isOobInline);
  }

  @Override
  public boolean isAtMark() {
    StreamBuffer buffer = in;
    return buffer != null && buffer.isAtMark();
  }

  @Override
  public int readableBytes() {
    StreamBuffer buffer = in;
    return buffer == null ? 0 : buffer.used();
  }

  @Override
  public int unsentBytes() {
    // What is on its way has arrived: it is in the receiver's buffer.
    return 0;
  }

  // ---- ends ----

  @Override
  public void shutdown(int how) {
    transportLock.lock();
    try {
      switch (phase) {
        case LISTENING -> {
          if (how != SHUT_WR) {
            phase = Phase.IDLE;
            stopListening();
          }
        }
        case SYN_SENT -> {
          waitsFor.overflow.remove(this);
          waitsFor = null;
          phase = Phase.CLOSED;
        }
        case OPEN -> {
          if (how != SHUT_WR) {
            readShut = true;
          }
          if (how != SHUT_RD) {
            out.finish();
            peer.owner.queue().notify(EVENT_CLOSED);
          }
        }
        case IDLE, CLOSED -> { }
      }
    } finally {
      transportLock.unlock();
    }
    owner.queue().notify(EVENT_CLOSED);
  }

  /** The connection was broken: what came before can still be read. */
  private void reset(Errno error) {
    phase = Phase.CLOSED;
    in.finish();
    out.refuse();
    owner.setError(error);
    owner.queue().notify(EVENT_CLOSED);
  }

  @Override
  public void disconnect() {
    transportLock.lock();
    try {
      end(true);
      phase = Phase.IDLE;
      readShut = false;
      in = null;
      out = null;
      peer = null;
      remote.setAny(owner.family() == AF_INET);
      if (isBound && !isBoundByUser) {
        transport.streamPorts.remove(claim);
        isBound = false;
        setAny();
      } else if (isBound && isBoundToAny) {
        setAny();
        claim.isDual = isDual(claim.high, claim.low);
      }
    } finally {
      transportLock.unlock();
    }
  }

  @Override
  public void close(boolean isAbort) {
    transportLock.lock();
    try {
      end(isAbort);
      phase = Phase.CLOSED;
      if (isBound) {
        transport.streamPorts.remove(claim);
        isBound = false;
      }
    } finally {
      transportLock.unlock();
    }
  }

  private void end(boolean isAbort) {
    switch (phase) {
      case LISTENING -> {
        phase = Phase.IDLE;
        stopListening();
      }
      case SYN_SENT -> {
        waitsFor.overflow.remove(this);
        waitsFor = null;
      }
      case OPEN -> {
        phase = Phase.CLOSED;
        boolean unread = in.abandon();
        LoopbackStream other = peer;
        if ((unread || isAbort) && other != this) {
          if (other.phase == Phase.OPEN) {
            other.reset(ECONNRESET);
          }
        } else {
          out.finish();
        }
        other.owner.queue().notify(EVENT_CLOSED);
      }
      case CLOSED -> {
        if (in != null) {
          in.abandon();
        }
      }
      case IDLE -> { }
    }
  }

  // ---- readiness ----

  @Override
  public int readiness() {
    int ready = 0;
    switch (phase) {
      case LISTENING -> {
        transportLock.lock();
        try {
          if (accepted != null && !accepted.isEmpty()) {
            ready |= EventMask.READABLE;
          }
        } finally {
          transportLock.unlock();
        }
      }
      case SYN_SENT -> { }
      case IDLE -> ready = EventMask.EPOLLHUP | EventMask.WRITABLE;
      case CLOSED -> ready = EVENT_CLOSED;
      case OPEN -> {
        boolean receiveShut = in.isFinished() || readShut;
        boolean sendShut = out.isFinished();
        if (receiveShut) {
          ready |= EventMask.READABLE | EventMask.EPOLLRDHUP;
        }
        if (receiveShut && sendShut) {
          ready |= EventMask.EPOLLHUP;
        }
        if (in.used() > 0) {
          ready |= EventMask.READABLE;
        }
        if (sendShut || out.isAbandoned() || out.isWritable()) {
          ready |= EventMask.WRITABLE;
        }
        if (in.hasUrgent()) {
          ready |= EventMask.EPOLLPRI;
        }
      }
    }
    return ready;
  }
}
