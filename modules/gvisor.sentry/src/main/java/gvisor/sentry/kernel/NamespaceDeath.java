package gvisor.sentry.kernel;

import gvisor.api.waiter.EventMask;
import java.util.concurrent.locks.LockSupport;

/** The first process of a PID namespace takes everybody in it with it ({@code man 7 pid_namespaces}). */
final class NamespaceDeath {
  /** A death without a reaping is not announced here. */
  private static final long RECHECK_NANOS = 5_000_000;

  private NamespaceDeath() {}

  /** The first process dies: nobody comes in, everybody is killed. */
  static void begin(ThreadGroup init) {
    Kernel kernel = init.kernel();
    kernel.tasksLock.lock();
    try {
      PidNamespace ns = init.pid().namespace();
      ns.dying = true;
      for (Pid pid : ns.all()) {
        if (pid.task != null && pid.task.group != init) {
          Signals.kill(pid.task.group);
        }
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Waits until nobody else is left, on the first process' last thread; its children are reaped. */
  static void awaitEmpty(Task t) {
    Kernel kernel = t.kernel();
    ThreadGroup init = t.group;
    kernel.tasksLock.lock();
    try {
      // Who is in a last stop waits for its tracer, which waits here.
      Tracing.tracerDied(t, true);
    } finally {
      kernel.tasksLock.unlock();
    }
    init.childEvents.register(t.waiter(), EventMask.ALL);
    try {
      while (true) {
        kernel.tasksLock.lock();
        try {
          if (!hasOthers(init)) {
            return;
          }
        } finally {
          kernel.tasksLock.unlock();
        }
        LockSupport.parkNanos(t, RECHECK_NANOS);
      }
    } finally {
      init.childEvents.unregister(t.waiter());
    }
  }

  private static boolean hasOthers(ThreadGroup init) {
    boolean others = false;
    for (int i = init.children.size() - 1; i >= 0; i--) {
      ThreadGroup child = init.children.get(i);
      if (child.zombie) {
        TaskExit.reap(child);
      }
    }
    for (Pid pid : init.pid().namespace().all()) {
      if (pid.task != null && pid.task.group != init && !pid.task.group.zombie) {
        others = true;
      }
    }
    return others;
  }

  /** A process is gone for good: the namespace may be empty now. The lock is held. */
  static void reaped(ThreadGroup tg) {
    ThreadGroup init = tg.pid().namespace().init;
    if (init != null && init != tg && init.liveTasks == 0) {
      init.notifyChildEvent();
    }
  }
}
