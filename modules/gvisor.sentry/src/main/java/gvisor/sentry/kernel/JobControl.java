package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;

/** Process groups and sessions ({@code man 2 setpgid}, {@code man 2 setsid}). */
public final class JobControl {
  private JobControl() {}

  /** The process {@code pid}, 0 for the caller's own; ESRCH. */
  public static ThreadGroup find(Task t, int pid) throws ErrnoException {
    if (pid == 0) {
      return t.threadGroup();
    }
    Task found = t.pidNamespace().task(pid);
    if (found == null) {
      throw ESRCH.error();
    }
    return found.threadGroup();
  }

  /** {@code setpgid(2)}. */
  public static void setProcessGroup(Task t, int pid, int pgid) throws ErrnoException {
    if (pgid < 0) {
      throw EINVAL.error();
    }
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      ThreadGroup caller = t.group;
      ThreadGroup target = caller;
      if (pid != 0) {
        Task found = t.pidNamespace().task(pid);
        if (found == null || found.group != caller && found.group.parent != caller) {
          throw ESRCH.error();
        }
        if (!found.isLeader()) {
          throw EINVAL.error();
        }
        target = found.group;
      }
      Session session = target.group.session();
      if (session.leader() == target || session != caller.group.session()) {
        throw EPERM.error();
      }
      if (target != caller && target.hasExecuted) {
        throw EACCES.error();
      }
      ProcessGroup to;
      if (pgid == 0 || pgid == target.pid().in(t.pidNamespace())) {
        to = target.pid().group != null ? target.pid().group : new ProcessGroup(target.pid(), session);
      } else {
        to = t.pidNamespace().processGroup(pgid);
        if (to == null || to.session() != session) {
          throw EPERM.error();
        }
      }
      move(target, to);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private static void move(ThreadGroup target, ProcessGroup to) {
    ProcessGroup from = target.group;
    if (from != to) {
      target.group = to;
      to.add(target);
      from.remove(target);
    }
  }

  /** {@code setsid(2)}: the new session's id. */
  public static long newSession(Task t) throws ErrnoException {
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      ThreadGroup tg = t.group;
      if (tg.pid().group != null) {
        throw EPERM.error();
      }
      startSession(tg);
      return tg.pid().number();
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Puts {@code tg}, whose id names no group yet, into a session and group of its own. The lock is held. */
  static void startSession(ThreadGroup tg) {
    Session session = new Session(tg.pid(), tg);
    ProcessGroup group = new ProcessGroup(tg.pid(), session);
    ProcessGroup from = tg.group;
    tg.group = group;
    group.add(tg);
    if (from != null) {
      from.remove(tg);
    }
  }
}
