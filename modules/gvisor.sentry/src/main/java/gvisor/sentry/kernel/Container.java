package gvisor.sentry.kernel;

/** The processes of one OCI container: what is paused and killed together. */
public final class Container {
  private final String id;
  private volatile boolean paused;

  public Container(String id) {
    this.id = id;
  }

  /** The OCI id. */
  public String id() {
    return id;
  }

  /** Whether its tasks stop at the next boundary. */
  public boolean isPaused() {
    return paused;
  }

  void setPaused(boolean on) {
    paused = on;
  }
}
