package gvisor.sentry.socket;

import static gvisor.api.abi.SocketAbi.*;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOPROTOOPT;
import static gvisor.api.errno.Errno.ENOTCONN;
import static gvisor.api.errno.Errno.EOPNOTSUPP;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;

/**
 * A socket: an open file with more operations. Like Linux {@code struct socket} and {@code struct sock} in one. The
 * defaults are what Linux answers when a family lacks the operation. Thread-safe; nothing here blocks.
 */
public abstract class Socket implements FileOps {
  /** Result of {@link #connect}: begun, and {@link #connectResult} will tell; the number of EINPROGRESS, negated. */
  public static final long IN_PROGRESS = -115;

  /** Result of {@link #connect}: as IN_PROGRESS, but begun by an earlier one; the number of EALREADY, negated. */
  public static final long ALREADY = -114;

  private static final int MEMINFO_SIZE = 36;

  private final Network net;
  private final int family;
  private final int type;
  private final int protocol;
  private final SocketOptions options = new SocketOptions();
  private final WaitQueue queue = new WaitQueue();
  private volatile Errno error;
  private volatile long inode;
  private volatile boolean isCounted;

  protected Socket(Network net, int family, int type, int protocol) {
    this.net = net;
    this.family = family;
    this.type = type;
    this.protocol = protocol;
  }

  @Override
  public boolean splicesOut() {
    return true;
  }

  @Override
  public boolean splicesIn() {
    return true;
  }

  public final Network net() {
    return net;
  }

  public final int family() {
    return family;
  }

  /** SOCK_STREAM and so on, without flags. */
  public final int type() {
    return type;
  }

  public final int protocol() {
    return protocol;
  }

  public final SocketOptions options() {
    return options;
  }

  /** Who waits for the socket. */
  public final WaitQueue queue() {
    return queue;
  }

  /** The inode number of the socket's file; 0 while it has none, as before it is accepted. */
  public final long inode() {
    return inode;
  }

  public final void setInode(long number) {
    inode = number;
  }

  /** Whether EPIPE comes with SIGPIPE. */
  @Override
  public boolean raisesSigpipe() {
    return type == SOCK_STREAM || type == SOCK_SEQPACKET;
  }

  // ---- errors: SO_ERROR ----

  /** Leaves an error for the next operation, and wakes who waits. */
  public final void setError(Errno e) {
    error = e;
    queue.notify(EventMask.EPOLLERR | EventMask.READABLE | EventMask.WRITABLE);
  }

  public final boolean hasError() {
    return error != null;
  }

  /** The pending error, which is pending no longer; null when there is none. */
  public final Errno takeError() {
    Errno e = error;
    if (e != null) {
      error = null;
    }
    return e;
  }

  /** Throws the pending error, if there is one. */
  protected final void throwError() throws ErrnoException {
    Errno e = takeError();
    if (e != null) {
      throw e.error();
    }
  }

  // ---- operations ----

  /** {@code bind(2)}. */
  public void bind(Caller caller, AddrBuffer address) throws ErrnoException {
    throw EOPNOTSUPP.error();
  }

  /**
   * {@code connect(2)}.
   *
   * @return 0 when connected; {@link #IN_PROGRESS} or {@link #ALREADY}; WOULD_BLOCK when {@link #connectQueue} says when to try again
   */
  public long connect(Caller caller, AddrBuffer address, boolean nonblocking) throws ErrnoException {
    throw EOPNOTSUPP.error();
  }

  /** What came of a connect in progress: 0, {@link #IN_PROGRESS}, or its error. */
  public long connectResult() throws ErrnoException {
    return 0;
  }

  /** Told when a connect that would have blocked may be tried again. */
  public WaitQueue connectQueue() {
    return queue;
  }

  /**
   * After how long a connect that would have blocked has to be tried again although {@link #connectQueue} tells of
   * nothing: the host does not say when a listener of its own has room. In nanoseconds; -1 where it is told.
   */
  public long connectRetryNanos() {
    return -1;
  }

  /** {@code listen(2)}. */
  public void listen(Caller caller, int backlog) throws ErrnoException {
    throw EOPNOTSUPP.error();
  }

  /** {@code accept(2)}: a connected socket, or null when there is none yet. */
  public Socket accept(Caller caller) throws ErrnoException {
    throw EOPNOTSUPP.error();
  }

  public boolean isListening() {
    return false;
  }

  /** The address of this end, as {@code getsockname(2)} gives it. */
  public abstract void localAddress(AddrBuffer out) throws ErrnoException;

  /** The address of the other end; ENOTCONN. */
  public void peerAddress(AddrBuffer out) throws ErrnoException {
    throw ENOTCONN.error();
  }

  /** Whether control messages of a send go on as they are, and not by what they mean. */
  public boolean passesControl() {
    return false;
  }

  /** The address of the other end for {@code accept(2)}, which gives it even if the connection is over already. */
  public void acceptedPeer(AddrBuffer out) throws ErrnoException {
    peerAddress(out);
  }

  /** {@code shutdown(2)}; {@code how} is SHUT_RD, SHUT_WR or SHUT_RDWR. */
  public void shutdown(int how) throws ErrnoException {
    throw EOPNOTSUPP.error();
  }

