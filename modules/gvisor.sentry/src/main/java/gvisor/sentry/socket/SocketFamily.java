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
  Socket create(Caller caller, Network net, int type, int protocol) throws ErrnoException;

  /** What a new network namespace has of this family: names, ports. Found again by {@link Network#state}. */
  default Object newState(Network net) {
    return null;
  }

  /** {@code socketpair(2)}: two connected sockets into {@code pair}. */
  default void createPair(Caller caller, Network net, int type, int protocol, Socket[] pair)
      throws ErrnoException {
    throw EOPNOTSUPP.error();
  }
}
