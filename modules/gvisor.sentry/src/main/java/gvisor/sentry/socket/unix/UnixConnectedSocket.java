package gvisor.sentry.socket.unix;

import static gvisor.api.abi.SocketAbi.AF_UNIX;
import static gvisor.api.abi.SocketAbi.SHUT_RD;
import static gvisor.api.abi.SocketAbi.SHUT_WR;
import static gvisor.api.abi.SocketAbi.SOCK_STREAM;
import static gvisor.api.abi.SocketAbi.SOL_SOCKET;
import static gvisor.api.abi.SocketAbi.SO_ERROR;
import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.ECONNREFUSED;
import static gvisor.api.errno.Errno.ECONNRESET;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISCONN;
import static gvisor.api.errno.Errno.ENOTCONN;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Conduit;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.OptionValue;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.SocketCreds;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Inode;
import java.util.ArrayDeque;
import java.util.concurrent.locks.ReentrantLock;

/** An AF_UNIX socket that listens or is connected: what streams and sequenced packets have in common. */
public abstract class UnixConnectedSocket extends UnixSocket {
  private static final int MAX_BACKLOG = 4096;
  private static final long CONNECT_RETRY_NANOS = 10_000_000;

  /** What a closed or half-closed connection tells those who wait. */
  private static final int EVENT_CLOSED =
      EventMask.READABLE | EventMask.WRITABLE | EventMask.EPOLLHUP | EventMask.EPOLLRDHUP;

  private enum State { IDLE, LISTENING, CONNECTED }

  private volatile State state = State.IDLE;
  private volatile UnixConnectedSocket peer;

  /** The connection where the other end is the host's; {@link #peer} is null then. */
  private volatile HostConnection host;

  /** What {@link #host} was connected to; null for one that was accepted. */
  private byte[] hostName;

  /** The last connect found no room at a listener of the host. */
  private volatile boolean hostIsFull;

  /** Guards the accept queue; below every socketLock. */
  private final ReentrantLock acceptLock = new ReentrantLock();

  private final WaitQueue backlogQueue = new WaitQueue();
  private ArrayDeque<UnixConnectedSocket> waiting;
  private int backlog;
  private volatile UnixConnectedSocket blockedOn;

  /** A listener was shut down for reading: it refuses connections. */
  private volatile boolean listenerShut;

  protected UnixConnectedSocket(UnixFamily unix, Network net, int type) {
    super(unix, net, type);
  }

  /** An unconnected socket of the same kind. */
  protected abstract UnixConnectedSocket sibling();

  /** Makes the buffers of both directions between this and {@code other}. */
  protected abstract void join(UnixConnectedSocket other);

  /** The other end, or null when it was never connected. */
  protected final UnixConnectedSocket peer() {
    return peer;
  }

  /** The connection to the host's socket, or null when there is none. */
  protected final HostConnection host() {
    return host;
  }

  protected final boolean isConnected() {
    return state == State.CONNECTED;
  }

  @Override
  public final boolean hasPeer() {
    return isConnected();
  }

  @Override
  public final boolean isListening() {
    return state == State.LISTENING;
  }

  /** Connects both ends to each other; nobody else knows at least one of them yet. */
  final void couple(UnixConnectedSocket other) {
    join(other);
    peer = other;
    other.peer = this;
    other.state = State.CONNECTED;
    state = State.CONNECTED;
  }

  // ---- connecting ----

  @Override
  public final void listen(Caller caller, int wanted) throws ErrnoException {
    socketLock.lock();
    try {
      if (state == State.CONNECTED || name() == null) {
        throw EINVAL.error();
      }
      setPeerCreds(SocketCreds.peer(caller));
      acceptLock.lock();
      try {
        backlog = Math.min(wanted & 0x7fffffff, MAX_BACKLOG);
        listenOnHost(backlog);
        if (waiting == null) {
          waiting = new ArrayDeque<>();
        }
        state = State.LISTENING;
      } finally {
        acceptLock.unlock();
      }
    } finally {
      socketLock.unlock();
    }
    backlogQueue.notify(EventMask.WRITABLE);
  }

