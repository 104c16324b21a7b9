package gvisor.api.host;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.util.function.IntConsumer;

/**
 * An internet socket of the host that was handed to the Sentry. No operation waits. Thread-safe but for {@link #close}, which the
 * one owner calls last. Errors are the host's.
 */
public interface HostSocket extends AutoCloseable {
  /** Result of a call that would have to wait. */
  long WOULD_BLOCK = HostFd.WOULD_BLOCK;

  /** Result of a connect that has begun: EINPROGRESS, negated. */
  long IN_PROGRESS = -115;

  /** {@code bind(2)} to the first {@code length} bytes of {@code address}. */
  void bind(MemorySegment address, int length) throws ErrnoException;

  /** {@code connect(2)}: 0, or {@link #IN_PROGRESS}; EALREADY when it was begun before. */
  long connect(MemorySegment address, int length) throws ErrnoException;

  /** {@code listen(2)}. */
  void listen(int backlog) throws ErrnoException;

  /** {@code accept(2)}, with the peer's address into {@code peer}; null when there is nobody. */
  HostSocket accept(HostMessage peer) throws ErrnoException;

  /**
   * {@code sendmsg(2)}.
   *
   * @param message destination and control messages, with their lengths; null for none
   * @param flags MSG_*
   * @return bytes sent, or {@link #WOULD_BLOCK}
   */
  long send(MemorySegment data, HostMessage message, int flags) throws ErrnoException;

  /**
   * {@code recvmsg(2)}.
   *
   * @param message takes the source, control messages and flags; null when nobody wants them
   * @return what the call returns, or {@link #WOULD_BLOCK}
   */
  long receive(MemorySegment data, HostMessage message, int flags) throws ErrnoException;

  /** {@code getsockname(2)} into {@code out}, of at least 128 bytes: its length. */
  int localAddress(MemorySegment out) throws ErrnoException;

  /** {@code getpeername(2)}, likewise. */
  int peerAddress(MemorySegment out) throws ErrnoException;

  /** {@code shutdown(2)}. */
  void shutdown(int how) throws ErrnoException;

  /** {@code getsockopt(2)} of an option that is plain data: how much of {@code value} is valid. */
  int option(int level, int name, MemorySegment value, int length) throws ErrnoException;

  /** {@code setsockopt(2)}, likewise. */
  void setOption(int level, int name, MemorySegment value, int length) throws ErrnoException;

  /** {@code ioctl(2)} with FIONREAD, TIOCOUTQ or SIOCATMARK: the number it gives. */
  int count(int request) throws ErrnoException;

  /** {@code poll(2)} without waiting: the {@code EPOLL*} bits of {@code mask} that hold, and errors and hang-ups. */
  int readiness(int mask);

  /** As {@link HostFd#watch}; once for each socket. */
  void watch(int mask, IntConsumer listener) throws ErrnoException;

  @Override
  void close();
}
