package gvisor.sentry.kernel.futex;

import java.util.concurrent.locks.ReentrantLock;

/** Waiters whose words hash alike, in the order they came. */
final class FutexBucket {
  final ReentrantLock bucketLock = new ReentrantLock();
  final int number;
  FutexWaiter first;
  private FutexWaiter last;

  FutexBucket(int number) {
    this.number = number;
  }

  void add(FutexWaiter w) {
    w.next = null;
    w.previous = last;
    if (last == null) {
      first = w;
    } else {
      last.next = w;
    }
    last = w;
    w.bucket = this;
  }

  void remove(FutexWaiter w) {
    unlink(w);
    w.bucket = null;
  }

  /** Takes it out for another bucket: it still waits. */
  void unlink(FutexWaiter w) {
    if (w.previous == null) {
      first = w.next;
    } else {
      w.previous.next = w.next;
    }
    if (w.next == null) {
      last = w.previous;
    } else {
      w.next.previous = w.previous;
    }
    w.next = null;
    w.previous = null;
  }
}
