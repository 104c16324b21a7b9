package gvisor.sentry.kernel;

import gvisor.sentry.syscall.SyscallNames;
import gvisor.sentry.syscall.SyscallTable;

/**
 * Which calls of the table were made at all, for the log: what a seccomp profile needs, and what tests did not reach. Not
 * how often: that would be a word all processors write to, in every call. A note of two threads at once is the same note.
 */
public final class MadeCalls {
  private final boolean[] made = new boolean[SyscallTable.LIMIT];

  /** The call {@code number}, which is in the table, was made. */
  public void note(int number) {
    if (!made[number]) {
      made[number] = true;
    }
  }

  /** Their names in number order, with a space between. */
  public String summary() {
    StringBuilder s = new StringBuilder();
    for (int i = 0; i < made.length; i++) {
      if (made[i]) {
        s.append(s.isEmpty() ? "" : " ").append(SyscallNames.name(i));
      }
    }
    return s.toString();
  }
}
