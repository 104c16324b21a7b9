package gvisor.sentry.kernel;

import gvisor.sentry.syscall.SyscallTable;
import java.util.concurrent.atomic.AtomicLongArray;

/** Counts calls that are not in the table, which an application sees as ENOSYS. Thread-safe. */
public final class UnknownCalls {
  private final AtomicLongArray counts = new AtomicLongArray(SyscallTable.LIMIT + 1);

  /** One more call of {@code number}; those outside the table share one count. */
  public void count(long number) {
    counts.getAndIncrement(number >= 0 && number < SyscallTable.LIMIT ? (int) number : SyscallTable.LIMIT);
  }

  /** How often {@code number} was called. */
  public long of(int number) {
    return counts.get(number);
  }
}
