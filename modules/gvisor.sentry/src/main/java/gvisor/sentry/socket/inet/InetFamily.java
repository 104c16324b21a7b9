package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.abi.SocketAbi.IPPROTO_ICMP;
import static gvisor.api.abi.SocketAbi.IPPROTO_ICMPV6;
import static gvisor.api.abi.SocketAbi.IPPROTO_MAX;
import static gvisor.api.abi.SocketAbi.IPPROTO_TCP;
import static gvisor.api.abi.SocketAbi.IPPROTO_UDP;
import static gvisor.api.abi.SocketAbi.IPPROTO_UDPLITE;
import static gvisor.api.abi.SocketAbi.SOCK_DGRAM;
import static gvisor.api.abi.SocketAbi.SOCK_RAW;
import static gvisor.api.abi.SocketAbi.SOCK_STREAM;
import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.EPROTONOSUPPORT;
import static gvisor.api.errno.Errno.ESOCKTNOSUPPORT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.SocketFamily;
import gvisor.sentry.vfs.Caller;

/** AF_INET or AF_INET6; both use the transport that AF_INET's state is. */
public final class InetFamily implements SocketFamily {
  private final int number;

  /** @param number AF_INET or AF_INET6 */
  public InetFamily(int number) {
    this.number = number;
  }

  @Override
  public int number() {
    return number;
  }

  @Override
  public Object newState(Network net) {
    return number == AF_INET ? new LoopbackTransport(net) : null;
  }

  @Override
  public Socket create(Caller caller, Network net, int type, int protocol) throws ErrnoException {
    if (protocol < 0 || protocol >= IPPROTO_MAX) {
      throw EINVAL.error();
    }
    int uid = caller.creds().euid();
    switch (type) {
      case SOCK_STREAM -> {
        if (protocol != 0 && protocol != IPPROTO_TCP) {
          throw EPROTONOSUPPORT.error();
        }
        return net.passthrough() != null
            ? passthrough(net, type, IPPROTO_TCP, uid) : new TcpSocket(net, number, uid);
      }
      case SOCK_DGRAM -> {
        if (protocol == (number == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
          if (net.passthrough() != null) {
            return passthrough(net, type, protocol, uid);
          }
          // As with an empty /proc/sys/net/ipv4/ping_group_range, which is the default.
          throw EACCES.error();
        }
        if (protocol != 0 && protocol != IPPROTO_UDP && protocol != IPPROTO_UDPLITE) {
          throw EPROTONOSUPPORT.error();
        }
        int known = protocol == 0 ? IPPROTO_UDP : protocol;
        return net.passthrough() != null ? passthrough(net, type, known, uid) : new UdpSocket(net, number, known, uid);
      }
      case SOCK_RAW -> {
        if (protocol == 0) {
          throw EPROTONOSUPPORT.error();
        }
        if (!caller.creds().has(Capability.CAP_NET_RAW)) {
          throw EPERM.error();
        }
        if (protocol != (number == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
          // Linux: any protocol. Here: ICMP, because no other protocol has packets to look at.
          throw EPROTONOSUPPORT.error();
        }
        return net.passthrough() != null
            ? passthrough(net, type, protocol, uid) : new RawSocket(net, number, protocol, uid);
      }
      default -> throw ESOCKTNOSUPPORT.error();
    }
  }

  private PassthroughSocket passthrough(Network net, int type, int protocol, int uid) throws ErrnoException {
    return new PassthroughSocket(net, number, type, protocol, uid, net.passthrough().socket(number, type, protocol));
  }
}
