package gvisor.sentry.kernel;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.futex.FutexTable;
import gvisor.sentry.mm.MemoryManager;

/**
 * The list of locks a thread holds, in its own memory ({@code man 2 set_robust_list}): at its death each is marked and
 * one waiter is woken.
 *
 * <pre>
 *   struct robust_list_head { next 0; futex_offset 8; list_op_pending 16; }
 * </pre>
 */
public final class RobustList {
  /** Bytes of the head. */
  public static final int HEAD_SIZE = 24;

  private static final int LIMIT = 2048;

  private RobustList() {}

  static void die(Task t) {
    long head = t.robustList;
    if (head == 0) {
      return;
    }
    t.robustList = 0;
    try {
      walk(t, t.mm(), head);
    } catch (ErrnoException e) {
      // The list is the application's; what cannot be read is not there.
    }
  }

  private static void walk(Task t, MemoryManager mm, long head) throws ErrnoException {
    mm.copyIn(head, t.scratch(), 0, HEAD_SIZE);
    long entry = t.scratch().get(JAVA_LONG_UNALIGNED, 0);
    long offset = t.scratch().get(JAVA_LONG_UNALIGNED, 8);
    long pending = t.scratch().get(JAVA_LONG_UNALIGNED, 16);
    for (int i = 0; i < LIMIT && (entry & ~1L) != head; i++) {
      long address = entry & ~1L;
      boolean pi = (entry & 1) != 0;
      long next = mm.readLong(address);
      if (entry != pending) {
        release(t, mm, address + offset, pi, false);
      }
      entry = next;
    }
    if (pending != 0) {
      release(t, mm, (pending & ~1L) + offset, (pending & 1) != 0, true);
    }
  }

  private static void release(Task t, MemoryManager mm, long word, boolean pi, boolean pending) throws ErrnoException {
    if ((word & 3) != 0) {
      return;
    }
    while (true) {
      int value = mm.readIntVolatile(word);
      if (pending && !pi && value == 0) {
        t.kernel().futexes().ownerDied(mm, word, false);
        return;
      }
      if ((value & FutexTable.FUTEX_TID_MASK) != t.tid()) {
        return;
      }
      int dead = value & FutexTable.FUTEX_WAITERS | FutexTable.FUTEX_OWNER_DIED;
      if (mm.compareAndExchangeInt(word, value, dead) == value) {
        if ((value & FutexTable.FUTEX_WAITERS) != 0) {
          t.kernel().futexes().ownerDied(mm, word, pi);
        }
        return;
      }
    }
  }
}
