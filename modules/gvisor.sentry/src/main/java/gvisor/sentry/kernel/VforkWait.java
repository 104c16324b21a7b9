package gvisor.sentry.kernel;

/** A parent that waits until its vfork child has its own memory or is dead. */
final class VforkWait {
  private final Task parent;
  private volatile boolean done;

  VforkWait(Task parent) {
    this.parent = parent;
  }

  /** The child let go. */
  void finish() {
    done = true;
    parent.waiter().notify(0);
  }

  /** Waits on the parent's thread; false when the parent is killed first. */
  boolean await() {
    while (!done) {
      if (parent.blockKillable() == Task.INTERRUPTED) {
        return done;
      }
    }
    return true;
  }
}
