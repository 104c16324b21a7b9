package gvisor.sentry.kernel;

/**
 * Signals that were sent and not yet taken, of one task or of one thread group. A standard signal is in here once, a
 * real-time one as often as it was sent. Guarded by {@link Kernel#tasksLock} but for {@link #set}.
 */
final class PendingSignals {
  /** Which are in here. Written under the lock, read anywhere. */
  private volatile long set;

  private SigInfo[] heads;
  private SigInfo[] tails;

  long set() {
    return set;
  }

  /** Adds {@code info} behind those of its number. */
  void add(SigInfo info) {
    if (heads == null) {
      heads = new SigInfo[Signal.MAX + 1];
      tails = new SigInfo[Signal.MAX + 1];
    }
    int n = info.signo;
    if (heads[n] == null) {
      heads[n] = info;
    } else {
      tails[n].next = info;
    }
    tails[n] = info;
    set = set | Signal.bit(n);
  }

  /** Notes that {@code signo} is pending when there is no room to remember more about it. */
  void addBare(int signo) {
    set = set | Signal.bit(signo);
  }

  /**
   * Takes the next signal that is in {@code wanted}: what the processor raised first, then in number order; or null.
   */
  SigInfo take(long wanted) {
    long ready = set & wanted;
    if (ready == 0) {
      return null;
    }
    long first = (ready & Signal.SYNCHRONOUS) != 0 ? ready & Signal.SYNCHRONOUS : ready;
    int n = Long.numberOfTrailingZeros(first) + 1;
    SigInfo info = heads == null ? null : heads[n];
    if (info == null) {
      set = set & ~Signal.bit(n);
      return SigInfo.user(n, Signal.SI_USER, 0, 0);
    }
    heads[n] = info.next;
    info.next = null;
    if (heads[n] == null) {
      tails[n] = null;
      set = set & ~Signal.bit(n);
    }
    release(info);
    return info;
  }

  /** Forgets all signals of {@code signals}. */
  void discard(long signals) {
    long gone = set & signals;
    set = set & ~signals;
    while (gone != 0) {
      int n = Long.numberOfTrailingZeros(gone) + 1;
      gone &= gone - 1;
      if (heads != null) {
        for (SigInfo info = heads[n]; info != null; info = info.next) {
          release(info);
        }
        heads[n] = null;
        tails[n] = null;
      }
    }
  }

  private static void release(SigInfo info) {
    if (info.charged != null) {
      info.charged.pendingSignals.getAndDecrement();
      info.charged = null;
    }
  }
}
