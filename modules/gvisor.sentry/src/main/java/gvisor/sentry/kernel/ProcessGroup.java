package gvisor.sentry.kernel;

import java.util.ArrayList;
import java.util.List;

/**
 * A job: the processes a terminal signals together ({@code man 7 credentials}). Guarded by {@link Kernel#tasksLock}.
 */
public final class ProcessGroup {
  private final Pid id;
  private final Session session;
  final List<ThreadGroup> members = new ArrayList<>(2);

  ProcessGroup(Pid id, Session session) {
    this.id = id;
    this.session = session;
    id.group = this;
    session.groupCount++;
  }

  public Pid id() {
    return id;
  }

  public Session session() {
    return session;
  }

  void add(ThreadGroup member) {
    members.add(member);
  }

  void remove(ThreadGroup member) {
    members.remove(member);
    if (members.isEmpty()) {
      id.group = null;
      id.releaseIfUnused();
      session.groupGone();
    }
  }

  /**
   * Whether no member has a parent in another group of the same session, so that nobody would continue it after a stop.
   *
   * @param leaving a member that is not to be counted, or null
   */
  boolean isOrphaned(ThreadGroup leaving) {
    for (ThreadGroup member : members) {
      ThreadGroup parent = member.parent;
      if (member != leaving && !member.isZombie() && parent != null && parent.group != this
          && parent.group.session == session) {
        return false;
      }
    }
    return true;
  }

  /** Whether a member is stopped. */
  boolean hasStopped() {
    for (ThreadGroup member : members) {
      if (member.isStopped()) {
        return true;
      }
    }
    return false;
  }
}
