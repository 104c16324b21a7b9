package gvisor.sentry.syscall;

import gvisor.api.errno.Errno;

/** System calls by number, with what the documentation says of each. Filled once, then read by every task. */
public final class SyscallTable {
  /** How much of the call there is. */
  public enum Support {
    FULL,
    PARTIAL,
    ERROR
  }

  /**
   * One line of the table.
   *
   * @param note what is missing, for PARTIAL and ERROR; empty for FULL
   */
  public record Entry(int number, String name, Support support, SyscallHandler handler, String note) {}

  /** Numbers are below this. */
  public static final int LIMIT = 512;

  private final Entry[] entries = new Entry[LIMIT];

  /** A call that does all that Linux does. */
  public void full(int number, String name, SyscallHandler handler) {
    put(new Entry(number, name, Support.FULL, handler, ""));
  }

  /** A call that lacks what {@code note} says. */
  public void partial(int number, String name, SyscallHandler handler, String note) {
    put(new Entry(number, name, Support.PARTIAL, handler, note));
  }

  /** A call that always fails with {@code errno}. */
  public void error(int number, String name, Errno errno, String note) {
    put(new Entry(number, name, Support.ERROR, (task, args) -> -errno.number(), note));
  }

  private void put(Entry entry) {
    if (entries[entry.number()] != null) {
      throw new IllegalStateException("system call " + entry.number() + " is in the table twice");
    }
    entries[entry.number()] = entry;
  }

  /** The line for {@code number}, or null: ENOSYS. */
  public Entry entry(long number) {
    return number >= 0 && number < LIMIT ? entries[(int) number] : null;
  }
}
