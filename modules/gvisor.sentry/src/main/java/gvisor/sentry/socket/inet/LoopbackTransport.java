package gvisor.sentry.socket.inet;

import gvisor.api.abi.SocketAbi;
import gvisor.sentry.socket.Network;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A network that is one machine: TCP and UDP between sockets of the same namespace, over 127.0.0.0/8 and ::1. Both ends
 * share their buffers; there are no packets, so nothing is lost, reordered or sent again.
 */
public final class LoopbackTransport implements InetTransport {
  private final Network net;

  /** Guards ports, listeners and who is connected to whom. */
  final ReentrantLock transportLock = new ReentrantLock();

  final PortSpace streamPorts;
  private final List<RawSocket> raw = new CopyOnWriteArrayList<>();
  private final PortSpace udpPorts;
  private final PortSpace udpLitePorts;

  public LoopbackTransport(Network net) {
    this.net = net;
    this.streamPorts = new PortSpace(true, net.host().entropy().nextLong());
    this.udpPorts = new PortSpace(false, net.host().entropy().nextLong());
    this.udpLitePorts = new PortSpace(false, net.host().entropy().nextLong());
  }

  Network net() {
    return net;
  }

  @Override
  public void addRaw(RawSocket socket) {
    raw.add(socket);
  }

  @Override
  public void removeRaw(RawSocket socket) {
    raw.remove(socket);
  }

  @Override
  public void sendRaw(int protocol, InetName from, InetName to, int hops, byte[] message) {
    LoopbackIcmp.deliver(raw, protocol, from, to, hops, message);
  }

  PortSpace datagramPorts(int protocol) {
    return protocol == SocketAbi.IPPROTO_UDPLITE ? udpLitePorts : udpPorts;
  }

  @Override
  public StreamEndpoint newStream(StreamOwner owner) {
    return new LoopbackStream(this, owner);
  }

  @Override
  public DatagramEndpoint newDatagram(DatagramOwner owner) {
    return new LoopbackDatagram(this, owner);
  }

  @Override
  public List<StreamEndpoint> streams() {
    List<StreamEndpoint> list = new ArrayList<>();
    transportLock.lock();
    try {
      for (PortSpace.Binding b : streamPorts.all()) {
        list.add(((LoopbackStream.Claim) b).endpoint());
      }
    } finally {
      transportLock.unlock();
    }
    return list;
  }

  @Override
  public List<DatagramEndpoint> datagrams() {
    List<DatagramEndpoint> list = new ArrayList<>();
    transportLock.lock();
    try {
      for (PortSpace.Binding b : udpPorts.all()) {
        list.add(((LoopbackDatagram.Claim) b).endpoint());
      }
    } finally {
      transportLock.unlock();
    }
    return list;
  }
}
