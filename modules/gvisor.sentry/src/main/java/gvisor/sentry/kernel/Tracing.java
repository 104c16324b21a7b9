package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.MemorySegment;

/** Beginnings and ends of traces ({@code man 2 ptrace}). */
public final class Tracing {
  private Tracing() {}

  /** PTRACE_TRACEME: the thread that made this one traces it. */
  public static void traceMe(Task t) throws ErrnoException {
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      ThreadGroup parent = t.group.parent;
      if (t.tracee != null || parent == null) {
        throw EPERM.error();
      }
      Task tracer = t.creator != null && !t.creator.dead && t.creator.group == parent ? t.creator : parent.leader;
      begin(t, tracer, false, 0);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** PTRACE_ATTACH, which stops the tracee with SIGSTOP, or PTRACE_SEIZE, which does not stop it. */
  public static void attach(Task tracer, int tid, boolean seize, int options) throws ErrnoException {
    Kernel kernel = tracer.kernel();
    kernel.tasksLock.lock();
    try {
      Task t = tracer.pidNamespace().task(tid);
      if (t == null || t.dead) {
        throw ESRCH.error();
      }
      if (t.group == tracer.group || t.tracee != null) {
        throw EPERM.error();
      }
      PtraceAccess.check(tracer, t);
      if (seize && (options & ~Tracee.OPTIONS) != 0) {
        throw EIO.error();
      }
      begin(t, tracer, seize, options);
      if (!seize) {
        Signals.send(t.group, t, SigInfo.user(Signal.SIGSTOP, Signal.SI_USER, 0, 0), true);
      }
      if (t.stopped || t.group.stopActive) {
        t.interrupt(Task.WORK_TRACE);
        t.kick();
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private static void begin(Task t, Task tracer, boolean seized, int options) {
    t.tracee = new Tracee(t, tracer, seized, options);
    t.syscallTrace = true;
    tracer.group.tracees.add(t);
  }

  /** The tracee {@code tid} of {@code tracer}, in a stop if {@code inStop}; ESRCH otherwise. */
  public static Tracee find(Task tracer, int tid, boolean inStop) throws ErrnoException {
    Task t = tracer.pidNamespace().task(tid);
    Tracee tracee = t == null ? null : t.tracee;
    if (tracee == null || tracee.tracer() != tracer || inStop && !tracee.isStopped()) {
      throw ESRCH.error();
    }
    return tracee;
  }

  /** Lets a stopped tracee go on. EIO for a signal that is none. */
  public static void resume(Tracee tracee, Tracee.Resume how, int signo) throws ErrnoException {
    if (signo < 0 || signo > Signal.MAX) {
      throw EIO.error();
    }
    Kernel kernel = tracee.task().kernel();
    kernel.tasksLock.lock();
    try {
      if (!tracee.isStopped() || how == Tracee.Resume.LISTEN && !tracee.isSeized()) {
        throw how == Tracee.Resume.LISTEN ? EIO.error() : ESRCH.error();
      }
      tracee.resume(how, signo);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** PTRACE_DETACH. */
  public static void detach(Tracee tracee, int signo) throws ErrnoException {
    if (signo < 0 || signo > Signal.MAX) {
      throw EIO.error();
    }
    Kernel kernel = tracee.task().kernel();
    kernel.tasksLock.lock();
    try {
      tracee.detach(signo);
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** PTRACE_INTERRUPT. */
  public static void interrupt(Tracee tracee) throws ErrnoException {
    if (!tracee.isSeized()) {
      throw EIO.error();
    }
    tracee.task().interrupt(Task.WORK_TRACE);
  }

  /** Number of the call a stopped tracee is in, -1 for none: {@code orig_rax}. */
  public static long syscallNumber(Tracee tracee) {
    return tracee.task().syscallNumber;
  }

  /** Replaces {@code orig_rax}: another call is made, or none for -1. */
  public static void setSyscallNumber(Tracee tracee, long number) {
    tracee.task().syscallNumber = number;
  }

  /** Arguments of the call a stopped tracee is in. */
  public static SyscallArgs arguments(Tracee tracee) {
    return tracee.task().args;
  }

  /** Bytes of the extended state. */
  public static int fpuSize(Tracee tracee) {
    return tracee.task().context.fpuSize();
  }

  /** Copies the extended state out of, or into, a stopped tracee; false when it refuses it. */
  public static boolean transferFpu(Tracee tracee, MemorySegment state, boolean load) {
    boolean[] done = new boolean[1];
    tracee.runOnTracee(() -> {
      try {
        if (load) {
          tracee.task().context.loadFpu(state);
        } else {
          tracee.task().context.saveFpu(state);
        }
        done[0] = true;
      } catch (ErrnoException e) {
        done[0] = false;
      }
    });
    return done[0];
  }

  /** Replaces the blocked signals of a stopped tracee. */
  public static void setSignalMask(Tracee tracee, long mask) {
    tracee.task().setSignalMask(mask);
  }

  /** A task is dead: what it traced is free, or dies with it. The lock is held. */
  static void tracerDied(Task t, boolean last) {
    ThreadGroup tg = t.group;
    for (int i = tg.tracees.size() - 1; i >= 0; i--) {
      Task traced = tg.tracees.get(i);
      Tracee tracee = traced.tracee;
      if (tracee == null || tracee.tracer() != t && !last) {
        continue;
      }
      boolean kill = tracee.has(Tracee.O_EXITKILL);
      tracee.detach(0);
      if (kill) {
        Signals.kill(traced.group);
      }
      if (traced.dead) {
        if (traced.isLeader() && traced.group.zombie) {
          TaskExit.announce(traced.group);
        } else if (!traced.isLeader()) {
          reapThread(traced);
        }
      }
    }
  }

  /** The trace of a dead task ends. The lock is held. */
  static void detachDead(Task traced) {
    Tracee tracee = traced.tracee;
    if (tracee != null) {
      tracee.detach(0);
    }
  }

  /** Forgets a dead thread that only its tracer still saw. The lock is held. */
  static void reapThread(Task t) {
    t.group.tasks.remove(t);
    t.pid.task = null;
    t.pid.releaseIfUnused();
  }
}
