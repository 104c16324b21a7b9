package gvisor.sentry.syscall;

import java.util.EnumMap;
import java.util.Map;

/** Writes {@code docs/compatibility.md}: what the table says of every system call that Linux has. */
public final class CompatibilityPage {
  private CompatibilityPage() {}

  /** The page, in Markdown. */
  public static String render(SyscallTable table) {
    StringBuilder rows = new StringBuilder();
    Map<SyscallTable.Support, Integer> counts = new EnumMap<>(SyscallTable.Support.class);
    int absent = 0;
    for (int number = 0; number < SyscallTable.LIMIT; number++) {
      String name = SyscallNames.name(number);
      SyscallTable.Entry entry = table.entry(number);
      if (name == null && entry == null) {
        continue;
      }
      if (entry == null) {
        absent++;
        rows.append("| %d | `%s` | absent | ENOSYS |%n".formatted(number, name));
        continue;
      }
      counts.merge(entry.support(), 1, Integer::sum);
      rows.append("| %d | `%s` | %s | %s |%n"
          .formatted(number, entry.name(), entry.support().name().toLowerCase(java.util.Locale.ROOT), entry.note()));
    }
    return """
        # System calls

        Generated from the system call table (`gvisor.sentry.syscall`); a test compares this page with it, and
        `./test --update-docs` writes it anew.

        **full**: all that Linux does. **partial**: the note says what is missing. **error**: always fails, as the note
        says. **absent**: not known, ENOSYS, and counted.

        %d full, %d partial, %d error, %d absent.

        | number | call | support | note |
        |---|---|---|---|
        """.formatted(counts.getOrDefault(SyscallTable.Support.FULL, 0),
        counts.getOrDefault(SyscallTable.Support.PARTIAL, 0),
        counts.getOrDefault(SyscallTable.Support.ERROR, 0), absent) + rows;
  }
}