  @Override
  public final long connect(Caller caller, AddrBuffer address, boolean nonblocking) throws ErrnoException {
    Found found = find(caller, address);
    if (found.socket() == null) {
      return connectToHost(found.inode(), address);
    }
    if (!(found.socket() instanceof UnixConnectedSocket listener) || !listener.isListening()) {
      throw ECONNREFUSED.error();
    }
    socketLock.lock();
    try {
      if (state != State.IDLE) {
        throw state == State.CONNECTED ? EISCONN.error() : EINVAL.error();
      }
      if (options().isPassCred) {
        autobind();
      }
      listener.acceptLock.lock();
      try {
        if (!listener.isListening() || listener.isClosed() || listener.isShutForReading()) {
          throw ECONNREFUSED.error();
        }
        if (listener.waiting.size() > listener.backlog) {
          blockedOn = listener;
          return WOULD_BLOCK;
        }
        UnixConnectedSocket child = listener.sibling();
        child.shareName(listener);
        child.options().isPassCred = listener.options().isPassCred;
        child.setPeerCreds(SocketCreds.peer(caller));
        setPeerCreds(listener.peerCreds());
        couple(child);
        listener.waiting.add(child);
      } finally {
        listener.acceptLock.unlock();
      }
    } finally {
      socketLock.unlock();
    }
    listener.queue().notify(EventMask.READABLE);
    queue().notify(EventMask.WRITABLE);
    return 0;
  }

  private long connectToHost(Inode inode, AddrBuffer address) throws ErrnoException {
    socketLock.lock();
    try {
      if (state != State.IDLE) {
        throw state == State.CONNECTED ? EISCONN.error() : EINVAL.error();
      }
      try {
        attach(inode.connectSocket(type()), address.toBytes());
      } catch (ErrnoException e) {
        hostIsFull = e.errno() == EAGAIN;
        if (hostIsFull) {
          return WOULD_BLOCK;
        }
        throw e;
      }
    } finally {
      socketLock.unlock();
    }
    queue().notify(EventMask.WRITABLE);
    return 0;
  }

  /** Makes {@code fd}, which becomes this one's, the connection. */
  private void attach(HostFd fd, byte[] name) throws ErrnoException {
    HostConnection connection = new HostConnection(fd, type() == SOCK_STREAM, queue());
    try {
      setPeerCreds(connection.peerCreds());
    } catch (ErrnoException e) {
      connection.close();
      throw e;
    }
    hostName = name;
    host = connection;
    state = State.CONNECTED;
  }

  @Override
  public final long connectRetryNanos() {
    return hostIsFull ? CONNECT_RETRY_NANOS : -1;
  }

  @Override
  public final WaitQueue connectQueue() {
    UnixConnectedSocket listener = blockedOn;
    return listener == null ? queue() : listener.backlogQueue;
  }

  @Override
  public final Socket accept(Caller caller) throws ErrnoException {
    UnixConnectedSocket child;
    acceptLock.lock();
    try {
      if (state != State.LISTENING) {
        throw EINVAL.error();
      }
      child = waiting.poll();
      if (child == null) {
        child = acceptFromHost();
      }
      if (child == null) {
        if (isShutForReading()) {
          throw EINVAL.error();
        }
        return null;
      }
    } finally {
      acceptLock.unlock();
    }
    names().add(child);
    backlogQueue.notify(EventMask.WRITABLE);
    return child;
  }

  private UnixConnectedSocket acceptFromHost() throws ErrnoException {
    HostConnection listener = hostListener();
    HostFd fd = listener == null || isShutForReading() ? null : listener.accept();
    if (fd == null) {
      return null;
    }
    UnixConnectedSocket child = sibling();
    child.shareName(this);
    child.options().isPassCred = options().isPassCred;
    child.attach(fd, null);
    return child;
  }

  @Override
  public final void peerAddress(AddrBuffer out) throws ErrnoException {
    if (host != null) {
      if (hostName == null) {
        out.start(AF_UNIX, 2);
      } else {
        out.set(hostName);
      }
      return;
    }
    UnixConnectedSocket other = peer;
    if (other == null) {
      throw ENOTCONN.error();
    }
    putName(other, out);
  }

  // ---- ends ----

  private boolean isShutForReading() {
    return listenerShut;
  }

  /** What the other end writes and this one reads; null while it is not connected. */
  protected abstract Conduit in();

  /** The other direction. */
  protected abstract Conduit out();

