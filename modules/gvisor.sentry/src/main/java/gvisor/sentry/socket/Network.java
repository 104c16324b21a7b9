package gvisor.sentry.socket;

import gvisor.api.abi.SocketAbi;
import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.Host;
import gvisor.api.host.HostNetwork;
import gvisor.api.host.NetworkSnapshot;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a network namespace has: interfaces, and per address family the names and ports in use. Like Linux
 * {@code struct net}.
 * Thread-safe.
 */
public final class Network {
  private final SocketLayer layer;
  private final HostNetwork passthrough;
  private final Object[] states = new Object[SocketAbi.AF_MAX];
  private final Set<Socket> passed = ConcurrentHashMap.newKeySet();
  private volatile int firstUnprivilegedPort = 1024;
  private volatile List<NetworkSnapshot.Route> routes;
  private volatile List<NetDevice> devices = List.of(NetDevice.loopback());

  /** @param layer whose families have all been registered */
  public Network(SocketLayer layer) {
    this(layer, null);
  }

  /** As the other, with {@code passthrough}'s sockets as those of AF_INET and AF_INET6; null for sockets of our own. */
  public Network(SocketLayer layer, HostNetwork passthrough) {
    this.layer = layer;
    this.passthrough = passthrough;
    for (int i = 0; i < states.length; i++) {
      SocketFamily family = layer.familyOrNull(i);
      if (family != null) {
        states[i] = family.newState(this);
      }
    }
  }

  public SocketLayer layer() {
    return layer;
  }

  /** Who makes internet sockets here; null when they are our own. */
  public HostNetwork passthrough() {
    return passthrough;
  }

  /** {@code socket} is one of the host's that applications have here. */
  public void passed(Socket socket) {
    passed.add(socket);
  }

  public void forget(Socket socket) {
    passed.remove(socket);
  }

  /** Sockets of the host that applications have here, in no order. */
  public Set<Socket> passed() {
    return passed;
  }

  /** The first port that anybody may bind: {@code /proc/sys/net/ipv4/ip_unprivileged_port_start}. */
  public int firstUnprivilegedPort() {
    return firstUnprivilegedPort;
  }

  /** Shows what the host's network has, of which {@link #passthrough}'s sockets are; it is not to be changed here. */
  public synchronized void describe(NetworkSnapshot snapshot) {
    devices = snapshot.interfaces().stream().map(NetDevice::of).toList();
    routes = List.copyOf(snapshot.routes());
    firstUnprivilegedPort = snapshot.firstUnprivilegedPort();
  }

  /** Routes of the host; null where they follow from the addresses alone. */
  public List<NetworkSnapshot.Route> routes() {
    return routes;
  }

  public BufferBudget budget() {
    return layer.budget();
  }

  public Host host() {
    return layer.host();
  }

  /** What {@link SocketFamily#newState} of the family with that number made. */
  public Object state(int family) {
    return states[family];
  }

  /** Every interface, by index. */
  public List<NetDevice> devices() {
    return devices;
  }

  /** The interface called {@code name}, or null. */
  public NetDevice device(String name) {
    for (NetDevice d : devices) {
      if (d.name().equals(name)) {
        return d;
      }
    }
    return null;
  }

  /** The interface with {@code index}, or null. */
  public NetDevice device(int index) {
    for (NetDevice d : devices) {
      if (d.index() == index) {
        return d;
      }
    }
    return null;
  }

  /** Brings an interface up or down; EPERM for one of the host's. */
  public void setUp(NetDevice device, boolean isUp) throws ErrnoException {
    int up = isUp ? NetDevice.IFF_UP | NetDevice.IFF_RUNNING : 0;
    if (passthrough == null) {
      update(device.withFlags(device.flags() & ~(NetDevice.IFF_UP | NetDevice.IFF_RUNNING) | up));
    } else if (isUp != ((device.flags() & NetDevice.IFF_UP) != 0)) {
      throw Errno.EPERM.error();
    }
  }

  /** Replaces the interface that has the same index. */
  private synchronized void update(NetDevice device) {
    devices = devices.stream().map(d -> d.index() == device.index() ? device : d).toList();
  }
}
