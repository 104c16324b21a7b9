package gvisor.sentry.syscall;

import static org.junit.jupiter.api.Assertions.assertEquals;

import gvisor.sentry.syscall.linux.Amd64;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class CompatibilityPageTest {
  private static final Path PAGE = Path.of("../../docs/compatibility.md");

  private static SyscallTable table() {
    SyscallTable table = new SyscallTable();
    Amd64.fill(table);
    return table;
  }

  @Test
  void namesAreLinuxes() {
    SyscallTable table = table();
    for (int number = 0; number < SyscallTable.LIMIT; number++) {
      if (table.entry(number) != null) {
        assertEquals(SyscallNames.name(number), table.entry(number).name());
      }
    }
  }

  @Test
  void pageSaysWhatTheTableSays() throws IOException {
    String page = CompatibilityPage.render(table());
    if (Boolean.getBoolean("updateDocs")) {
      Files.writeString(PAGE, page);
    }
    assertEquals(page, Files.exists(PAGE) ? Files.readString(PAGE) : "",
        "docs/compatibility.md is not what the system call table says: write it anew with ./test --update-docs");
  }
}
