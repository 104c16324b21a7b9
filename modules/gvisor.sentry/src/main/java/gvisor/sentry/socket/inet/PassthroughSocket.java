package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.*;
import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EMSGSIZE;
import static gvisor.api.errno.Errno.ENOPROTOOPT;
import static gvisor.api.errno.Errno.EOPNOTSUPP;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostMessage;
import gvisor.api.host.HostSocket;
import gvisor.api.host.HostSocketOptions;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.OptionValue;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.vfs.Caller;
import java.lang.foreign.MemorySegment;

/**
 * A socket of AF_INET or AF_INET6 that is one of the host's ({@code --network=host}). The host's kernel keeps its state:
 * what an application asks goes there, and errors come from there. Here stay what it would need a wait or a privilege
 * for: timeouts, lingering, who may bind low ports.
 *
 * <p>Readiness is told by the host, edge-triggered, from the first time somebody waits. As on Linux, where a socket
 * tells of room only after a send that found too little, room is told to those who were short of it: a wait for room
 * must not end each time something arrives.
 */
public final class PassthroughSocket extends Socket {
  private static final int WATCHED = EventMask.EPOLLIN | EventMask.EPOLLOUT | EventMask.EPOLLPRI | EventMask.EPOLLRDHUP;

  private static final int SEND_FLAGS = MSG_OOB | MSG_DONTROUTE | MSG_EOR | MSG_MORE | 0x800 /* MSG_CONFIRM */;
  private static final int RECEIVE_FLAGS = MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE;
  private static final int REPORTED_FLAGS = MSG_OOB | MSG_CTRUNC | MSG_TRUNC | MSG_EOR | MSG_ERRQUEUE;

  /** Of a stream, pieces at least this long are not put together first. */
  private static final int LONG_PIECE = 16 << 10;

  /** Most that one call of the host moves, so that an address space is not held for long. */
  private static final int MAX_PIECE = 1 << 20;

  /** No message is longer. */
  private static final int MAX_MESSAGE = 65535;

  private static final int TCP_INFO = 11;
  private static final int FIONREAD = 0x541B;
  private static final int TIOCOUTQ = 0x5411;
  private static final int SIOCATMARK = 0x8905;

  /** Where a message that is in pieces is put together. */
  private static final ThreadLocal<MemorySegment> WHOLE =
      ThreadLocal.withInitial(() -> MemorySegment.ofArray(new byte[MAX_MESSAGE + 1]));

  private final HostSocket host;
  private final int uid;

  /** Guarded by this. */
  private boolean isClosed;

  /** Whether the host tells {@link #queue()}. Guarded by this. */
  private boolean isWatched;

  /** Whether somebody found too little room since it was told last. */
  private volatile boolean isShortOfRoom;

  /** Where to a connect has begun; null for nowhere. */
  private volatile byte[] connecting;

  /** Whether receiving has been shut down; of a connection or not. */
  private volatile boolean isReadShut;

  /** Who connected, of a socket that was accepted. */
  private byte[] acceptedFrom;

  /** @param host becomes this socket's own */
  PassthroughSocket(Network net, int family, int type, int protocol, int uid, HostSocket host) {
    super(net, family, type, protocol);
    this.uid = uid;
    this.host = host;
    net.passed(this);
  }

  /** The effective user who made it. */
  public int uid() {
    return uid;
  }

  // ---- names ----

  @Override
  public void bind(Caller caller, AddrBuffer address) throws ErrnoException {
    boolean hasPort = address.length >= SOCKADDR_IN && type() != SOCK_RAW;
    int port = hasPort ? address.getPort(2) : 0;
    // The host asks only whether the maker may.
    if (port != 0 && port < net().firstUnprivilegedPort() && !caller.creds().has(Capability.CAP_NET_BIND_SERVICE)) {
      throw EACCES.error();
    }
    host.bind(address.segment(), address.length);
  }

  @Override
  public void localAddress(AddrBuffer out) throws ErrnoException {
    out.length = host.localAddress(out.segment());
  }

  @Override
  public void peerAddress(AddrBuffer out) throws ErrnoException {
    out.length = host.peerAddress(out.segment());
  }

  @Override
  public void acceptedPeer(AddrBuffer out) {
    out.set(acceptedFrom);
  }

  // ---- connections ----

