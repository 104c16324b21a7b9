package gvisor.api.host;

import gvisor.api.errno.ErrnoException;

/** Sockets of the host's network, which somebody else makes for the Sentry. Any thread. */
public interface HostNetwork {
  /**
   * {@code socket(2)}: a socket that never waits.
   *
   * @param family AF_INET or AF_INET6
   * @param type SOCK_*, without flags
   * @throws ErrnoException what the host gives; EPERM for what is not made for anybody
   */
  HostSocket socket(int family, int type, int protocol) throws ErrnoException;
}
