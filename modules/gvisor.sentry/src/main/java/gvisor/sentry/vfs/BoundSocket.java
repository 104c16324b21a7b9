package gvisor.sentry.vfs;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;

/**
 * What {@code bind(2)} to a path has made.
 *
 * @param path the node
 * @param host what processes of the host connect to, the caller's own; null where the name is one of this kernel alone
 */
public record BoundSocket(Path path, Host host) {
  /** A node, and the socket of the host that is bound to it, if there is one. */
  public record Node(Inode inode, Host host) {}

  /** A socket that is bound on the host. Thread-safe but for {@link #close}, which its owner calls last. */
  public interface Host extends AutoCloseable {
    /** The socket; stays owned by this. */
    HostFd fd();

    /** {@code listen(2)}. */
    void listen(int backlog) throws ErrnoException;

    @Override
    void close();
  }
}
