package gvisor.sentry.socket;

import gvisor.api.abi.SocketAbi;
import gvisor.api.host.Host;
import java.util.List;

/**
 * What a network namespace has: interfaces, and per address family the names and ports in use. Like Linux
 * {@code struct net}.
 * Thread-safe.
 */
public final class Network {
  private final SocketLayer layer;
  private final Object[] states = new Object[SocketAbi.AF_MAX];
  private volatile List<NetDevice> devices = List.of(NetDevice.loopback());

  /** @param layer whose families have all been registered */
  public Network(SocketLayer layer) {
    this.layer = layer;
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

  /** Replaces the interface that has the same index. */
  public synchronized void update(NetDevice device) {
    devices = devices.stream().map(d -> d.index() == device.index() ? device : d).toList();
  }
}
