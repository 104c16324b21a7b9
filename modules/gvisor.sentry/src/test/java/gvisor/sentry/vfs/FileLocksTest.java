package gvisor.sentry.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.ErrnoException;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FileLocksTest {
  private final FileLocks locks = new FileLocks(null); // of no file that anybody lists
  private final Object a = new Object();
  private final Object b = new Object();

  @Test
  void unlockingTheMiddleLeavesBothEnds() throws ErrnoException {
    assertNull(locks.lockRange(a, 1, true, 0, 99));
    locks.unlockRange(a, 40, 59);
    assertNull(locks.lockRange(b, 2, true, 40, 59));
    assertEquals(39, locks.conflict(b, false, 0, 50).end());
    assertEquals(60, locks.conflict(b, false, 55, FileLocks.TO_END).start());
  }

  @Test
  void neighboursBecomeOne() throws ErrnoException {
    locks.lockRange(a, 1, false, 0, 9);
    locks.lockRange(a, 1, false, 20, 29);
    locks.lockRange(a, 1, false, 10, 19);
    FileLocks.Range r = locks.conflict(b, true, 15, 15);
    assertEquals(0, r.start());
    assertEquals(29, r.end());
  }

  @Test
  void readersShareAndWritersDoNot() throws ErrnoException {
    assertNull(locks.lockRange(a, 1, false, 0, FileLocks.TO_END));
    assertNull(locks.lockRange(b, 2, false, 5, 5));
    assertNotNull(locks.lockRange(a, 1, true, 5, 5));
    locks.releaseRanges(b);
    assertNull(locks.lockRange(a, 1, true, 5, 5));
    assertNotNull(locks.lockRange(b, 2, false, 5, 5));
    assertNull(locks.conflict(a, true, 0, FileLocks.TO_END));
  }

  @Test
  void agreesWithAByteByByteModel() throws ErrnoException {
    Random random = new Random(7);
    int[][] held = new int[2][64];
    for (int i = 0; i < 20_000; i++) {
      int who = random.nextInt(2);
      int start = random.nextInt(64);
      int end = start + random.nextInt(64 - start);
      int kind = random.nextInt(3);
      boolean free = true;
      for (int p = start; p <= end; p++) {
        free &= held[1 - who][p] == 0 || kind == 1 && held[1 - who][p] == 1;
      }
      Object owner = who == 0 ? a : b;
      if (kind == 0) {
        locks.unlockRange(owner, start, end);
      } else {
        assertEquals(free, locks.lockRange(owner, who, kind == 2, start, end) == null);
      }
      if (kind == 0 || free) {
        java.util.Arrays.fill(held[who], start, end + 1, kind);
      }
    }
  }

  @Test
  void circlesOfWaitingAreRefused() {
    LockWaits waits = new LockWaits();
    Object c = new Object();
    assertTrue(waits.begin(a, b));
    assertTrue(waits.begin(b, c));
    assertFalse(waits.begin(c, a));
    waits.end(b);
    assertTrue(waits.begin(c, a));
  }
}
