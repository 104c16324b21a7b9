package gvisor.sentry.socket.inet;

import gvisor.api.errno.Errno;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.socket.SocketOptions;

/** The socket of a UDP endpoint, as the endpoint sees it. */
public interface DatagramOwner {
  WaitQueue queue();

  SocketOptions options();

  InetOptions inetOptions();

  /** IPPROTO_UDP or IPPROTO_UDPLITE. */
  int protocol();

  /** AF_INET or AF_INET6. */
  int family();

  /** As {@link StreamOwner#uid}. */
  int uid();

  /** The inode number of its file. */
  long inode();

  /** A message to {@code to} that began with {@code quoted} found nobody at its port. */
  void refused(InetName to, byte[] quoted);

  /** Leaves an error for the application and wakes it. */
  void setError(Errno error);

  /** The wall clock, for time stamps of messages; nanoseconds since the epoch. */
  long realtimeNanos();
}