  /**
   * Sends the rest of {@code src}.
   *
   * @param message destination and what goes beside the data; null for {@code write(2)}
   * @param flags MSG_*, the known ones
   * @return bytes sent: maybe fewer on a stream; or WOULD_BLOCK
   */
  public abstract long send(Caller caller, Message message, IoBuffer src, int flags) throws ErrnoException;

  /** Told when a send that would have blocked may be tried again. */
  public WaitQueue sendQueue() {
    return queue;
  }

  /**
   * Receives into {@code dst}.
   *
   * @param message takes the source and what came beside the data; null for {@code read(2)}
   * @return bytes received (with MSG_TRUNC: of the whole message), 0 at the end, or WOULD_BLOCK
   */
  public abstract long receive(Caller caller, Message message, IoBuffer dst, int flags) throws ErrnoException;

  /** Bytes that can be read now, for FIONREAD. */
  public int readableBytes() throws ErrnoException {
    return 0;
  }

  /** Bytes sent that the other end has not read, for SIOCOUTQ. */
  public int unsentBytes() throws ErrnoException {
    return 0;
  }

  /** For SIOCATMARK. */
  public boolean isAtMark() throws ErrnoException {
    throw EINVAL.error();
  }

  // ---- options ----

  /** {@code setsockopt(2)}. */
  public void setOption(Caller caller, int level, int name, OptionValue value) throws ErrnoException {
    if (level != SOL_SOCKET) {
      throw protocolOptionError().error();
    }
    options.set(caller.creds(), family, type, name, value);
    optionChanged(name);
  }

  /** An option of level SOL_SOCKET was set. */
  protected void optionChanged(int name) {}

  /** What an option of a level that the family does not have gives. */
  protected Errno protocolOptionError() {
    return ENOPROTOOPT;
  }

  /** {@code getsockopt(2)}: the value into {@code out}, whose length is at first what the caller has room for. */
  public void getOption(Caller caller, int level, int name, OptionValue out) throws ErrnoException {
    if (level != SOL_SOCKET) {
      throw protocolOptionError().error();
    }
    switch (name) {
      case SO_TYPE -> out.setInt(type);
      case SO_DOMAIN -> out.setInt(family);
      case SO_PROTOCOL -> out.setInt(protocol);
      case SO_ACCEPTCONN -> out.setBoolean(isListening());
      case SO_ERROR -> {
        Errno e = takeError();
        out.setInt(e == null ? 0 : e.number());
      }
      case SO_PEERCRED -> {
        SocketCreds creds = peerCreds();
        out.start(SocketCreds.SIZE);
        out.putInt(0, creds.pid());
        out.putInt(4, creds.uid());
        out.putInt(8, creds.gid());
      }
      case SO_MEMINFO -> {
        // struct of SK_MEMINFO_*: in use and limit of receiving and of sending, then what has no meaning here.
        out.start(MEMINFO_SIZE);
        out.putInt(4, options.receiveBuffer);
        out.putInt(12, options.sendBuffer);
      }
      case SO_COOKIE -> {
        out.start(8);
        out.putLong(0, System.identityHashCode(this) & 0xffffffffL | 0x100000000L);
      }
      default -> {
        if (!options.get(name, out)) {
          throw ENOPROTOOPT.error();
        }
      }
    }
  }

  /** Who connected, for SO_PEERCRED. */
  protected SocketCreds peerCreds() {
    return SocketCreds.NONE;
  }

  // ---- as a file ----

  @Override
  public final long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    return dst.remaining() == 0 ? 0 : receive(caller, null, dst, 0);
  }

  @Override
  public final long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
    return send(caller, null, src, 0);
  }

  @Override
  public long ioctl(Caller caller, FileDescription file, int request, long argument) throws ErrnoException {
    return SocketIoctls.ioctl(this, caller, request, argument);
  }

  @Override
  public final boolean isStream() {
    return type == SOCK_STREAM;
  }

  @Override
  public final long timeoutNanos(boolean write) {
    long timeout = write ? options.sendTimeoutNanos : options.receiveTimeoutNanos;
    return timeout == SocketOptions.NO_TIMEOUT ? -1 : timeout;
  }

  @Override
  public final boolean signalsOwner() {
    return true;
  }

  @Override
  public final boolean hangsUp() {
    return true;
  }

  @Override
  public final void register(WaitEntry entry, int mask) {
    waitedFor();
    queue.register(entry, mask);
  }

  /** Somebody is about to wait for the socket: from now on the queue has to be told. */
  protected void waitedFor() {}

  @Override
  public final void unregister(WaitEntry entry) {
    queue.unregister(entry);
  }

  @Override
  public final boolean isPollable() {
    return true;
  }

  /** Counts the socket for the sandbox, once, before it becomes a file; ENFILE when there are too many. */
  public final void count() throws ErrnoException {
    net.layer().countSocket();
    isCounted = true;
  }

  @Override
  public final void release(FileDescription file) {
    close();
    if (isCounted) {
      net.layer().socketClosed();
    }
  }

  /** Nobody has the socket any more: lets go of names, buffers and the other end. */
  public abstract void close();
}
