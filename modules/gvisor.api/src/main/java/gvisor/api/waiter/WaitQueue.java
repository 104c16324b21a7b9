package gvisor.api.waiter;

import java.util.concurrent.locks.ReentrantLock;

/**
 * Who waits for events of one object. Registration order is notification order. Empty queues cost a volatile read to
 * notify, so hot paths may notify always.
 *
 * <p>Thread-safe. The queue's lock is a leaf but for what {@link WaitEntry#notify(int)} may take: the ready list of an
 * epoll instance.
 */
public final class WaitQueue {
  private static final int INITIAL = 2;

  private final ReentrantLock queueLock = new ReentrantLock();
  private volatile int count;
  private WaitEntry[] entries = new WaitEntry[INITIAL];
  private int[] masks = new int[INITIAL];

  /** Adds {@code entry} for {@code mask}; the same entry may stand in the queue once. */
  public void register(WaitEntry entry, int mask) {
    queueLock.lock();
    try {
      if (count == entries.length) {
        entries = java.util.Arrays.copyOf(entries, count * 2);
        masks = java.util.Arrays.copyOf(masks, count * 2);
      }
      entries[count] = entry;
      masks[count] = mask | EventMask.ALWAYS;
      count = count + 1;
    } finally {
      queueLock.unlock();
    }
  }

  /** Removes {@code entry}, keeping the order of the others. */
  public void unregister(WaitEntry entry) {
    queueLock.lock();
    try {
      for (int i = 0; i < count; i++) {
        if (entries[i] == entry) {
          int tail = count - i - 1;
          System.arraycopy(entries, i + 1, entries, i, tail);
          System.arraycopy(masks, i + 1, masks, i, tail);
          count = count - 1;
          entries[count] = null;
          return;
        }
      }
    } finally {
      queueLock.unlock();
    }
  }

  /** Tells every entry that asked for one of {@code events}. */
  public void notify(int events) {
    if (count == 0) {
      return;
    }
    queueLock.lock();
    try {
      for (int i = 0; i < count; i++) {
        int hit = masks[i] & events;
        if (hit != 0) {
          entries[i].notify(hit);
        }
      }
    } finally {
      queueLock.unlock();
    }
  }

  /** Whether nobody waits. */
  public boolean isEmpty() {
    return count == 0;
  }
}
