package gvisor.sentry.socket.inet;

import java.util.List;

/**
 * What moves the data of one network namespace: the seam between sockets and a TCP/IP stack. Thread-safe.
 *
 * <p>Endpoints never block. They report by their owner's wait queue and pending error.
 */
public interface InetTransport {
  /** A new TCP endpoint for {@code owner}. */
  StreamEndpoint newStream(StreamOwner owner);

  /** A new UDP endpoint for {@code owner}. */
  DatagramEndpoint newDatagram(DatagramOwner owner);

  /** Lets {@code socket} see what arrives of its protocol. */
  void addRaw(RawSocket socket);

  void removeRaw(RawSocket socket);

  /** Sends {@code message} of {@code protocol}, to an address that has been checked to be reachable. */
  void sendRaw(int protocol, InetName from, InetName to, int hops, byte[] message);

  /** TCP endpoints with a port, for {@code /proc/net/tcp} and {@code tcp6}. */
  List<StreamEndpoint> streams();

  /** UDP endpoints with a port, for {@code /proc/net/udp} and {@code udp6}. */
  List<DatagramEndpoint> datagrams();
}
