package gvisor.sentry.fs.anon;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Vfs;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.ReentrantLock;

/** A counter that can be waited for ({@code man 2 eventfd}). */
public final class EventFd implements FileOps {
  /** The highest value; one more means overflow. */
  private static final long MAX = -2;

  private final ReentrantLock counterLock = new ReentrantLock();
  private final WaitQueue queue = new WaitQueue();
  private final boolean isSemaphore;

  // Guarded by counterLock; the counter is unsigned.
  private final MemorySegment word = MemorySegment.ofArray(new long[1]);
  private volatile long counter;

  private EventFd(long initial, boolean isSemaphore) {
    this.counter = initial;
    this.isSemaphore = isSemaphore;
  }

  /** @param flags O_* of the open file: O_RDWR and perhaps O_NONBLOCK */
  public static FileDescription open(Vfs vfs, long initial, boolean isSemaphore, int flags) {
    return AnonFile.open(vfs, new EventFd(initial, isSemaphore), "[eventfd]", flags);
  }

  /** Adds to the counter from inside the kernel, as {@code write(2)} would, up to the highest value. */
  public void signal(long amount) {
    counterLock.lock();
    try {
      long sum = counter + amount;
      counter = Long.compareUnsigned(sum, counter) < 0 || sum == -1 ? MAX : sum;
    } finally {
      counterLock.unlock();
    }
    queue.notify(EventMask.READABLE);
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    if (dst.remaining() < Long.BYTES) {
      throw EINVAL.error();
    }
    counterLock.lock();
    try {
      long now = counter;
      if (now == 0) {
        return WOULD_BLOCK;
      }
      long taken = isSemaphore ? 1 : now;
      counter = now - taken;
      word.set(ValueLayout.JAVA_LONG, 0, taken);
      dst.put(word, 0, Long.BYTES);
    } finally {
      counterLock.unlock();
    }
    queue.notify(EventMask.WRITABLE);
    return Long.BYTES;
  }

  @Override
  public long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
    if (src.remaining() < Long.BYTES) {
      throw EINVAL.error();
    }
    counterLock.lock();
    try {
      // What does not fit now is written later: look first, take the bytes only when they can be used.
      long n = src.prepare(Long.BYTES, false);
      if (n == Long.BYTES) {
        MemorySegment.copy(src.segment(), src.offset(), word, 0, n);
        src.release();
      } else {
        src.release();
        src.get(word, 0, Long.BYTES);
      }
      long amount = word.get(ValueLayout.JAVA_LONG, 0);
      if (amount == -1) {
        throw EINVAL.error();
      }
      if (Long.compareUnsigned(amount, MAX - counter) > 0) {
        return WOULD_BLOCK;
      }
      counter += amount;
    } finally {
      counterLock.unlock();
    }
    queue.notify(EventMask.READABLE);
    return Long.BYTES;
  }

  @Override
  public int readiness(int mask) {
    long now = counter;
    int ready = now != 0 ? EventMask.READABLE : 0;
    if (Long.compareUnsigned(now, MAX) < 0) {
      ready |= EventMask.WRITABLE;
    }
    return ready & mask;
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    queue.register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    queue.unregister(entry);
  }

  @Override
  public String fdInfo(FileDescription file) {
    return "eventfd-count: " + String.format("%16x", counter) + "\n";
  }
}
