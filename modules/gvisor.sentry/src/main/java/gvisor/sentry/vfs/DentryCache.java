package gvisor.sentry.vfs;

import java.lang.ref.ReferenceQueue;
import java.util.Arrays;

/**
 * Keeps the dentries of one superblock that were used lately from being collected, hits and misses alike, up to a fixed
 * number: a clock with one bit of history. Thread-safe; its lock is a leaf.
 */
final class DentryCache {
  /** The most dentries kept without another user. */
  private static final int LIMIT = 1 << 15;

  private static final int INITIAL = 64;

  /** How many dentries in use the hand passes before it takes one anyway. */
  private static final int PATIENCE = 8;

  private final ReferenceQueue<Dentry> queue = new ReferenceQueue<>();
  private Dentry[] kept = new Dentry[INITIAL];
  private int[] free = new int[INITIAL];
  private int freeCount;
  private int count;
  private int hand;

  ReferenceQueue<Dentry> collected() {
    return queue;
  }

  synchronized void keep(Dentry dentry) {
    for (Object ref = queue.poll(); ref != null; ref = queue.poll()) {
      ((DentryRef) ref).forget();
    }
    if (freeCount > 0) {
      put(free[--freeCount], dentry);
      return;
    }
    if (count == kept.length && count < LIMIT) {
      kept = Arrays.copyOf(kept, count * 2);
      free = Arrays.copyOf(free, count * 2);
    }
    if (count < kept.length) {
      put(count++, dentry);
      return;
    }
    for (int i = 0; i < PATIENCE && kept[hand].recentlyUsed; i++) {
      kept[hand].recentlyUsed = false;
      hand = (hand + 1) % kept.length;
    }
    kept[hand].cacheSlot = Dentry.NOT_KEPT;
    put(hand, dentry);
    hand = (hand + 1) % kept.length;
  }

  private void put(int slot, Dentry dentry) {
    kept[slot] = dentry;
    dentry.cacheSlot = slot;
  }

  /** A name is gone: nothing is kept alive for it. */
  synchronized void forget(Dentry dentry) {
    int slot = dentry.cacheSlot;
    if (slot != Dentry.NOT_KEPT) {
      kept[slot] = null;
      dentry.cacheSlot = Dentry.NOT_KEPT;
      free[freeCount++] = slot;
    }
  }
}
