package gvisor.sentry.socket.netlink;

import static gvisor.api.abi.SocketAbi.AF_NETLINK;
import static gvisor.api.abi.SocketAbi.SOCK_DGRAM;
import static gvisor.api.abi.SocketAbi.SOCK_RAW;
import static gvisor.api.errno.Errno.EPROTONOSUPPORT;
import static gvisor.api.errno.Errno.ESOCKTNOSUPPORT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.SocketFamily;
import gvisor.sentry.vfs.Caller;
import java.util.concurrent.ConcurrentHashMap;

/** AF_NETLINK. */
public final class NetlinkFamily implements SocketFamily {
  static final int NETLINK_ROUTE = 0;
  static final int NETLINK_KOBJECT_UEVENT = 15;

  /** Port ids of one namespace, by protocol and id. */
  static final class Ports {
    final ConcurrentHashMap<Long, NetlinkSocket> taken = new ConcurrentHashMap<>();

    static long key(int protocol, int port) {
      return (long) protocol << 32 | port & 0xffffffffL;
    }
  }

  @Override
  public int number() {
    return AF_NETLINK;
  }

  @Override
  public Object newState(Network net) {
    return new Ports();
  }

  @Override
  public Socket create(Caller caller, Network net, int type, int protocol) throws ErrnoException {
    if (type != SOCK_RAW && type != SOCK_DGRAM) {
      throw ESOCKTNOSUPPORT.error();
    }
    return switch (protocol) {
      case NETLINK_ROUTE -> new NetlinkSocket(net, type, protocol, new RouteRequests(net));
      case NETLINK_KOBJECT_UEVENT -> new NetlinkSocket(net, type, protocol, null);
      default -> throw EPROTONOSUPPORT.error();
    };
  }
}
