package gvisor.sentry.socket;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Bytes that the socket buffers of a sandbox may take together, so that an application with many full sockets exhausts
 * its own quota instead of the kernel's heap. Thread-safe.
 */
public final class BufferBudget {
  private final long limit;
  private final AtomicLong used = new AtomicLong();

  public BufferBudget(long limitBytes) {
    this.limit = limitBytes;
  }

  /** Takes {@code bytes}, or nothing and returns false when the quota is used up. */
  public boolean reserve(long bytes) {
    long now = used.get();
    while (now + bytes <= limit) {
      if (used.compareAndSet(now, now + bytes)) {
        return true;
      }
      now = used.get();
    }
    return false;
  }

  public void release(long bytes) {
    used.addAndGet(-bytes);
  }

  /** Whether empty buffers had better be given back. */
  public boolean isTight() {
    return used.get() > limit / 2;
  }

  public long usedBytes() {
    return used.get();
  }
}