  @Override
  public final void shutdown(int how) throws ErrnoException {
    if (host != null) {
      host.shutdown(how);
    } else if (state == State.CONNECTED) {
      if (how != SHUT_WR) {
        in().refuse();
        in().finish();
      }
      if (how != SHUT_RD) {
        out().finish();
      }
      queue().notify(EVENT_CLOSED);
      peer.queue().notify(EVENT_CLOSED);
    } else if (how != SHUT_WR) {
      listenerShut = true;
      if (hostListener() != null) {
        hostListener().shutdown(how);
      }
      queue().notify(EVENT_CLOSED);
      backlogQueue.notify(EventMask.WRITABLE);
    }
  }

  @Override
  protected final void disconnect() {
    if (host != null) {
      host.close();
      return;
    }
    ArrayDeque<UnixConnectedSocket> refused = null;
    acceptLock.lock();
    try {
      if (waiting != null) {
        refused = waiting;
        waiting = new ArrayDeque<>(1);
      }
    } finally {
      acceptLock.unlock();
    }
    backlogQueue.notify(EventMask.WRITABLE);
    if (refused != null) {
      for (UnixConnectedSocket child : refused) {
        child.closeConnection(true);
      }
    }
    closeConnection(false);
  }

  private void closeConnection(boolean isReset) {
    UnixConnectedSocket other = peer;
    if (other == null) {
      return;
    }
    out().finish();
    in().finish();
    boolean unread = in().abandon();
    if (unread || isReset) {
      other.setError(ECONNRESET);
    }
    other.queue().notify(EVENT_CLOSED);
  }

  // ---- readiness ----

  /** Whether a writer is welcome. */
  protected abstract boolean hasRoom();

  /** Whether there is urgent data. */
  protected boolean hasUrgent() {
    return false;
  }

  @Override
  public final int readiness(int mask) {
    int ready = hasError() ? EventMask.EPOLLERR : 0;
    if (host != null) {
      ready |= host.readiness(mask);
    } else if (state == State.LISTENING) {
      boolean pending;
      acceptLock.lock();
      try {
        pending = !waiting.isEmpty();
      } finally {
        acceptLock.unlock();
      }
      if (pending || hostListener() != null && hostListener().readiness(EventMask.READABLE) != 0) {
        ready |= EventMask.READABLE;
      }
      if (listenerShut) {
        ready |= EventMask.READABLE | EventMask.EPOLLRDHUP;
      }
    } else if (state == State.IDLE) {
      ready |= EventMask.EPOLLHUP | EventMask.WRITABLE | EventMask.EPOLLWRBAND;
    } else {
      boolean readingShut = in().isFinished();
      boolean writingShut = out().isFinished() || out().isAbandoned();
      if (readingShut) {
        ready |= EventMask.READABLE | EventMask.EPOLLRDHUP;
      }
      if (readingShut && writingShut) {
        ready |= EventMask.EPOLLHUP;
      }
      if (!in().isEmpty()) {
        ready |= EventMask.READABLE;
      }
      if (hasUrgent()) {
        ready |= EventMask.EPOLLPRI;
      }
      if (writingShut || hasRoom()) {
        ready |= EventMask.WRITABLE | EventMask.EPOLLWRBAND;
      }
    }
    return ready & (mask | EventMask.ALWAYS);
  }

  /** What was received from the host, with whom it is from, if that is asked for. */
  protected final long receiveFromHost(Message message, IoBuffer dst, int flags) throws ErrnoException {
    long n = host.receive(message, dst, flags);
    if (n != WOULD_BLOCK && message != null && options().isPassCred) {
      message.creds = peerCreds();
    }
    return n;
  }

  @Override
  public final void getOption(Caller caller, int level, int name, OptionValue out) throws ErrnoException {
    if (host != null && level == SOL_SOCKET && name == SO_ERROR && !hasError()) {
      Errno e = host.takeError();
      out.setInt(e == null ? 0 : e.number());
    } else {
      super.getOption(caller, level, name, out);
    }
  }

  /** The source address of what was received: the other end's name, if it has one. */
  protected final void putSource(Message message) {
    UnixConnectedSocket other = peer;
    if (other != null && other.name() != null) {
      message.name.set(other.name());
    }
  }
}
