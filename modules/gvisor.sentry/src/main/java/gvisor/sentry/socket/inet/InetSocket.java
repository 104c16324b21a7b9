package gvisor.sentry.socket.inet;

import static gvisor.api.abi.SocketAbi.AF_INET;
import static gvisor.api.abi.SocketAbi.AF_INET6;
import static gvisor.api.abi.SocketAbi.AF_UNSPEC;
import static gvisor.api.abi.SocketAbi.SOL_IP;
import static gvisor.api.abi.SocketAbi.SOL_IPV6;
import static gvisor.api.abi.SocketAbi.SOL_SOCKET;
import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EADDRNOTAVAIL;
import static gvisor.api.errno.Errno.EAFNOSUPPORT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENETUNREACH;
import static gvisor.api.errno.Errno.EOPNOTSUPP;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.socket.AddrBuffer;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.OptionValue;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.vfs.Caller;
import java.util.concurrent.locks.ReentrantLock;

/** What TCP and UDP sockets of both families share: addresses and the options of the network layer. */
public abstract class InetSocket extends Socket {
  private static final int FIRST_UNPRIVILEGED_PORT = 1024;

  /** Guards changes of the connection; ranks above the transport's lock. */
  protected final ReentrantLock socketLock = new ReentrantLock();

  private final InetOptions inetOptions = new InetOptions();
  private final int uid;

  protected InetSocket(Network net, int family, int type, int protocol, int uid) {
    super(net, family, type, protocol);
    this.uid = uid;
  }

  public final InetOptions inetOptions() {
    return inetOptions;
  }

  public final int uid() {
    return uid;
  }

  protected final InetTransport transport() {
    return (InetTransport) net().state(AF_INET);
  }

  protected abstract boolean isBound();

  protected abstract boolean isConnected();

  // ---- addresses ----

  /** Decodes an address to bind to, and checks that it may be bound; {@code isStream} excludes multicast. */
  protected final void decodeForBind(Caller caller, AddrBuffer address, boolean isStream, InetName out)
      throws ErrnoException {
    if (family() == AF_INET6 && address.family() == AF_INET) {
      throw address.length < 24 ? EINVAL.error() : EAFNOSUPPORT.error();
    }
    if (family() == AF_INET && address.family() == AF_UNSPEC && address.length >= 16) {
      // A historical exception: no family, but the wildcard address.
      if (address.getInt(4) != 0) {
        throw EAFNOSUPPORT.error();
      }
      out.setAny(true);
      out.port = address.getPort(2);
    } else {
      out.decode(address, family());
    }
    if (family() == AF_INET6 && out.isV4() && inetOptions.isV6Only()) {
      throw EINVAL.error();
    }
    if (out.isMulticast() && isStream && family() == AF_INET6) {
      throw EINVAL.error();
    }
    boolean isLocal = out.isAny() || out.isLoopback() || out.isMulticast() || out.isBroadcast();
    if (!isLocal && !inetOptions.isFreeBind()) {
      throw EADDRNOTAVAIL.error();
    }
    if (out.port != 0 && out.port < FIRST_UNPRIVILEGED_PORT
        && !caller.creds().has(Capability.CAP_NET_BIND_SERVICE)) {
      throw EACCES.error();
    }
  }

  /** Decodes an address to connect or send to. */
  protected final void decodePeer(AddrBuffer address, InetName out) throws ErrnoException {
    out.decode(address, family());
    if (family() == AF_INET6 && out.isV4() && inetOptions.isV6Only()) {
      throw ENETUNREACH.error();
    }
  }

  // ---- options ----

  @Override
  public void setOption(Caller caller, int level, int name, OptionValue value) throws ErrnoException {
    if (level == SOL_IP) {
      if (name >= InetOptions.IP_ADD_MEMBERSHIP && name <= InetOptions.IP_DROP_MEMBERSHIP
          || name == InetOptions.MCAST_JOIN_GROUP || name == InetOptions.MCAST_LEAVE_GROUP) {
        setMembership(name, value, true);
      } else {
        inetOptions.setIp(caller.creds(), name, value);
      }
    } else if (level == SOL_IPV6 && family() == AF_INET6) {
      if (name == InetOptions.IPV6_ADD_MEMBERSHIP || name == InetOptions.IPV6_DROP_MEMBERSHIP
          || name == InetOptions.MCAST_JOIN_GROUP || name == InetOptions.MCAST_LEAVE_GROUP) {
        setMembership(name, value, false);
      } else {
        inetOptions.setIpv6(caller.creds(), isBound(), name, value);
      }
    } else {
      super.setOption(caller, level, name, value);
    }
  }

  @Override
  public void getOption(Caller caller, int level, int name, OptionValue out) throws ErrnoException {
    if (level == SOL_IP) {
      inetOptions.getIp(isConnected(), name, out);
    } else if (level == SOL_IPV6 && family() == AF_INET6) {
      inetOptions.getIpv6(isConnected(), name, out);
    } else if (level != SOL_SOCKET) {
      throw EOPNOTSUPP.error();
    } else {
      super.getOption(caller, level, name, out);
    }
  }

  /** A multicast membership option; only messages have those. */
  protected void setMembership(int name, OptionValue value, boolean v4) throws ErrnoException {
    throw gvisor.api.errno.Errno.EPROTO.error();
  }
}
