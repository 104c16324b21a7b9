package gvisor.gofer;

/**
 * What a peer may reach through names of its attach points that are no files.
 *
 * @param connects sockets that processes of the host have bound
 * @param binds new sockets, which processes of the host can connect to
 * @param fifos fifos, whose other end a process of the host may have
 */
public record HostAccess(boolean connects, boolean binds, boolean fifos) {
  /** Files alone. */
  public static final HostAccess NONE = new HostAccess(false, false, false);
}
