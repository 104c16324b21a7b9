package gvisor.gofer;

import gvisor.api.errno.ErrnoException;
import gvisor.host.HostFile;
import gvisor.host.P9Socket;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A 9P2000.L file server for one container. It opens its attach points when it is made, so that the process may give up
 * its root directory, mounts and privileges before it serves.
 */
public final class Gofer implements AutoCloseable {
  /** An attach point that is open. */
  record Root(String name, HostFile file, boolean readOnly) {}

  private final List<Root> roots = new ArrayList<>();
  private final HostAccess access;

  /** As the other, for files alone. */
  public Gofer(List<AttachPoint> points) throws IOException {
    this(points, HostAccess.NONE);
  }

  /**
   * Opens the attach points.
   *
   * @param access what the peer may reach beside files
   * @throws IOException that names the path that cannot be opened, and why, in one line
   */
  public Gofer(List<AttachPoint> points, HostAccess access) throws IOException {
    this.access = access;
    for (AttachPoint p : points) {
      try {
        roots.add(new Root(p.name(), HostFile.open(p.path()), p.readOnly()));
      } catch (ErrnoException e) {
        close();
        throw new IOException(p.path() + ": " + e.errno().message().toLowerCase(java.util.Locale.ROOT), e);
      }
    }
  }

  /**
   * Serves the peer at the other end of {@code socket} until it closes its end or sends what is no message. Owns the
   * socket. A process umask of 0 saves a call for each file that is made.
   */
  public void serve(P9Socket socket) {
    try (Session session = new Session(socket, roots, access)) {
      session.run();
    }
  }

  @Override
  public void close() {
    for (Root r : roots) {
      r.file().close();
    }
    roots.clear();
  }
}
