package gvisor.sentry.kernel;

/** Ends of traces. The lock is held in every method. */
final class Tracing {
  private Tracing() {}

  static void tracerDied(Task t, boolean last) {}

  static void detachDead(Task tracee) {
    tracee.tracee = null;
  }

  static void reapThread(Task t) {
    t.group.tasks.remove(t);
    t.pid.task = null;
    t.pid.releaseIfUnused();
  }
}
