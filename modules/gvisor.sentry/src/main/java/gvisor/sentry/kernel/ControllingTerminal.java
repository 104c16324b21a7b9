package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOTTY;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;

/**
 * What job control knows of a terminal: whose it is and which group is in the foreground ({@code man 4 tty_ioctl}).
 * Each terminal has one. Every method takes {@link Kernel#tasksLock}: call it without a lock of the terminal's own.
 */
public final class ControllingTerminal {
  /** A terminal, as the kernel sees it. */
  public interface Device {
    /** Its number, as {@code /proc/[pid]/stat} shows it. */
    long rdev();

    /**
     * Who has it open reads end of file, and its session loses it. Takes {@link Kernel#tasksLock} and locks of the
     * device's own: call it with none.
     */
    void hangup();
  }

  private final Kernel kernel;
  private final Device device;

  /** Whose terminal it is, or null. Guarded by {@link Kernel#tasksLock}. */
  Session session;

  /** The group in the foreground, or null. Guarded by {@link Kernel#tasksLock}. */
  ProcessGroup foreground;

  public ControllingTerminal(Kernel kernel, Device device) {
    this.kernel = kernel;
    this.device = device;
  }

  /** The controlling terminal of {@code task}'s session, or null. */
  public static ControllingTerminal of(Task task) {
    return of(task.threadGroup());
  }

  /** The controlling terminal of {@code process}' session, or null. */
  public static ControllingTerminal of(ThreadGroup process) {
    process.kernel().tasksLock.lock();
    try {
      ProcessGroup group = process.group;
      return group == null ? null : group.session().terminal;
    } finally {
      process.kernel().tasksLock.unlock();
    }
  }

  /** The terminal. */
  public Device device() {
    return device;
  }

