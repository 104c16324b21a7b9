package gvisor.sentry.kernel;

import static gvisor.sentry.kernel.Signal.SIGCONT;
import static gvisor.sentry.kernel.Signal.SIGKILL;
import static gvisor.sentry.kernel.Signal.bit;
import static gvisor.sentry.kernel.Signal.has;

import gvisor.api.waiter.EventMask;
import gvisor.sentry.time.Clocks;

/**
 * How a signal gets from its sender to a task's boundary. All of it runs under {@link Kernel#tasksLock}: one lock for
 * the process tree and for signals, where Linux has a task list lock and one a process, because a signal is rare beside
 * what it causes and the two locks' order is where kernels go wrong.
 */
final class Signals {
  private Signals() {}

  /**
   * Sends {@code info} to {@code target}, or to any thread of {@code tg} if that is null.
   *
   * @param fromOutside the sender is outside of the target's PID namespace: the first process cannot ignore SIGKILL and
   *     SIGSTOP then
   * @return false when a real-time signal could not be queued: the caller may say EAGAIN
   */
  static boolean send(ThreadGroup tg, Task target, SigInfo info, boolean fromOutside) {
    int signo = info.signo;
    if (tg.zombie || target != null && target.dead) {
      return true;
    }
    Task first = target != null ? target : tg.leader;
    if (isProtected(tg, signo, fromOutside || info.code == Signal.SI_KERNEL, first)) {
      return true;
    }
    if (signo == SIGKILL) {
      kill(tg);
      return true;
    }
    if (Signal.isStop(signo)) {
      discardEverywhere(tg, bit(SIGCONT));
    } else if (signo == SIGCONT) {
      discardEverywhere(tg, Signal.STOP_SET);
      continueGroup(tg);
    }
    if (isIgnored(tg, first, signo)) {
      return true;
    }
    PendingSignals queue = target != null ? target.pending : tg.pending;
    if (signo < Signal.SIGRTMIN && has(queue.set(), signo)) {
      return true;
    }
    UserCounts counts = first.counts;
    if (counts != null) {
      int queued = counts.pendingSignals.incrementAndGet();
      if (tg.rlimits.exceeds(Rlimits.RLIMIT_SIGPENDING, queued)) {
        counts.pendingSignals.getAndDecrement();
        if (signo >= Signal.SIGRTMIN && info.code != Signal.SI_KERNEL && info.code != Signal.SI_USER) {
          return false;
        }
        queue.addBare(signo);
      } else {
        info.charged = counts;
        queue.add(info);
      }
    } else {
      queue.add(info);
    }
    wake(tg, target, signo);
    tg.signalEvents.notify(EventMask.READABLE);
    return true;
  }

  static void sendToGroup(ThreadGroup tg, SigInfo info) {
    send(tg, null, info, false);
  }

  static void sendToProcessGroup(ProcessGroup group, int signo) {
    for (int i = 0; i < group.members.size(); i++) {
      send(group.members.get(i), null, SigInfo.kernel(signo), false);
    }
  }

  /** Whether {@code signo} would do nothing to the first process of a namespace: it has no default actions. */
  private static boolean isProtected(ThreadGroup tg, int signo, boolean fromOutside, Task first) {
    if (!isInit(tg) || tg.handlers.catches(signo)) {
      return false;
    }
    if (signo == SIGKILL || signo == Signal.SIGSTOP) {
      return !fromOutside;
    }
    return tg.handlers.handler(signo) == SignalHandlers.SIG_DFL
        && !has(first.signalMask() | first.waitedSignals, signo);
  }

  static boolean isInit(ThreadGroup tg) {
    return tg.pid().namespace().init == tg;
  }

  private static boolean isIgnored(ThreadGroup tg, Task first, int signo) {
    if (has(first.signalMask() | first.waitedSignals, signo) || first.tracee != null) {
      return false;
    }
    return tg.handlers.ignores(signo);
  }

  /** Finds a thread that takes {@code signo} and gets it to its boundary. */
  private static void wake(ThreadGroup tg, Task target, int signo) {
    if (target != null) {
      if (wants(target, signo)) {
        target.interrupt(Task.WORK_SIGNAL);
      }
      return;
    }
    if (wants(tg.leader, signo)) {
      tg.leader.interrupt(Task.WORK_SIGNAL);
      return;
    }
    for (int i = 0; i < tg.tasks.size(); i++) {
      Task t = tg.tasks.get(i);
      if (wants(t, signo)) {
        t.interrupt(Task.WORK_SIGNAL);
        return;
      }
    }
  }

