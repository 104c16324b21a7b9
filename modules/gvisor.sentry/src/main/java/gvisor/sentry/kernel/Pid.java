package gvisor.sentry.kernel;

/**
 * A process id: one number in each PID namespace from its own up to the first. It lives as long as a task, a process
 * group or a session is called by it, so that none of its numbers is given out again before. Like Linux
 * {@code struct pid}. Guarded by {@link Kernel#tasksLock}; the numbers never change.
 */
public final class Pid {
  private final PidNamespace namespace;
  private final int[] numbers;

  /** The task of this id, or null when it has been reaped. */
  Task task;

  /** The process group called by this id, or null. */
  ProcessGroup group;

  /** The session called by this id, or null. */
  Session session;

  Pid(PidNamespace namespace, int[] numbers) {
    this.namespace = namespace;
    this.numbers = numbers;
  }

  /** The innermost namespace it is visible in. */
  public PidNamespace namespace() {
    return namespace;
  }

  /** The number in the innermost namespace. */
  public int number() {
    return numbers[numbers.length - 1];
  }

  /** The number as {@code viewer} sees it, or 0 where it is not visible. */
  public int in(PidNamespace viewer) {
    int level = viewer.level();
    if (level >= numbers.length) {
      return 0;
    }
    PidNamespace ns = namespace;
    while (ns.level() > level) {
      ns = ns.parent();
    }
    return ns == viewer ? numbers[level] : 0;
  }

  /** Gives the numbers back if nobody is called by them any more. */
  void releaseIfUnused() {
    if (task != null || group != null || session != null) {
      return;
    }
    PidNamespace ns = namespace;
    for (int level = numbers.length - 1; level >= 0; level--) {
      ns.remove(numbers[level]);
      ns = ns.parent();
    }
  }
}
