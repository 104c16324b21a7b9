package gvisor.sentry.kernel.futex;

import static gvisor.api.errno.Errno.EDEADLK;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOSYS;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.MemoryManager;

/**
 * Everybody who waits on a futex. A word is called by the process' memory and its address if it is private, else by its
 * place in the memory file, so that every process that maps it means the same.
 *
 * <p>A waiter looks at the word and joins its bucket under the bucket's lock, and a waker changes the word before it
 * takes that lock, so no wake-up is lost. The lock ranks above the memory manager's. Nothing here allocates.
 */
public final class FutexTable {
  /** {@link #prepareWait}: the word has another value. */
  public static final int CHANGED = 1;

  public static final int FUTEX_WAITERS = 0x80000000;
  public static final int FUTEX_OWNER_DIED = 0x40000000;
  public static final int FUTEX_TID_MASK = 0x3fffffff;

  private static final int BUCKETS = 256;
  private static final Object SHARED = new Object();

  private final FutexBucket[] buckets = new FutexBucket[BUCKETS];

  public FutexTable() {
    for (int i = 0; i < BUCKETS; i++) {
      buckets[i] = new FutexBucket(i);
    }
  }

  private static Object spaceOf(MemoryManager mm, long shared) {
    return shared < 0 ? mm : SHARED;
  }

  /** The place in the memory file of a word that may be shared, or -1 for a private one. Checks the address. */
  private static long sharedPlace(MemoryManager mm, long addr, boolean isPrivate) throws ErrnoException {
    if ((addr & 3) != 0) {
      throw EINVAL.error();
    }
    return isPrivate ? -1 : mm.sharedFutexKey(addr);
  }

  private FutexBucket bucket(Object space, long offset) {
    long h = (System.identityHashCode(space) * 31L + (offset >>> 2)) * 0x9E3779B97F4A7C15L;
    return buckets[(int) (h >>> 56) & BUCKETS - 1];
  }

  /**
   * Joins the waiters of the word at {@code addr} if it still has {@code expected}.
   *
   * @return 0, or {@link #CHANGED}: the waiter waits for nothing then
   */
  public int prepareWait(FutexWaiter w, MemoryManager mm, long addr, boolean isPrivate, int expected, int bitset)
      throws ErrnoException {
    long shared = sharedPlace(mm, addr, isPrivate);
    Object space = spaceOf(mm, shared);
    long offset = shared < 0 ? addr : shared;
    FutexBucket b = bucket(space, offset);
    b.bucketLock.lock();
    try {
      if (mm.readIntVolatile(addr) != expected) {
        return CHANGED;
      }
      w.space = space;
      w.offset = offset;
      w.bitset = bitset;
      w.ownerTid = 0;
      b.add(w);
      return 0;
    } finally {
      b.bucketLock.unlock();
    }
  }

  /** Ends a wait; true if nobody had woken it. */
  public boolean cancel(FutexWaiter w) {
    while (true) {
      FutexBucket b = w.bucket;
      if (b == null) {
        return false;
      }
      b.bucketLock.lock();
      try {
        // A requeue may have moved it meanwhile.
        if (w.bucket == b) {
          b.remove(w);
          return true;
        }
      } finally {
        b.bucketLock.unlock();
      }
    }
  }

  /** Wakes up to {@code count} waiters that have a bit of {@code bitset}; how many it were. */
  public int wake(MemoryManager mm, long addr, boolean isPrivate, int bitset, int count) throws ErrnoException {
    long shared = sharedPlace(mm, addr, isPrivate);
    Object space = spaceOf(mm, shared);
    long offset = shared < 0 ? addr : shared;
    FutexBucket b = bucket(space, offset);
    b.bucketLock.lock();
    try {
      return wakeIn(b, space, offset, bitset, count);
    } finally {
      b.bucketLock.unlock();
    }
  }

  private static int wakeIn(FutexBucket b, Object space, long offset, int bitset, int count) throws ErrnoException {
    int woken = 0;
    FutexWaiter w = b.first;
    while (w != null && woken < count) {
      FutexWaiter next = w.next;
      if (w.space == space && w.offset == offset && (w.bitset & bitset) != 0) {
        if (w.ownerTid != 0) {
          throw EINVAL.error();
        }
        b.remove(w);
        w.wake.notify(0);
        woken++;
      }
      w = next;
    }
    return woken;
  }

  private static void lockBoth(FutexBucket a, FutexBucket b) {
    if (a.number <= b.number) {
      a.bucketLock.lock();
      b.bucketLock.lock();
    } else {
      b.bucketLock.lock();
      a.bucketLock.lock();
    }
  }

