package gvisor.sentry.boot;

/**
 * Whose namespaces a new container shares: each is the id of a container of the same sandbox, or null for a namespace
 * of its own. A mount namespace is always its own.
 */
public record Sharing(String pids, String uts, String ipc, String net) {
  /** Shares nothing. */
  public static final Sharing NOTHING = new Sharing(null, null, null, null);
}
