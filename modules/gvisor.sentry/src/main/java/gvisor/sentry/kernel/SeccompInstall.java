package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.seccomp.SeccompFilter;

/** Puts a task under seccomp, or with TSYNC all threads of its process at once. */
public final class SeccompInstall {
  private SeccompInstall() {}

  /** Strict mode: read, write, exit and sigreturn. */
  public static void strict(Task t) {
    t.seccomp = new Seccomp(Seccomp.MODE_STRICT, null);
    t.syscallTrace = true;
  }

  /**
   * Adds a filter.
   *
   * @param sync to every thread of the process: those must have no other filters than the caller
   * @param esrch whether a thread that cannot follow is ESRCH instead of its id being returned
   * @return 0, or the id of a thread that has other filters
   * @throws ErrnoException EINVAL or ENOMEM for the program
   */
  public static long filter(Task t, long[] instructions, boolean log, boolean sync, boolean esrch)
      throws ErrnoException {
    SeccompFilter before = t.seccomp == null ? null : t.seccomp.filter();
    Seccomp next = new Seccomp(Seccomp.MODE_FILTER, SeccompFilter.install(instructions, before, log));
    if (!sync) {
      t.seccomp = next;
      t.syscallTrace = true;
      return 0;
    }
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      for (Task other : t.group.tasks) {
        Seccomp theirs = other.seccomp;
        if (other == t || other.dead || theirs == null) {
          continue;
        }
        boolean follows = theirs.filter() != null && before != null && before.descendsFrom(theirs.filter());
        if (!follows) {
          if (esrch) {
            throw ESRCH.error();
          }
          return other.pid.in(t.pidNamespace());
        }
      }
      for (Task other : t.group.tasks) {
        if (!other.dead) {
          other.seccomp = next;
          other.syscallTrace = true;
          if (t.creds().noNewPrivs() && other != t) {
            other.forceNoNewPrivs();
          }
        }
      }
      return 0;
    } finally {
      kernel.tasksLock.unlock();
    }
  }
}
