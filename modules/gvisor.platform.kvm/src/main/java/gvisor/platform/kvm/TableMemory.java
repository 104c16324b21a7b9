package gvisor.platform.kvm;

import static gvisor.api.errno.Errno.ENOMEM;

import gvisor.api.errno.ErrnoException;
import gvisor.host.MemFd;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The platform's own pages: ring 0 and page tables. A page that was a table cannot become another at once, for KVM may
 * still have a shadow of the old one; retired pages gather until there are enough of them to have KVM forget everything.
 * Thread-safe.
 */
final class TableMemory {
  static final int PAGE = 4096;

  /** 512 MiB of tables map 256 GiB. */
  static final long SIZE = 512L << 20;

  private static final int RETIRED_MAX = 4096;

  private final ReentrantLock lock = new ReentrantLock();
  private final MemFd file;
  private final long physical;
  private final Slots slots;
  private final boolean nested;

  // Guarded by lock.
  private long next;
  private int[] free = new int[256];
  private int freeCount;
  private int[] retired = new int[256];
  private int retiredCount;

  /**
   * Guest-physical memory from {@code physical} on.
   *
   * @param nested whether the processor walks tables itself: then there are no shadows to forget
   */
  TableMemory(Slots slots, long physical, boolean nested) throws ErrnoException {
    this.slots = slots;
    this.nested = nested;
    this.physical = physical;
    file = MemFd.create("page-tables", SIZE);
    try {
      slots.addOwn(physical, file.memory());
    } catch (ErrnoException e) {
      file.close();
      throw e;
    }
  }

  /** All of it; a page's offset is its address less {@link #physical}. */
  MemorySegment memory() {
    return file.memory();
  }

  /** Guest-physical address of the page at {@code offset}. */
  long physical(long offset) {
    return physical + offset;
  }

  /** Offset of the page at the guest-physical address {@code address}. */
  long offset(long address) {
    return address - physical;
  }

  /** Offset of a page of zeros. */
  long allocate() throws ErrnoException {
    lock.lock();
    try {
      if (freeCount == 0 && next == SIZE) {
        recycle();
      }
      if (freeCount > 0) {
        return (long) free[--freeCount] * PAGE;
      }
      if (next == SIZE) {
        throw ENOMEM.error();
      }
      next += PAGE;
      return next - PAGE;
    } finally {
      lock.unlock();
    }
  }

  /** Takes {@code count} pages that nothing points to any more, and on whose tables no processor runs. */
  void retire(long[] offsets, int count) {
    lock.lock();
    try {
      while (retired.length < retiredCount + count) {
        retired = Arrays.copyOf(retired, retired.length * 2);
      }
      for (int i = 0; i < count; i++) {
        retired[retiredCount++] = (int) (offsets[i] / PAGE);
      }
      if (retiredCount >= RETIRED_MAX) {
        recycle();
      }
    } finally {
      lock.unlock();
    }
  }

  void close() {
    file.close();
  }

  private void recycle() {
    if (retiredCount == 0) {
      return;
    }
    if (!nested) {
      slots.forgetEverything();
    }
    if (free.length < freeCount + retiredCount) {
      free = Arrays.copyOf(free, Math.max(free.length * 2, freeCount + retiredCount));
    }
    for (int i = 0; i < retiredCount; i++) {
      file.memory().asSlice((long) retired[i] * PAGE, PAGE).fill((byte) 0);
      free[freeCount++] = retired[i];
    }
    retiredCount = 0;
  }
}
