package gvisor.api.host;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;

/**
 * What a connected or listening AF_UNIX socket of the host does beside what any descriptor does. It shares the descriptor
 * it came from, which stays its owner's to close. Thread-safe; nothing here waits.
 */
public interface HostUnixSocket {
  /** Added to what {@link #receive} returns when something came beside the data, which the host has dropped. */
  long CONTROL_DROPPED = 1L << 62;

  /** Who is at the other end, as the host shows it to this process ({@code man 7 unix}, SO_PEERCRED). */
  record Peer(int pid, int uid, int gid) {}

  /** {@code send(2)} of a whole message, or of what fits of a stream: bytes, or {@link HostFd#WOULD_BLOCK}. */
  long send(MemorySegment src) throws ErrnoException;

  /**
   * {@code recv(2)}: the length of the message, which may be more than {@code dst} took; the bytes of a stream; or
   * {@link HostFd#WOULD_BLOCK}. Descriptors and credentials beside it are never taken.
   *
   * @param peek leave it there
   */
  long receive(MemorySegment dst, boolean peek) throws ErrnoException;

  /** The next connection, the caller's own; null when there is none. */
  HostFd accept() throws ErrnoException;

  /** {@code shutdown(2)}. */
  void shutdown(int how) throws ErrnoException;

  /** SO_PEERCRED. */
  Peer peer() throws ErrnoException;

  /** SO_ERROR: the number of the pending error, which is pending no longer; 0 for none. */
  int takeError() throws ErrnoException;
}