  /** The result of {@link #requeue}: the word has another value. */
  public static final int REQUEUE_CHANGED = -1;

  /**
   * Wakes {@code wakeCount} waiters of one word and moves up to {@code moveCount} of the others to another.
   *
   * @param compare whether to do it only if the first word has {@code expected}
   * @return woken and moved together, or {@link #REQUEUE_CHANGED}
   */
  public int requeue(MemoryManager mm, long from, long to, boolean isPrivate, int wakeCount, int moveCount,
      boolean compare, int expected) throws ErrnoException {
    long sharedFrom = sharedPlace(mm, from, isPrivate);
    long sharedTo = sharedPlace(mm, to, isPrivate);
    Object spaceFrom = spaceOf(mm, sharedFrom);
    Object spaceTo = spaceOf(mm, sharedTo);
    long offsetFrom = sharedFrom < 0 ? from : sharedFrom;
    long offsetTo = sharedTo < 0 ? to : sharedTo;
    FutexBucket a = bucket(spaceFrom, offsetFrom);
    FutexBucket b = bucket(spaceTo, offsetTo);
    lockBoth(a, b);
    try {
      if (compare && mm.readIntVolatile(from) != expected) {
        return REQUEUE_CHANGED;
      }
      int woken = wakeIn(a, spaceFrom, offsetFrom, -1, wakeCount);
      int moved = 0;
      FutexWaiter w = a.first;
      while (w != null && moved < moveCount) {
        FutexWaiter next = w.next;
        if (w.space == spaceFrom && w.offset == offsetFrom) {
          moved++;
          if (spaceFrom != spaceTo || offsetFrom != offsetTo) {
            a.unlink(w);
            w.space = spaceTo;
            w.offset = offsetTo;
            b.add(w);
          }
        }
        w = next;
      }
      return woken + moved;
    } finally {
      a.bucketLock.unlock();
      b.bucketLock.unlock();
    }
  }

  /**
   * {@code FUTEX_WAKE_OP}: changes the second word by {@code op}, wakes at the first, and at the second if it
   * compared so.
   */
  public int wakeOp(MemoryManager mm, long addr1, long addr2, boolean isPrivate, int count1, int count2, int op)
      throws ErrnoException {
    long shared1 = sharedPlace(mm, addr1, isPrivate);
    long shared2 = sharedPlace(mm, addr2, isPrivate);
    Object space1 = spaceOf(mm, shared1);
    Object space2 = spaceOf(mm, shared2);
    long offset1 = shared1 < 0 ? addr1 : shared1;
    long offset2 = shared2 < 0 ? addr2 : shared2;
    FutexBucket a = bucket(space1, offset1);
    FutexBucket b = bucket(space2, offset2);
    lockBoth(a, b);
    try {
      boolean second = applyOp(mm, addr2, op);
      int woken = wakeIn(a, space1, offset1, -1, count1);
      return second ? woken + wakeIn(b, space2, offset2, -1, count2) : woken;
    } finally {
      a.bucketLock.unlock();
      b.bucketLock.unlock();
    }
  }

  private static boolean applyOp(MemoryManager mm, long addr, int encoded) throws ErrnoException {
    int operation = encoded >>> 28 & 7;
    int comparison = encoded >>> 24 & 15;
    int argument = encoded << 8 >> 20;
    int compareWith = encoded << 20 >> 20;
    if ((encoded & 0x80000000) != 0) {
      argument = 1 << (argument & 31);
    }
    if (operation > 4) {
      throw ENOSYS.error();
    }
    int old;
    while (true) {
      old = mm.readIntVolatile(addr);
      int changed = switch (operation) {
        case 0 -> argument;
        case 1 -> old + argument;
        case 2 -> old | argument;
        case 3 -> old & ~argument;
        default -> old ^ argument;
      };
      if (mm.compareAndExchangeInt(addr, old, changed) == old) {
        break;
      }
    }
    return switch (comparison) {
      case 0 -> old == compareWith;
      case 1 -> old != compareWith;
      case 2 -> old < compareWith;
      case 3 -> old <= compareWith;
      case 4 -> old > compareWith;
      case 5 -> old >= compareWith;
      default -> throw ENOSYS.error();
    };
  }

  // ---- priority inheritance: the word is the owner's thread id, and the kernel hands it over ----

  /** {@link #lockPi}: another owner; the waiter waits now. */
  public static final int PI_WAITING = 0;

