package gvisor.sentry.fs.gofer;

import java.util.LinkedHashSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Bounds the memory in page caches: when more is cached than allowed, the caches that were filled longest ago drop what
 * nobody maps and nobody has changed. Shared by all gofer mounts of a container. Thread-safe; its lock is a leaf.
 */
public final class CacheBudget {
  private final long limitBytes;
  private final ReentrantLock budgetLock = new ReentrantLock();
  private final LinkedHashSet<PageCache> caches = new LinkedHashSet<>();
  private long bytes;

  /** @param limitBytes how much may be cached; what is mapped counts, but cannot be dropped */
  public CacheBudget(long limitBytes) {
    this.limitBytes = limitBytes;
  }

  /** {@code cache} grew by {@code added} bytes. Called without its lock. */
  void grown(PageCache cache, long added) {
    PageCache[] oldest;
    budgetLock.lock();
    try {
      bytes += added;
      caches.remove(cache);
      caches.add(cache);
      if (bytes <= limitBytes) {
        return;
      }
      oldest = caches.toArray(PageCache[]::new);
    } finally {
      budgetLock.unlock();
    }
    long excess = bytes - limitBytes;
    for (PageCache c : oldest) {
      if (excess <= 0) {
        return;
      }
      if (c != cache) {
        excess -= c.dropIdle();
      }
    }
  }

  /** Bytes in all caches. */
  public long bytes() {
    budgetLock.lock();
    try {
      return bytes;
    } finally {
      budgetLock.unlock();
    }
  }

  /** Has every cache drop what nobody maps and nobody has changed; the bytes given back. */
  public long dropIdle() {
    PageCache[] all;
    budgetLock.lock();
    try {
      all = caches.toArray(PageCache[]::new);
    } finally {
      budgetLock.unlock();
    }
    long dropped = 0;
    for (PageCache c : all) {
      dropped += c.dropIdle();
    }
    return dropped;
  }

  /** {@code cache} gave {@code removed} bytes back. */
  void shrunk(PageCache cache, long removed, boolean isEmpty) {
    budgetLock.lock();
    try {
      bytes -= removed;
      if (isEmpty) {
        caches.remove(cache);
      }
    } finally {
      budgetLock.unlock();
    }
  }
}
