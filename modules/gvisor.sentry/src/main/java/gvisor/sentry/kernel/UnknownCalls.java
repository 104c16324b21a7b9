package gvisor.sentry.kernel;

import gvisor.sentry.syscall.SyscallNames;
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

  /** Each that was called, by name, with its count; empty when there was none. */
  public String summary() {
    StringBuilder s = new StringBuilder();
    for (int i = 0; i <= SyscallTable.LIMIT; i++) {
      long n = counts.get(i);
      if (n > 0) {
        String name = i < SyscallTable.LIMIT ? SyscallNames.name(i) : "others";
        s.append(s.isEmpty() ? "" : ", ").append(name == null ? "number " + i : name).append(' ').append(n);
      }
    }
    return s.toString();
  }
}
