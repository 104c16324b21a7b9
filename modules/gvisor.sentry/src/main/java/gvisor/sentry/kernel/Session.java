package gvisor.sentry.kernel;

/** Process groups that share a controlling terminal ({@code man 2 setsid}). Guarded by {@link Kernel#tasksLock}. */
public final class Session {
  private final Pid id;
  private final ThreadGroup leader;
  private volatile int nice;
  int groupCount;

  /** The controlling terminal, or null. */
  ControllingTerminal terminal;

  Session(Pid id, ThreadGroup leader) {
    this.id = id;
    this.leader = leader;
    id.session = this;
  }

  public Pid id() {
    return id;
  }

  /** {@code /proc/[pid]/autogroup}: stored and reported. */
  public int nice() {
    return nice;
  }

  public void setNice(int value) {
    nice = value;
  }

  /** The process that made it; it may be gone. */
  public ThreadGroup leader() {
    return leader;
  }

  /** The controlling terminal, or null. */
  public ControllingTerminal terminal() {
    return terminal;
  }

  void groupGone() {
    groupCount--;
    if (groupCount == 0) {
      if (terminal != null) {
        terminal.session = null;
        terminal.foreground = null;
        terminal = null;
      }
      id.session = null;
      id.releaseIfUnused();
    }
  }
}
