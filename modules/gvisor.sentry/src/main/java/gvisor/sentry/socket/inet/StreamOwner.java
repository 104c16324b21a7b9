package gvisor.sentry.socket.inet;

import gvisor.api.errno.Errno;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.socket.SocketOptions;

/** The socket of a TCP endpoint, as the endpoint sees it. */
public interface StreamOwner {
  WaitQueue queue();

  SocketOptions options();

  InetOptions inetOptions();

  /** AF_INET or AF_INET6. */
  int family();

  /** The effective user who made it: sockets share a port by SO_REUSEPORT only if they are the same user's. */
  int uid();

  /** The inode number of its file. */
  long inode();

  /** Leaves an error for the application and wakes it. */
  void setError(Errno error);

  boolean hasError();

  /** Makes the socket of a connection that a listener's endpoint has taken; the child has an endpoint already. */
  StreamOwner newChild();

  StreamEndpoint endpoint();
}