  private static boolean wants(Task t, int signo) {
    return !t.dead && (!has(t.signalMask(), signo) || has(t.waitedSignals, signo));
  }

  /** {@code from} blocks {@code blocked} from now on: lets other threads take what is pending for the process of it. */
  static void retarget(Task from, long blocked) {
    ThreadGroup tg = from.group;
    long pending = tg.pending.set() & blocked;
    for (int i = 0; i < tg.tasks.size() && pending != 0; i++) {
      Task t = tg.tasks.get(i);
      long takes = pending & ~t.signalMask();
      if (t != from && !t.dead && takes != 0) {
        t.interrupt(Task.WORK_SIGNAL);
        pending &= ~takes;
      }
    }
  }

  static void discardEverywhere(ThreadGroup tg, long set) {
    tg.pending.discard(set);
    for (int i = 0; i < tg.tasks.size(); i++) {
      tg.tasks.get(i).pending.discard(set);
    }
  }

  /** SIGKILL: nothing can stop it. */
  static void kill(ThreadGroup tg) {
    tg.execTask = null;
    tg.exitGroup(SIGKILL);
  }

  // ---- job control ----

  /** A thread takes a stop signal: everybody is to stop. */
  static void beginStop(ThreadGroup tg, int signo) {
    if (tg.exiting || tg.execTask != null) {
      return;
    }
    tg.stopSignal = signo;
    if (tg.stopActive) {
      return;
    }
    tg.stopActive = true;
    tg.stopsAwaited = 0;
    for (int i = 0; i < tg.tasks.size(); i++) {
      Task t = tg.tasks.get(i);
      if (!t.dead) {
        tg.stopsAwaited++;
        t.countedInStop = true;
        t.interrupt(Task.WORK_STOP);
      }
    }
  }

  /** A thread has come to rest, or is gone: the last one tells the parent that the process is stopped. */
  static void stopReached(Task t) {
    ThreadGroup tg = t.group;
    if (!t.countedInStop) {
      return;
    }
    t.countedInStop = false;
    tg.stopsAwaited--;
    if (tg.stopActive && tg.stopsAwaited == 0 && !tg.stopped) {
      tg.stopped = true;
      tg.stopUnreported = true;
      tg.continueUnreported = false;
      notifyParent(tg, Signal.CLD_STOPPED, tg.stopSignal);
    }
  }

  /** SIGCONT was sent: whoever is stopped or about to goes on, whatever becomes of the signal itself. */
  private static void continueGroup(ThreadGroup tg) {
    if (!tg.stopActive) {
      return;
    }
    boolean wasStopped = tg.stopped;
    tg.stopActive = false;
    tg.stopped = false;
    tg.stopUnreported = false;
    for (int i = 0; i < tg.tasks.size(); i++) {
      Task t = tg.tasks.get(i);
      t.countedInStop = false;
      t.clearWork(Task.WORK_STOP);
      if (t.tracee != null) {
        t.tracee.continued();
      }
      t.kick();
    }
    if (wasStopped) {
      tg.continueUnreported = true;
      notifyParent(tg, Signal.CLD_CONTINUED, SIGCONT);
    }
  }

  /** SIGCHLD for a stop or a continuation, unless SA_NOCLDSTOP; waiters are told in any case. */
  private static void notifyParent(ThreadGroup tg, int code, int status) {
    ThreadGroup parent = tg.parent;
    if (parent == null || parent.zombie) {
      return;
    }
    if ((parent.handlers.flags(Signal.SIGCHLD) & Signal.SA_NOCLDSTOP) == 0) {
      send(parent, null, childInfo(tg, parent, Signal.SIGCHLD, code, status), false);
    }
    parent.notifyChildEvent();
  }

  static SigInfo childInfo(ThreadGroup child, ThreadGroup parent, int signo, int code, int status) {
    return SigInfo.child(signo, code, child.pid().in(parent.pid().namespace()), child.leader.creds().uid(), status,
        child.utime() / Clocks.NANOS_PER_TICK, child.stime() / Clocks.NANOS_PER_TICK);
  }
}
