package gvisor.sentry.socket;

import static gvisor.api.errno.Errno.EOPNOTSUPP;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;

/** Makes the sockets of one address family. */
public interface SocketFamily {
  /** AF_*. */
  int number();

  /**
   * {@code socket(2)}.
   *
   * @param type SOCK_* without flags, in range
   * @throws ErrnoException ESOCKTNOSUPPORT, EPROTONOSUPPORT, EPERM
   */
  Socket create(Caller caller, NetNamespace net, int type, int protocol) throws ErrnoException;

  /** What a new network namespace has of this family: names, ports. Found again by {@link NetNamespace#state}. */
  default Object newState(NetNamespace net) {
    return null;
  }

  /** {@code socketpair(2)}: two connected sockets into {@code pair}. */
  default void createPair(Caller caller, NetNamespace net, int type, int protocol, Socket[] pair)
      throws ErrnoException {
    throw EOPNOTSUPP.error();
  }
}
