package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.ECHILD;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;

/** One wait for children: what {@code man 2 wait4} and {@code man 2 waitid} ask for, and what they get. */
public final class TaskWait {
  public static final int WNOHANG = 1;
  public static final int WUNTRACED = 2;
  public static final int WEXITED = 4;
  public static final int WCONTINUED = 8;
  public static final int WNOWAIT = 0x01000000;
  public static final int WNOTHREAD = 0x20000000;
  public static final int WALL = 0x40000000;
  public static final int WCLONE = 0x80000000;

  private static final int STOPPED = 0x7f;
  private static final int CONTINUED = 0xffff;

  private final Task task;
  private final int options;
  /** Only this one, or null. */
  private final Pid wantedPid;
  /** Only this group's members, or null. */
  private final ProcessGroup wantedGroup;

  /** The child's id as the caller sees it, 0 for none. */
  public int pid;
  public int uid;
  /** The wait status, {@code man 2 wait}. */
  public int status;
  /** CLD_*, and what goes with it: exit code or signal. */
  public int code;
  public int codeStatus;
  /** Of the child and its children that it waited for, in nanoseconds. */
  public long utimeNanos;
  public long stimeNanos;
  public long maxRssBytes;
  public long minorFaults;

  private boolean eligible;

  public TaskWait(Task task, int options, Pid wantedPid, ProcessGroup wantedGroup) {
    this.task = task;
    this.options = options;
    this.wantedPid = wantedPid;
    this.wantedGroup = wantedGroup;
  }

  /**
   * Waits.
   *
   * @return 0 with {@link #pid} set, 0 without when WNOHANG found nobody, or a {@link Restart} code
   * @throws ErrnoException ECHILD
   */
  public long run() throws ErrnoException {
    ThreadGroup tg = task.threadGroup();
    if (scan(tg)) {
      return 0;
    }
    if ((options & WNOHANG) != 0) {
      return 0;
    }
    tg.childEvents.register(task.waiter(), EventMask.ALL);
    try {
      // A child that ended counts before the SIGCHLD it caused: the caller gets it without a restart.
      while (!scan(tg)) {
        if (task.hasPendingInterrupt()) {
          return Restart.ERESTARTSYS;
        }
        task.block(Task.FOREVER);
      }
      return 0;
    } finally {
      tg.childEvents.unregister(task.waiter());
    }
  }

  private boolean scan(ThreadGroup tg) throws ErrnoException {
    Kernel kernel = task.kernel();
    kernel.tasksLock.lock();
    try {
      eligible = false;
      for (int i = 0; i < tg.tracees.size(); i++) {
        if (consumeTracee(tg.tracees.get(i))) {
          return true;
        }
      }
      for (int i = 0; i < tg.children.size(); i++) {
        if (consume(tg.children.get(i))) {
          return true;
        }
      }
    } finally {
      kernel.tasksLock.unlock();
    }
    if (!eligible) {
      throw ECHILD.error();
    }
    return false;
  }

  private boolean matches(Pid id, ThreadGroup group) {
    return (wantedPid == null || wantedPid == id) && (wantedGroup == null || group.group == wantedGroup);
  }

  private boolean consume(ThreadGroup child) {
    if (!matches(child.pid(), child)) {
      return false;
    }
    if ((options & WNOTHREAD) != 0 && child.leader.creator != task) {
      return false;
    }
    boolean cloned = child.exitSignal != Signal.SIGCHLD;
    if ((options & WALL) == 0 && cloned != ((options & WCLONE) != 0)) {
      return false;
    }
    eligible = true;
    Tracee tracee = child.leader.tracee;
    if (tracee != null && tracee.tracer().threadGroup() != task.threadGroup()) {
      // The tracer sees the end first, and stops are its business.
      return false;
    }
    if (child.zombie) {
      return (options & WEXITED) != 0 && exited(child);
    }
    if ((options & WUNTRACED) != 0 && child.stopUnreported && tracee == null) {
      report(child, child.leader, child.stopSignal << 8 | STOPPED, Signal.CLD_STOPPED, child.stopSignal);
      if ((options & WNOWAIT) == 0) {
        child.stopUnreported = false;
      }
      return true;
    }
    if ((options & WCONTINUED) != 0 && child.continueUnreported) {
      report(child, child.leader, CONTINUED, Signal.CLD_CONTINUED, Signal.SIGCONT);
      if ((options & WNOWAIT) == 0) {
        child.continueUnreported = false;
      }
      return true;
    }
    return false;
  }

  private boolean exited(ThreadGroup child) {
    int s = child.exitStatus;
    int signal = s & 0x7f;
    int how = signal == 0 ? Signal.CLD_EXITED : (s & 0x80) != 0 ? Signal.CLD_DUMPED : Signal.CLD_KILLED;
    report(child, child.leader, s, how, signal == 0 ? s >> 8 & 0xff : signal);
    if ((options & WNOWAIT) == 0) {
      ThreadGroup tg = task.threadGroup();
      tg.childUtime += child.deadUtime + child.childUtime;
      tg.childStime += child.deadStime + child.childStime;
      tg.childMinorFaults += child.deadMinorFaults + child.childMinorFaults;
      tg.childMaxRssBytes = Math.max(tg.childMaxRssBytes, Math.max(child.maxRssBytes, child.childMaxRssBytes));
      Tracee tracee = child.leader.tracee;
      if (tracee != null && child.parent != tg) {
        // The real parent has yet to be told.
        Tracing.detachDead(child.leader);
        TaskExit.announce(child);
      } else {
        if (tracee != null) {
          Tracing.detachDead(child.leader);
        }
        TaskExit.reap(child);
      }
    }
    return true;
  }

  private boolean consumeTracee(Task tracee) {
    if (!matches(tracee.pid, tracee.group)) {
      return false;
    }
    eligible = true;
    if (tracee.dead) {
      if ((options & WEXITED) == 0) {
        return false;
      }
      if (tracee.isLeader()) {
        return tracee.group.zombie && exited(tracee.group);
      }
      report(tracee.group, tracee, tracee.exitStatus, Signal.CLD_EXITED, tracee.exitStatus >> 8 & 0xff);
      if ((options & WNOWAIT) == 0) {
        Tracing.detachDead(tracee);
        Tracing.reapThread(tracee);
      }
      return true;
    }
    int stop = tracee.tracee.unreportedStop((options & WNOWAIT) == 0);
    if (stop == 0) {
      return false;
    }
    report(tracee.group, tracee, stop << 8 | STOPPED, Signal.CLD_TRAPPED, stop);
    return true;
  }

  private void report(ThreadGroup child, Task which, int waitStatus, int cldCode, int cldStatus) {
    pid = which.pid.in(task.pidNamespace());
    uid = which.creds().uid();
    status = waitStatus;
    code = cldCode;
    codeStatus = cldStatus;
    utimeNanos = child.utime() + child.childUtime;
    stimeNanos = child.stime() + child.childStime;
    maxRssBytes = Math.max(child.maxRssBytes, child.childMaxRssBytes);
    minorFaults = child.deadMinorFaults + child.childMinorFaults;
  }
}
