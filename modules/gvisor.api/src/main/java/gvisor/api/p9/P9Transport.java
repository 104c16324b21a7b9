package gvisor.api.p9;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import java.lang.foreign.MemorySegment;

/**
 * Carries whole messages, and file descriptors beside them, between two peers. Any thread may send at any time; one
 * thread at a time receives.
 */
public interface P9Transport extends AutoCloseable {
  /** A buffer this transport can send from and receive into; zeroed, lives as long as the transport is reachable. */
  MemorySegment newBuffer(long size);

  /**
   * Sends the first {@code length} bytes of {@code message}, waiting while the peer is behind.
   *
   * @throws ErrnoException EPIPE when the peer is gone, or what the host said
   */
  void send(MemorySegment message, long length) throws ErrnoException;

  /**
   * Waits for the next message and puts it at the start of {@code message}. A descriptor that came beside it is kept
   * for {@link #takeFd}; one that was not taken from the message before is closed.
   *
   * @return its bytes; 0 when the peer is gone; larger than the buffer when it was cut off
   */
  long receive(MemorySegment message) throws ErrnoException;

  /** The descriptor that came with the last received message, now the caller's, or null. The receiving thread. */
  HostFd takeFd();

  /** Wakes whoever waits in {@link #receive} with the end, now and later. Any thread. */
  @Override
  void close();
}