  @Override
  public long connect(Caller caller, AddrBuffer address, boolean nonblocking) throws ErrnoException {
    long result;
    try {
      result = host.connect(address.segment(), address.length);
    } catch (ErrnoException e) {
      if (nonblocking || e.errno() != Errno.EALREADY) {
        throw e;
      }
      result = IN_PROGRESS; // Begun before a signal came, which has been handled.
    }
    connecting = result == IN_PROGRESS ? address.toBytes() : null;
    return result;
  }

  @Override
  public long connectResult() throws ErrnoException {
    byte[] address = connecting;
    if (address == null) {
      return 0;
    }
    if (readiness(EventMask.WRITABLE) == 0) {
      return IN_PROGRESS;
    }
    // Asking again, the host tells what came of it, and is ready for another attempt if nothing did.
    long result;
    try {
      result = host.connect(MemorySegment.ofArray(address), address.length);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.EALREADY) {
        return IN_PROGRESS;
      }
      connecting = null;
      if (e.errno() == Errno.EISCONN) {
        return 0;
      }
      throw e;
    }
    if (result == 0) {
      connecting = null;
    }
    return result;
  }

  @Override
  public void listen(Caller caller, int backlog) throws ErrnoException {
    host.listen(backlog);
  }

  @Override
  public Socket accept(Caller caller) throws ErrnoException {
    AddrBuffer from = new AddrBuffer();
    HostMessage peer = new HostMessage(from.segment(), MemorySegment.NULL);
    HostSocket accepted = host.accept(peer);
    if (accepted == null) {
      return null;
    }
    PassthroughSocket child = new PassthroughSocket(net(), family(), type(), protocol(), uid, accepted);
    from.length = peer.nameLength;
    child.acceptedFrom = from.toBytes();
    child.options().inherit(options());
    return child;
  }

  @Override
  public boolean isListening() {
    OptionValue value = new OptionValue();
    try {
      value.length = host.option(SOL_SOCKET, SO_ACCEPTCONN, value.segment(), 4);
      return value.intAt(0) != 0;
    } catch (ErrnoException e) {
      return false;
    }
  }

  // ---- sending ----

  @Override
  public boolean passesControl() {
    return true;
  }

  @Override
  public long send(Caller caller, Message message, IoBuffer src, int flags) throws ErrnoException {
    throwError();
    if ((flags & MSG_FASTOPEN) != 0) {
      throw EOPNOTSUPP.error(); // As where it is not enabled: a connect is not the Sentry's to make.
    }
    HostMessage beside = null;
    if (message != null && (message.name.length > 0 || message.controlLength > 0)) {
      beside = message.host;
      beside.nameLength = message.name.length;
      beside.controlLength = message.controlLength;
    }
    long wanted = src.remaining();
    int passed = flags & SEND_FLAGS;
    if (type() != SOCK_STREAM && wanted > MAX_MESSAGE) {
      throw EMSGSIZE.error();
    }
    long sent = 0;
    do {
      long n = sendPiece(beside, src, passed);
      if (n < 0) {
        return sent > 0 ? sent : n;
      }
      sent += n;
      if (isShortOfRoom) {
        return sent;
      }
    } while (type() == SOCK_STREAM && src.remaining() > 0);
    return sent;
  }

  private long sendPiece(HostMessage beside, IoBuffer src, int flags) throws ErrnoException {
    long wanted = src.remaining();
    long length = src.prepare(Math.min(wanted, MAX_PIECE), false);
    long n;
    if (length == wanted || type() == SOCK_STREAM && length >= LONG_PIECE) {
      try {
        // What follows is to go in the same segments.
        int more = length < wanted ? MSG_MORE : 0;
        n = host.send(src.segment().asSlice(src.offset(), length), beside, flags | more);
      } catch (ErrnoException e) {
        src.release();
        throw e;
      }
      src.advance(Math.max(n, 0));
    } else {
      src.release();
      MemorySegment whole = WHOLE.get();
      length = src.get(whole, 0, Math.min(wanted, whole.byteSize()));
      n = 0;
      try {
        if (type() != SOCK_STREAM && length < wanted) {
          throw Errno.EFAULT.error();
        }
        n = host.send(whole.asSlice(0, length), beside, flags | (length < wanted ? MSG_MORE : 0));
      } finally {
        src.retreat(length - Math.max(n, 0));
      }
    }
    if (n < length) {
      noteShortage();
    }
    return n;
  }

  /** There was too little room. It may have come since, when nobody was to be told yet. */
  private void noteShortage() {
    if (!isShortOfRoom) {
      isShortOfRoom = true;
      if ((host.readiness(EventMask.EPOLLOUT) & EventMask.EPOLLOUT) != 0) {
        queue().notify(EventMask.WRITABLE);
      }
    }
  }

  @Override
  public WaitQueue sendQueue() {
    waitedFor();
    return queue();
  }

  // ---- receiving ----

  @Override
  public long receive(Caller caller, Message message, IoBuffer dst, int flags) throws ErrnoException {
    throwError();
    HostMessage beside = message == null ? null : message.host;
    if (beside != null) {
      beside.nameLength = 0;
      beside.controlLength = 0;
      beside.flags = 0;
    }
    int passed = flags & RECEIVE_FLAGS;
    long got;
    if (type() != SOCK_STREAM || (passed & ~MSG_TRUNC) != 0) {
      got = receiveWhole(beside, dst, passed);
    } else {
      got = passed == 0 ? receiveBytes(beside, dst) : discard(dst);
    }
    if (got == WOULD_BLOCK && isReadShut && type() != SOCK_STREAM && (passed & MSG_ERRQUEUE) == 0) {
      return 0; // What waits is told so by Linux, and the host's socket never waits.
    }
    if (got >= 0 && message != null) {
      message.name.length = beside.nameLength;
      message.controlLength = beside.controlLength;
      message.flags |= beside.flags & REPORTED_FLAGS;
      message.creds = null;
    }
    return got;
  }

  /** Bytes of a stream, as many as there are and fit. */
  private long receiveBytes(HostMessage beside, IoBuffer dst) throws ErrnoException {
    long got = 0;
    long length;
    long n;
    do {
      length = dst.prepare(Math.min(dst.remaining(), MAX_PIECE), true);
      try {
        n = host.receive(dst.segment().asSlice(dst.offset(), length), got == 0 ? beside : null, 0);
      } catch (ErrnoException e) {
        dst.release();
        if (got == 0) {
          throw e;
        }
        setError(e.errno()); // The next call is told.
        return got;
      }
      dst.advance(Math.max(n, 0));
      if (n <= 0) {
        return got > 0 ? got : n;
      }
      got += n;
    } while (n == length && dst.remaining() > 0);
    return got;
  }

  /** Bytes of a stream that nobody wants: they are not copied, wherever {@code dst} points. */
  private long discard(IoBuffer dst) throws ErrnoException {
    MemorySegment untouched = WHOLE.get();
    return host.receive(untouched.asSlice(0, Math.min(dst.remaining(), untouched.byteSize())), null, MSG_TRUNC);
  }

  /** What has to be taken by one call: a message, or what stays where it is. */
  private long receiveWhole(HostMessage beside, IoBuffer dst, int flags) throws ErrnoException {
    long wanted = dst.remaining();
    long length = dst.prepare(wanted, true);
    if (length == wanted) {
      try {
        long n = host.receive(dst.segment().asSlice(dst.offset(), length), beside, flags);
        dst.advance(Math.clamp(n, 0, length));
        return n;
      } catch (ErrnoException e) {
        dst.release();
        throw e;
      }
    }
    dst.release();
    MemorySegment whole = WHOLE.get().asSlice(0, Math.min(wanted, MAX_MESSAGE + 1));
    long n = host.receive(whole, beside, flags);
    if (n > 0) {
      dst.put(whole, 0, Math.min(n, whole.byteSize()));
    }
    return n;
  }

  @Override
  public int readableBytes() throws ErrnoException {
    return host.count(FIONREAD);
  }

  @Override
  public int unsentBytes() throws ErrnoException {
    return host.count(TIOCOUTQ);
  }

  @Override
  public boolean isAtMark() throws ErrnoException {
    if (type() != SOCK_STREAM) {
      throw EINVAL.error();
    }
    return host.count(SIOCATMARK) != 0;
  }

  // ---- ends ----

  @Override
  public void shutdown(int how) throws ErrnoException {
    isReadShut |= how != SHUT_WR;
    host.shutdown(how);
  }

  @Override
  public void close() {
    net().forget(this);
    synchronized (this) {
      isClosed = true;
    }
    host.close();
  }

  /**
   * For those who list sockets.
   *
   * @param state of TCP, as in {@code tcpi_state}; otherwise 1 when connected, 7 when not
   */
  public record Description(InetName local, InetName remote, int state) {}

  /** What it is now; null when it has no name, or is about to go. */
  public synchronized Description describe() {
    if (isClosed) {
      return null;
    }
    InetName local = new InetName();
    InetName remote = new InetName();
    AddrBuffer address = new AddrBuffer();
    try {
      address.length = host.localAddress(address.segment());
      local.decode(address, family());
      if (local.port == 0) {
        return null;
      }
      int state = StreamEndpoint.CLOSE;
      try {
        address.length = host.peerAddress(address.segment());
        remote.decode(address, family());
        state = StreamEndpoint.ESTABLISHED;
      } catch (ErrnoException e) {
        remote.setAny(family() == AF_INET);
        remote.port = 0;
      }
      if (type() == SOCK_STREAM) {
        MemorySegment info = MemorySegment.ofArray(new byte[1]);
        host.option(SOL_TCP, TCP_INFO, info, 1);
        state = info.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0);
      }
      return new Description(local, remote, state);
    } catch (ErrnoException e) {
      return null;
    }
  }

  // ---- readiness ----

  @Override
  protected void waitedFor() {
    synchronized (this) {
      if (isWatched) {
        return;
      }
      isWatched = true;
    }
    try {
      host.watch(WATCHED, this::told);
    } catch (ErrnoException e) {
      setError(e.errno()); // The host has no room for more: who waits must not wait for ever.
    }
  }

  /** From the poller's thread. */
  private void told(int events) {
    int known = events;
    if ((events & EventMask.EPOLLERR) != 0) {
      known |= EventMask.READABLE | EventMask.WRITABLE;
    }
    if ((events & EventMask.EPOLLIN) != 0) {
      known |= EventMask.READABLE;
    }
    if ((events & EventMask.EPOLLOUT) != 0) {
      if (isShortOfRoom || connecting != null) {
        isShortOfRoom = false;
        known |= EventMask.WRITABLE;
      } else if ((events & (EventMask.EPOLLERR | EventMask.EPOLLHUP)) == 0) {
        known &= ~EventMask.WRITABLE;
      }
    }
    queue().notify(known);
  }

  @Override
  public int readiness(int mask) {
    int asked = mask & EventMask.ALL & ~EventMask.ALWAYS;
    int ready = host.readiness(asked);
    if ((mask & EventMask.EPOLLOUT) != 0 && (ready & EventMask.EPOLLOUT) == 0 && !isShortOfRoom) {
      isShortOfRoom = true;
      ready = host.readiness(asked);
    }
    if (hasError()) {
      ready |= EventMask.EPOLLERR;
    }
    return ready & (mask | EventMask.ALWAYS);
  }

  // ---- options ----

  @Override
  public void setOption(Caller caller, int level, int name, OptionValue value) throws ErrnoException {
    if (level == SOL_SOCKET && isKeptHere(name)) {
      super.setOption(caller, level, name, value);
      if (name == SO_LINGER && options().isLinger && options().lingerSeconds != 0) {
        // Linux: close waits. Here: it does not, because a task that waits in the host could not be killed.
        value.putInt(0, 0);
      }
      if (name != SO_LINGER && name != SO_RCVLOWAT) {
        return;
      }
    } else if (!HostSocketOptions.isSettable(level, name)) {
      throw ENOPROTOOPT.error();
    }
    host.setOption(level, name, value.segment(), value.length);
  }

  @Override
  public void getOption(Caller caller, int level, int name, OptionValue out) throws ErrnoException {
    if (level == SOL_SOCKET && name == SO_ERROR && hasError()
        || level == SOL_SOCKET && (name == SO_LINGER || !HostSocketOptions.isReadable(level, name))) {
      super.getOption(caller, level, name, out);
    } else if (HostSocketOptions.isReadable(level, name)) {
      out.length = host.option(level, name, out.segment(), out.length);
    } else {
      throw isKnownLevel(level) ? ENOPROTOOPT.error() : EOPNOTSUPP.error();
    }
  }

  /** What the host is not told, or told as well. */
  private static boolean isKeptHere(int name) {
    return switch (name) {
      case SO_RCVTIMEO, SO_SNDTIMEO, SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW, SO_LINGER, SO_RCVLOWAT, SO_DEBUG, SO_PASSCRED,
          SO_PASSSEC, SO_PEEK_OFF, SO_NOFCS -> true;
      default -> false;
    };
  }

  private boolean isKnownLevel(int level) {
    return level == SOL_IP || level == SOL_IPV6 && family() == AF_INET6 || level == SOL_TCP && type() == SOCK_STREAM
        || level == SOL_UDP && type() == SOCK_DGRAM;
  }
}
