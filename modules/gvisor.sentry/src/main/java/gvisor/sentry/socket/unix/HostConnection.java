package gvisor.sentry.socket.unix;

import static gvisor.api.abi.SocketAbi.MSG_CTRUNC;
import static gvisor.api.abi.SocketAbi.MSG_OOB;
import static gvisor.api.abi.SocketAbi.MSG_PEEK;
import static gvisor.api.abi.SocketAbi.MSG_TRUNC;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.host.HostUnixSocket;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.SocketCreds;
import gvisor.sentry.vfs.HostBytes;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A socket of the host that an application's socket stands for: connected to one of a process of the host, or bound to
 * a name that such processes connect and send to. Data alone passes. Descriptors cannot: what one kernel calls open
 * files the other knows nothing of, so sending them is EINVAL, as in gVisor, and those that come are dropped
 * (MSG_CTRUNC). Credentials the host makes up for itself.
 *
 * <p>Owns the host's descriptor. Thread-safe but for {@link #close}.
 */
final class HostConnection implements AutoCloseable {
  private static final int FIONREAD = 0x541b;
  private static final int SIOCOUTQ = 0x5411;

  /** A message that is longer than this is cut: more than a sender of the host may send without privileges. */
  private static final int MAX_MESSAGE = 1 << 20;

  private final HostBytes bytes;
  private final HostUnixSocket socket;
  private final boolean isStream;

  /** Held while a message's length is found and it is taken. */
  private final ReentrantLock receiveLock = new ReentrantLock();

  /**
   * @param fd becomes this one's, or is closed
   * @param isStream whether it is of SOCK_STREAM
   * @param waiters who is told of its events
   */
  HostConnection(HostFd fd, boolean isStream, WaitQueue waiters) throws ErrnoException {
    this.isStream = isStream;
    try {
      this.socket = fd.socket();
      this.bytes = new HostBytes(fd, waiters);
    } catch (ErrnoException e) {
      fd.close();
      throw e;
    }
  }

  /** Who is at the other end, as far as the host tells this sandbox. */
  SocketCreds peerCreds() throws ErrnoException {
    HostUnixSocket.Peer peer = socket.peer();
    return new SocketCreds(peer.pid(), peer.uid(), peer.gid());
  }

  /** The next connection to this listener, or null. */
  HostFd accept() throws ErrnoException {
    return socket.accept();
  }

  /** Sends as {@link Socket#send} does. */
  long send(Message message, IoBuffer src, int flags) throws ErrnoException {
    refuseOob(flags);
    if (message != null && (message.files != null || message.creds != null)) {
      throw EINVAL.error();
    }
    if (isStream) {
      return src.remaining() == 0 ? 0 : bytes.write(src, 0);
    }
    int length = (int) src.remaining(); // The caller has compared it with SO_SNDBUF.
    long piece = src.prepare(length, false);
    if (piece == length && piece > 0) {
      long n;
      try {
        n = socket.send(src.segment().asSlice(src.offset(), piece));
      } catch (ErrnoException e) {
        src.release();
        throw e;
      }
      if (n >= 0) {
        src.advance(n);
      } else {
        src.release();
      }
      return n;
    }
    if (piece > 0) {
      src.release();
    }
    MemorySegment whole = MemorySegment.ofArray(new byte[length]);
    long got = src.get(whole, 0, length);
    long n = Socket.WOULD_BLOCK;
    try {
      n = socket.send(whole.asSlice(0, got));
    } finally {
      src.retreat(got - Math.max(n, 0));
    }
    return n;
  }

