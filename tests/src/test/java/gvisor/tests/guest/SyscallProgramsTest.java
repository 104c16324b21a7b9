package gvisor.tests.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Every system call of the table is asserted by a program of {@code tests/guest}. */
class SyscallProgramsTest {
  @Test
  void everyCallOfTheTableIsMadeByAProgram() throws IOException {
    Set<String> table = SyscallPrograms.table();
    assertTrue(table.size() > 300, "the table is where this test looks for it");
    Set<String> missing = new TreeSet<>(table);
    missing.removeAll(SyscallPrograms.named().keySet());
    assertEquals(Set.of(), missing, "no program of tests/guest makes these calls");
  }

  @Test
  void onlyCodeCounts() {
    Set<String> names =
        SyscallPrograms.namedIn(
            """
            /* getpid() */
            #include <sys/chdir(x)>
            static long swapon(const char *path) { return syscall(SYS_swapoff, path); } // sync()
            int main(void) {
              printf("umask(0) \\" alarm(1)", 'c', pread (fd, b, 1, 0));
              switch (argc) { case SYS_iopl: case SYS_ioperm: return 0; }
              return swapon("x") + __NR_acct;
            }
            """);
    assertEquals(Set.of("acct", "main", "pread", "pread64", "printf", "swapoff", "switch", "syscall"), names);
  }
}
