package gvisor.sentry.socket.inet;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.socket.Message;
import gvisor.sentry.socket.PacketQueue;

/** One end of UDP. */
public interface DatagramEndpoint {
  DatagramOwner owner();

  /** Takes a local address, and a port if the port is 0; EADDRINUSE. The address has been checked to be local. */
  void bind(InetName name) throws ErrnoException;

  boolean isBound();

  /** Sends to, and receives from, {@code name} alone from now on; ENETUNREACH. */
  void connect(InetName name) throws ErrnoException;

  void disconnect();

  boolean isConnected();

  void local(InetName out);

  void remote(InetName out);

  /**
   * Sends the rest of {@code src} as one message.
   *
   * @param to null for the connected peer
   * @param message source address and other details; null for none
   */
  long send(IoBuffer src, InetName to, Message message) throws ErrnoException;

  /**
   * Receives one message; {@code received} then has its length, and a {@link Flow} as its source.
   *
   * @return bytes copied, or WOULD_BLOCK
   */
  long receive(IoBuffer dst, Message message, PacketQueue.Received received, boolean peek) throws ErrnoException;

  /** Joins or leaves a multicast group on the loopback interface; EADDRINUSE, EADDRNOTAVAIL. */
  void setMember(InetName group, boolean isMember) throws ErrnoException;

  boolean hasMessage();

  /** Bytes of the first message. */
  int readableBytes();

  void close();

  /**
   * From where to where a message went. Shared by the messages of a sender as long as nothing changes.
   *
   * @param detail of the sender: time to live in the low byte, type of service in the next
   */
  record Flow(long srcHigh, long srcLow, int srcPort, long dstHigh, long dstLow, int dstPort, int detail) {}
}
