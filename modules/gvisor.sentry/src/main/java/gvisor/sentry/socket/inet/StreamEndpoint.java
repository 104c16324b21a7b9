package gvisor.sentry.socket.inet;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.Message;

/** One end of TCP. Its socket calls {@link #connect}, {@link #listen} and {@link #bind} under the socket's lock. */
public interface StreamEndpoint {
  /** States, with the numbers of {@code tcpi_state}. */
  int ESTABLISHED = 1;
  int SYN_SENT = 2;
  int FIN_WAIT2 = 5;
  int CLOSE = 7;
  int CLOSE_WAIT = 8;
  int LISTEN = 10;

  StreamOwner owner();

  /** Takes a local address, and a port if the port is 0; EADDRINUSE. The address has been checked to be local. */
  void bind(InetName name) throws ErrnoException;

  /** Whether it has a port. */
  boolean isBound();

  /**
   * Begins to connect. What comes of it shows in {@link #state} and in the owner's pending error.
   *
   * @throws ErrnoException ENETUNREACH, EADDRNOTAVAIL: nothing has begun
   */
  void connect(InetName name) throws ErrnoException;

  /** Gives up a connection, or an attempt at one; bound addresses that the application chose stay. */
  void disconnect();

  /** Takes connections from now on, or changes the backlog; EADDRINUSE. */
  void listen(int backlog) throws ErrnoException;

  /** The next connection's socket, or null. */
  StreamOwner accept();

  /** Now. */
  int state();

  void local(InetName out);

  void remote(InetName out);

  /**
   * Sends what fits.
   *
   * @return bytes sent, or WOULD_BLOCK
   * @throws ErrnoException EPIPE when the connection is not, or no longer, open for sending
   */
  long write(IoBuffer src, boolean urgent) throws ErrnoException;

  /** Receives: bytes, 0 at the end, or WOULD_BLOCK. */
  long read(IoBuffer dst, boolean peek) throws ErrnoException;

  /** Receives without keeping; otherwise as {@link #read}. */
  long discard(long length);

  /** Receives the urgent byte; EINVAL when there is none. */
  long readUrgent(Message message, IoBuffer dst, boolean peek) throws ErrnoException;

  boolean isAtMark();

  /** {@code how} is SHUT_RD, SHUT_WR or SHUT_RDWR. */
  void shutdown(int how);

  /** The socket is gone. {@code isAbort}: reset the connection instead of ending it in order. */
  void close(boolean isAbort);

  /** EPOLL* that hold now, of all. */
  int readiness();

  int readableBytes();

  int unsentBytes();

  /** A buffer size was set. */
  void bufferSizeChanged();
}
