package gvisor.sentry.kernel.futex;

import gvisor.api.waiter.WaitEntry;

/**
 * One wait on one word; a task has one that it reuses. The links and the key are guarded by the lock of the bucket it
 * is in.
 */
public final class FutexWaiter {
  final WaitEntry wake;
  Object space;
  long offset;
  int bitset;
  /** Thread id to store when a priority-inheriting lock is handed over; 0 for a plain wait. */
  int ownerTid;
  FutexWaiter next;
  FutexWaiter previous;
  volatile FutexBucket bucket;
  /** Which of several words this is, for {@code futex_waitv}. */
  public final int index;

  /** @param wake told when the waiter has been woken */
  public FutexWaiter(WaitEntry wake, int index) {
    this.wake = wake;
    this.index = index;
  }

  /** Whether somebody woke it (or it never waited). */
  public boolean isWoken() {
    return bucket == null;
  }
}
