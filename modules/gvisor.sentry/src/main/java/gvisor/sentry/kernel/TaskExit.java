package gvisor.sentry.kernel;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FsContext;
import java.util.ArrayList;
import java.util.List;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** The end of a task, and of its process with the last one ({@code man 2 exit}, {@code man 2 exit_group}). */
public final class TaskExit {
  private static final Logger LOG = LogManager.getLogger(TaskExit.class);

  private TaskExit() {}

  /** {@code exit(2)}: this thread ends at the boundary; {@code code} is its exit code. */
  public static void exitThread(Task t, int code) {
    t.exitStatus = (code & 0xff) << 8;
    t.interrupt(Task.WORK_KILL);
  }

  /** {@code exit_group(2)}: every thread ends at its boundary. */
  public static void exitGroup(Task t, int code) {
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      t.group.exitGroup((code & 0xff) << 8);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Ends {@code t}, on its thread, out of the application for good. */
  static void exit(Task t) {
    Kernel kernel = t.kernel();
    ThreadGroup tg = t.group;
    if (t.tracee != null) {
      t.tracee.exitStop();
    }
    try {
      leaveMemory(t);
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      // Whoever waits for the task must not wait forever.
      LOG.error("the memory of task {} was not given back", t, e);
    }
    boolean last;
    kernel.tasksLock.lock();
    try {
      tg.liveTasks--;
      last = tg.liveTasks == 0;
    } finally {
      kernel.tasksLock.unlock();
    }
    if (last) {
      tg.timers.close();
      t.ipc().processExited(tg);
      FileDescription executable = tg.executable;
      tg.executable = null;
      if (executable != null) {
        executable.close();
      }
    }
    try {
      releaseFiles(t);
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      LOG.error("the files of task {} were not given back", t, e);
    }
    if (last && Signals.isInit(tg)) {
      NamespaceDeath.begin(tg);
      NamespaceDeath.awaitEmpty(t);
    }
    finish(t, last);
    if (t.counts != null) {
      t.counts.tasks.getAndDecrement();
    }
    tg.container().unchargeTask();
    kernel.taskCount.getAndDecrement();
  }

  /** Lets go of the memory, after telling whoever waits for words in it. Also for {@code execve}. */
  static void leaveMemory(Task t) {
    MemoryManager mm = t.mm();
    RobustList.die(t);
    long clear = t.clearChildTid;
    if (clear != 0) {
      t.clearChildTid = 0;
      if (mm.users() > 1) {
        try {
          mm.writeInt(clear, 0);
          t.kernel().futexes().wake(mm, clear, false, -1, 1);
        } catch (ErrnoException e) {
          // The address was the application's to choose.
        }
      }
    }
    if (t.context != null) {
      t.context.leave();
    }
    if (mm.users() == 1) {
      t.group.noteResident(mm.peakResident());
    }
    mm.release();
    endVfork(t);
  }

  static void endVfork(Task t) {
    VforkWait wait = t.vforkWait;
    if (wait != null) {
      t.vforkWait = null;
      wait.finish();
    }
  }

  private static void releaseFiles(Task t) {
    FdTable fds = t.fds();
    t.setFds(null);
    fds.release();
    FsContext fs = t.fs();
    t.setFs(null);
    fs.release();
  }

  private static void finish(Task t, boolean last) {
    Kernel kernel = t.kernel();
    ThreadGroup tg = t.group;
    kernel.tasksLock.lock();
    try {
      t.utimeNanos = t.utime();
      t.stimeNanos = t.stime();
      t.dead = true;
      t.pending.discard(-1L);
      tg.container().addDead(t.utimeNanos, t.stimeNanos);
      tg.deadUtime += t.utimeNanos;
      tg.deadStime += t.stimeNanos;
      tg.deadMinorFaults += t.minorFaults;
      tg.deadIo.add(t.io());
      tg.deadVoluntarySwitches += t.voluntarySwitches;
      Signals.stopReached(t);
      sendDeathSignals(t, last);
      if (!tg.exiting && t.isLeader()) {
        tg.exitStatus = t.exitStatus;
      }
      Tracing.tracerDied(t, last);
      if (!t.isLeader() && t.tracee == null) {
        tg.tasks.remove(t);
        t.pid.task = null;
        t.pid.releaseIfUnused();
      } else if (t.tracee != null) {
        t.tracee.tracer().threadGroup().notifyChildEvent();
      }
      tg.exitEvents.notify(EventMask.READABLE);
      if (tg.execTask != null) {
        tg.execTask.waiter().notify(0);
      }
      if (last) {
        becomeZombie(tg);
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Children that asked for it learn of the death of the thread that made them. */
  private static void sendDeathSignals(Task t, boolean last) {
    ThreadGroup tg = t.group;
    for (int i = 0; i < tg.children.size(); i++) {
      ThreadGroup child = tg.children.get(i);
      for (int j = 0; j < child.tasks.size(); j++) {
        Task c = child.tasks.get(j);
        if (c.parentDeathSignal != 0 && (c.creator == t || last)) {
          Signals.send(child, null, SigInfo.user(c.parentDeathSignal, Signal.SI_USER,
              tg.pid().in(child.pid().namespace()), t.creds().uid()), false);
        }
      }
    }
  }

  /** The process is dead: its children get another parent, and its parent is told. */
  private static void becomeZombie(ThreadGroup tg) {
    tg.pending.discard(-1L);
    tg.stopActive = false;
    tg.stopped = false;
    List<ProcessGroup> jobs = reparentChildren(tg);
    leaveSession(tg);
    tg.zombie = true;
    orphanedGroups(tg, jobs);
    announce(tg);
  }

  /** Tells the parent of the death; one that does not care has the zombie reaped at once. */
  static void announce(ThreadGroup tg) {
    Tracee tracee = tg.leader.tracee;
    if (tracee != null && tracee.tracer().threadGroup() != tg.parent) {
      // The tracer sees the end first; the parent is told when it has.
      ThreadGroup tracer = tracee.tracer().threadGroup();
      Signals.send(tracer, null, exitInfo(tg, tracer, Signal.SIGCHLD), false);
      tg.exitEvents.notify(EventMask.READABLE);
      tracer.notifyChildEvent();
      return;
    }
    ThreadGroup parent = tg.parent;
    boolean reap = (parent == null || parent.zombie) && tracee == null;
    if (!reap) {
      if (tg.exitSignal == Signal.SIGCHLD) {
        reap = parent.handlers.handler(Signal.SIGCHLD) == SignalHandlers.SIG_IGN
            || (parent.handlers.flags(Signal.SIGCHLD) & Signal.SA_NOCLDWAIT) != 0;
      }
      if (tg.exitSignal != 0
          && !(reap && parent.handlers.handler(Signal.SIGCHLD) == SignalHandlers.SIG_IGN)) {
        Signals.send(parent, null, exitInfo(tg, parent, tg.exitSignal), false);
      }
    }
    tg.exitEvents.notify(EventMask.READABLE);
    if (reap) {
      reap(tg);
    }
    if (parent != null) {
      parent.notifyChildEvent();
    }
  }

  private static SigInfo exitInfo(ThreadGroup tg, ThreadGroup parent, int signo) {
    int status = tg.exitStatus;
    int signal = status & 0x7f;
    int code = signal == 0 ? Signal.CLD_EXITED : (status & 0x80) != 0 ? Signal.CLD_DUMPED : Signal.CLD_KILLED;
    return Signals.childInfo(tg, parent, signo, code, signal == 0 ? status >> 8 & 0xff : signal);
  }

  /** Forgets a zombie. The lock is held. */
  static void reap(ThreadGroup tg) {
    if (tg.reaped) {
      return;
    }
    tg.reaped = true;
    ThreadGroup parent = tg.parent;
    if (parent != null) {
      parent.children.remove(tg);
    }
    for (Task t : tg.tasks) {
      if (!t.isLeader()) {
        t.pid.task = null;
        t.pid.releaseIfUnused();
      }
    }
    tg.group.remove(tg);
    Pid pid = tg.pid();
    pid.task = null;
    if (pid.namespace().init == tg) {
      pid.namespace().dying = true;
    }
    pid.releaseIfUnused();
    NamespaceDeath.reaped(tg);
  }

  /** Gives the children to another parent; their groups, in which a job may have lost who could continue it. */
  private static List<ProcessGroup> reparentChildren(ThreadGroup tg) {
    List<ProcessGroup> jobs = List.of();
    if (tg.children.isEmpty()) {
      return jobs;
    }
    ThreadGroup heir = heirOf(tg);
    boolean told = false;
    ProcessGroup last = tg.group;
    for (int i = tg.children.size() - 1; i >= 0; i--) {
      ThreadGroup child = tg.children.get(i);
      tg.children.remove(i);
      child.parent = heir;
      child.exitSignal = Signal.SIGCHLD;
      if (heir != null) {
        heir.children.add(child);
      }
      if (child.group != last && child.group != tg.group) {
        jobs = jobs.isEmpty() ? new ArrayList<>() : jobs;
        jobs.add(child.group);
        last = child.group;
      }
      if (child.zombie) {
        announce(child);
        told = true;
      }
    }
    if (told && heir != null) {
      heir.notifyChildEvent();
    }
    return jobs;
  }

  /** Who adopts the children: the nearest subreaper, else the first process of the namespace. */
  private static ThreadGroup heirOf(ThreadGroup tg) {
    PidNamespace ns = tg.pid().namespace();
    if (tg.hasSubreaperAncestor) {
      for (ThreadGroup p = tg.parent; p != null && p.pid().namespace() == ns; p = p.parent) {
        if (p.isSubreaper && !p.zombie && !p.exiting) {
          return p;
        }
        if (p == ns.init) {
          break;
        }
      }
    }
    ThreadGroup init = ns.init;
    return init == tg || init == null || init.zombie ? null : init;
  }

  private static void leaveSession(ThreadGroup tg) {
    Session session = tg.group.session();
    if (session.leader() == tg && session.terminal != null) {
      session.terminal.disassociate();
    }
  }

  /** Stopped jobs that nobody can continue any more are hung up and continued ({@code man 3 setpgid}). */
  private static void orphanedGroups(ThreadGroup tg, List<ProcessGroup> jobs) {
    hangupIfOrphaned(tg.group, tg.parent, tg);
    for (ProcessGroup job : jobs) {
      hangupIfOrphaned(job, tg, null);
    }
  }

  private static void hangupIfOrphaned(ProcessGroup group, ThreadGroup wasParent, ThreadGroup leaving) {
    boolean mattered = wasParent != null && wasParent.group != group && wasParent.group.session() == group.session();
    if (mattered && group.hasStopped() && group.isOrphaned(leaving)) {
      Signals.sendToProcessGroup(group, Signal.SIGHUP);
      Signals.sendToProcessGroup(group, Signal.SIGCONT);
    }
  }
}