  /** Receives as {@link Socket#receive} does. */
  long receive(Message message, IoBuffer dst, int flags) throws ErrnoException {
    refuseOob(flags);
    boolean peek = (flags & MSG_PEEK) != 0;
    if (isStream && message == null && !peek) {
      return bytes.read(dst);
    }
    receiveLock.lock();
    try {
      long n = isStream ? receiveStream(dst, peek) : receivePacket(message, dst, peek);
      if (n == Socket.WOULD_BLOCK) {
        return n;
      }
      if ((n & HostUnixSocket.CONTROL_DROPPED) != 0 && message != null) {
        message.flags |= MSG_CTRUNC;
      }
      n &= ~HostUnixSocket.CONTROL_DROPPED;
      return isStream || (flags & MSG_TRUNC) != 0 ? n : Math.min(n, received);
    } finally {
      receiveLock.unlock();
    }
  }

  /** Bytes of the last message that fitted; guarded by {@link #receiveLock}. */
  private long received;

  private long receiveStream(IoBuffer dst, boolean peek) throws ErrnoException {
    long piece = dst.prepare(Long.MAX_VALUE, true);
    if (piece == 0) {
      return 0;
    }
    long n = into(dst, piece, peek);
    if (n != Socket.WOULD_BLOCK) {
      dst.advance(n & ~HostUnixSocket.CONTROL_DROPPED);
    } else {
      dst.release();
    }
    return n;
  }

  private long receivePacket(Message message, IoBuffer dst, boolean peek) throws ErrnoException {
    long room = dst.remaining();
    long piece = dst.prepare(room, true);
    long n;
    if (piece == room && piece > 0) {
      n = into(dst, piece, peek);
      if (n == Socket.WOULD_BLOCK) {
        dst.release();
        return n;
      }
      received = Math.min(n & ~HostUnixSocket.CONTROL_DROPPED, room);
      dst.advance(received);
    } else {
      if (piece > 0) {
        dst.release();
      }
      long length = socket.receive(MemorySegment.ofArray(new byte[0]), true);
      if (length == Socket.WOULD_BLOCK) {
        return length;
      }
      long wanted = Math.min(Math.min(length & ~HostUnixSocket.CONTROL_DROPPED, room), MAX_MESSAGE);
      MemorySegment whole = MemorySegment.ofArray(new byte[(int) wanted]);
      n = socket.receive(whole, peek);
      if (n == Socket.WOULD_BLOCK) {
        return n;
      }
      received = dst.put(whole, 0, Math.min(n & ~HostUnixSocket.CONTROL_DROPPED, wanted));
    }
    if (message != null && (n & ~HostUnixSocket.CONTROL_DROPPED) > received) {
      message.flags |= MSG_TRUNC;
    }
    return n;
  }

  /** Has the host fill the prepared piece, which is released if it fails. */
  private long into(IoBuffer dst, long piece, boolean peek) throws ErrnoException {
    try {
      return socket.receive(dst.segment().asSlice(dst.offset(), piece), peek);
    } catch (ErrnoException e) {
      dst.release();
      throw e;
    }
  }

  void shutdown(int how) throws ErrnoException {
    socket.shutdown(how);
    bytes.waiters().notify(EventMask.READABLE | EventMask.WRITABLE | EventMask.EPOLLHUP | EventMask.EPOLLRDHUP);
  }

  int readiness(int mask) {
    return bytes.fd().readiness(mask | EventMask.ALWAYS);
  }

  int readableBytes() throws ErrnoException {
    return count(FIONREAD);
  }

  int unsentBytes() throws ErrnoException {
    return count(SIOCOUTQ);
  }

  private int count(int request) throws ErrnoException {
    MemorySegment number = MemorySegment.ofArray(new byte[4]);
    bytes.fd().terminalIoctl(request, number);
    return number.get(JAVA_INT_UNALIGNED, 0);
  }

  /** The error that the host holds for the socket, taken; or null. */
  Errno takeError() throws ErrnoException {
    int number = socket.takeError();
    return number == 0 ? null : Errno.of(number);
  }

  private static void refuseOob(int flags) throws ErrnoException {
    if ((flags & MSG_OOB) != 0) {
      throw EOPNOTSUPP.error();
    }
  }

  @Override
  public void close() {
    bytes.close();
  }
}
