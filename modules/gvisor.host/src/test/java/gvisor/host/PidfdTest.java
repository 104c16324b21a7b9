package gvisor.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.util.List;
import org.junit.jupiter.api.Test;

class PidfdTest {
  private static final int SIGKILL = 9;

  @Test
  void tellsTheEndOfAProcess() throws Exception {
    Child child = new Spawn("/bin/sleep", List.of("sleep", "100")).start();
    try (Pidfd process = Pidfd.open(child.pid())) {
      assertFalse(process.awaitEnd(0));
      assertFalse(process.awaitEnd(20));
      process.kill(SIGKILL);
      assertTrue(process.awaitEnd(10_000));
      assertTrue(process.awaitEnd(0), "and again");
      assertEquals(128 + SIGKILL, child.waitFor());
      assertEquals(Errno.ESRCH, assertThrows(ErrnoException.class, () -> process.kill(SIGKILL)).errno());
      assertEquals(
          Errno.ESRCH, assertThrows(ErrnoException.class, () -> Pidfd.open(child.pid())).errno());
    } finally {
      child.kill(SIGKILL);
    }
  }
}