  /** Whether it is {@code task}'s controlling terminal. */
  public boolean isControlling(Task task) {
    kernel.tasksLock.lock();
    try {
      return session != null && task.threadGroup().group.session() == session;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** What opening it without O_NOCTTY does: it becomes the controlling terminal of a leader that has none. */
  public void acquireOnOpen(Task task) {
    kernel.tasksLock.lock();
    try {
      Session s = task.threadGroup().group.session();
      if (s.leader() == task.threadGroup() && s.terminal == null && session == null) {
        attach(s, task.threadGroup());
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** {@code TIOCSCTTY}; EPERM unless a session leader without terminal takes one that nobody has, or root steals it. */
  public void acquire(Task task, boolean steal) throws ErrnoException {
    kernel.tasksLock.lock();
    try {
      Session s = task.threadGroup().group.session();
      if (s.leader() == task.threadGroup() && session == s) {
        return;
      }
      if (s.leader() != task.threadGroup() || s.terminal != null) {
        throw EPERM.error();
      }
      if (session != null) {
        if (!steal || !task.creds().has(Capability.CAP_SYS_ADMIN)) {
          throw EPERM.error();
        }
        session.terminal = null;
      }
      attach(s, task.threadGroup());
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private void attach(Session s, ThreadGroup leader) {
    session = s;
    s.terminal = this;
    foreground = leader.group;
  }

  /** {@code TIOCNOTTY}: a leader gives it up for its session, with SIGHUP and SIGCONT to the foreground. */
  public void release(Task task) throws ErrnoException {
    kernel.tasksLock.lock();
    try {
      Session s = task.threadGroup().group.session();
      if (session == null || s != session) {
        throw ENOTTY.error();
      }
      if (s.leader() == task.threadGroup()) {
        disassociate();
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** The other end hung up: SIGHUP and SIGCONT to the leader and the foreground, and it is nobody's any more. */
  public void hangup() {
    kernel.tasksLock.lock();
    try {
      if (session == null) {
        return;
      }
      ThreadGroup leader = session.leader();
      if (!leader.isZombie() && leader.group != foreground) {
        Signals.sendToGroup(leader, SigInfo.kernel(Signal.SIGHUP));
        Signals.sendToGroup(leader, SigInfo.kernel(Signal.SIGCONT));
      }
      disassociate();
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Its session has lost it. The lock is held. */
  void disassociate() {
    ProcessGroup front = foreground;
    session.terminal = null;
    session = null;
    foreground = null;
    if (front != null) {
      Signals.sendToProcessGroup(front, Signal.SIGHUP);
      Signals.sendToProcessGroup(front, Signal.SIGCONT);
    }
  }

  /** {@code TIOCGPGRP}: the foreground group's id as {@code task} sees it, 0 for none; ENOTTY if not its terminal. */
  public int foregroundGroup(Task task) throws ErrnoException {
    kernel.tasksLock.lock();
    try {
      requireControlling(task);
      return foreground == null ? 0 : foreground.id().in(task.pidNamespace());
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** {@code TIOCGSID}: the session's id as {@code task} sees it. */
  public int sessionId(Task task) throws ErrnoException {
    kernel.tasksLock.lock();
    try {
      requireControlling(task);
      return session.id().in(task.pidNamespace());
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** The foreground group's id in {@code viewer}, 0 for none: for the other end, and {@code /proc/[pid]/stat}. */
  public int foregroundIn(PidNamespace viewer) {
    kernel.tasksLock.lock();
    try {
      return foreground == null ? 0 : foreground.id().in(viewer);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** The session's id in {@code viewer}, 0 for none: for the other end. */
  public int sessionIn(PidNamespace viewer) {
    kernel.tasksLock.lock();
    try {
      return session == null ? 0 : session.id().in(viewer);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /**
   * {@code TIOCSPGRP}. A background process is stopped with SIGTTOU first.
   *
   * @return 0, or a {@link Restart} code to return
   * @throws ErrnoException ENOTTY, EINVAL, ESRCH, EPERM; EIO from an orphaned group
   */
  public long setForegroundGroup(Task task, int pgid) throws ErrnoException {
    kernel.tasksLock.lock();
    try {
      requireControlling(task);
      long stop = checkBackground(task, Signal.SIGTTOU);
      if (stop != 0) {
        return stop;
      }
      if (pgid < 0) {
        throw EINVAL.error();
      }
      ProcessGroup target = task.pidNamespace().processGroup(pgid);
      if (target == null) {
        throw ESRCH.error();
      }
      if (target.session() != session) {
        throw EPERM.error();
      }
      foreground = target;
      return 0;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /**
   * Whether {@code task} may read ({@code SIGTTIN}) or write or change ({@code SIGTTOU}) the terminal now. A process in
   * the background gets the signal, and the call is to be restarted.
   *
   * @return 0 to go on, or a {@link Restart} code to return
   * @throws ErrnoException EIO: nobody could continue the process, so it is not stopped
   */
  public long checkBackground(Task task, int signo) throws ErrnoException {
    kernel.tasksLock.lock();
    try {
      ThreadGroup tg = task.threadGroup();
      if (session == null || tg.group.session() != session || foreground == null || tg.group == foreground) {
        return 0;
      }
      boolean ignored = Signal.has(task.signalMask(), signo)
          || tg.handlers.handler(signo) == SignalHandlers.SIG_IGN;
      if (ignored) {
        if (signo == Signal.SIGTTIN) {
          throw EIO.error();
        }
        return 0;
      }
      if (tg.group.isOrphaned(null)) {
        throw EIO.error();
      }
      Signals.sendToProcessGroup(tg.group, signo);
      return Restart.ERESTARTSYS;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Sends a signal from the keyboard, or SIGWINCH, to the foreground. */
  public void signalForeground(int signo) {
    kernel.tasksLock.lock();
    try {
      if (foreground != null) {
        Signals.sendToProcessGroup(foreground, signo);
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private void requireControlling(Task task) throws ErrnoException {
    if (session == null || task.threadGroup().group.session() != session) {
      throw ENOTTY.error();
    }
  }
}
