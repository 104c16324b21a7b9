package gvisor.sentry.kernel;

/** Waits for signals to be taken without a handler: {@code sigtimedwait(2)}, {@code signalfd(2)}. */
public final class SignalWait {
  private SignalWait() {}

  /**
   * Takes a signal of {@code set}, waiting for one.
   *
   * @param deadline CLOCK_MONOTONIC nanoseconds, or {@link Task#FOREVER}
   * @return null when none came in time, or another signal has to be handled first
   */
  public static SigInfo await(Task t, long set, long deadline) {
    Kernel kernel = t.kernel();
    long wanted = set & ~Signal.UNBLOCKABLE;
    SigInfo info = take(t, wanted);
    if (info != null || deadline <= kernel.host().clock().monotonicNanos()) {
      return info;
    }
    setWaited(t, wanted);
    try {
      while (true) {
        int outcome = t.block(deadline);
        info = take(t, wanted);
        if (info != null || outcome != Task.WOKEN) {
          return info;
        }
      }
    } finally {
      setWaited(t, 0);
    }
  }

  private static void setWaited(Task t, long set) {
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      t.waitedSignals = set;
      t.recalculateSignals();
      if ((t.pendingSignals() & set) != 0) {
        t.interrupt(Task.WORK_SIGNAL);
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Takes a signal of {@code set} that is pending for {@code t}, or null. */
  public static SigInfo take(Task t, long set) {
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      SigInfo info = SignalDelivery.take(t, set);
      t.recalculateSignals();
      return info;
    } finally {
      kernel.tasksLock.unlock();
    }
  }
}