  /** {@link #lockPi}: the caller owns it. */
  public static final int PI_OWNED = 1;

  /** {@link #lockPi}: another owner, and the caller does not want to wait. */
  public static final int PI_BUSY = 2;

  /** Tells whether a thread id is a living thread's. */
  public interface Owners {
    /** Throws ESRCH if there is none; called with a bucket's lock held, so it takes none. */
    void check(int tid) throws ErrnoException;
  }

  /** Takes the lock for {@code tid}, or joins its waiters. EDEADLK when it is the caller's already. */
  public int lockPi(FutexWaiter w, MemoryManager mm, long addr, boolean isPrivate, int tid, boolean tryOnly,
      Owners owners) throws ErrnoException {
    long shared = sharedPlace(mm, addr, isPrivate);
    Object space = spaceOf(mm, shared);
    long offset = shared < 0 ? addr : shared;
    FutexBucket b = bucket(space, offset);
    b.bucketLock.lock();
    try {
      while (true) {
        int word = mm.readIntVolatile(addr);
        int owner = word & FUTEX_TID_MASK;
        if (owner == tid) {
          throw EDEADLK.error();
        }
        if (owner == 0) {
          int waiters = hasWaiter(b, space, offset) ? FUTEX_WAITERS : 0;
          int taken = tid | waiters | word & FUTEX_OWNER_DIED;
          if (mm.compareAndExchangeInt(addr, word, taken) == word) {
            return PI_OWNED;
          }
          continue;
        }
        if (tryOnly) {
          return PI_BUSY;
        }
        if (mm.compareAndExchangeInt(addr, word, word | FUTEX_WAITERS) != word) {
          continue;
        }
        owners.check(owner);
        w.space = space;
        w.offset = offset;
        w.bitset = -1;
        w.ownerTid = tid;
        b.add(w);
        return PI_WAITING;
      }
    } finally {
      b.bucketLock.unlock();
    }
  }

  private static boolean hasWaiter(FutexBucket b, Object space, long offset) {
    for (FutexWaiter w = b.first; w != null; w = w.next) {
      if (w.space == space && w.offset == offset) {
        return true;
      }
    }
    return false;
  }

  /** Gives the lock to the next waiter, or frees it. EPERM when it is not {@code tid}'s. */
  public void unlockPi(MemoryManager mm, long addr, boolean isPrivate, int tid) throws ErrnoException {
    long shared = sharedPlace(mm, addr, isPrivate);
    Object space = spaceOf(mm, shared);
    long offset = shared < 0 ? addr : shared;
    FutexBucket b = bucket(space, offset);
    b.bucketLock.lock();
    try {
      if ((mm.readIntVolatile(addr) & FUTEX_TID_MASK) != tid) {
        throw EPERM.error();
      }
      handOver(b, mm, addr, space, offset, 0);
    } finally {
      b.bucketLock.unlock();
    }
  }

  /** The owner died: the next waiter gets the lock and is told so by FUTEX_OWNER_DIED. */
  public void ownerDied(MemoryManager mm, long addr, boolean isPi) throws ErrnoException {
    long shared = mm.sharedFutexKey(addr);
    Object space = spaceOf(mm, shared);
    long offset = shared < 0 ? addr : shared;
    FutexBucket b = bucket(space, offset);
    b.bucketLock.lock();
    try {
      if (!isPi) {
        wakeIn(b, space, offset, -1, 1);
      } else if (hasWaiter(b, space, offset)) {
        handOver(b, mm, addr, space, offset, FUTEX_OWNER_DIED);
      }
    } finally {
      b.bucketLock.unlock();
    }
  }

  private static void handOver(FutexBucket b, MemoryManager mm, long addr, Object space, long offset, int extra)
      throws ErrnoException {
    FutexWaiter chosen = null;
    boolean more = false;
    for (FutexWaiter w = b.first; w != null; w = w.next) {
      if (w.space == space && w.offset == offset && w.ownerTid != 0) {
        if (chosen == null) {
          chosen = w;
        } else {
          more = true;
          break;
        }
      }
    }
    int word = chosen == null ? extra : chosen.ownerTid | (more ? FUTEX_WAITERS : 0) | extra;
    while (true) {
      int old = mm.readIntVolatile(addr);
      if (mm.compareAndExchangeInt(addr, old, word) == old) {
        break;
      }
    }
    if (chosen != null) {
      b.remove(chosen);
      chosen.wake.notify(0);
    }
  }
}
