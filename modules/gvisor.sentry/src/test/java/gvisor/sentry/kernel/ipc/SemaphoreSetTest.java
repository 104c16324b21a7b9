package gvisor.sentry.kernel.ipc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.WaitEntry;
import gvisor.sentry.auth.Credentials;
import org.junit.jupiter.api.Test;

class SemaphoreSetTest {
  private final SemaphoreTable table = new SemaphoreTable();
  private final Credentials root = Credentials.root(0);
  private final SemaphoreSet set;
  private int wakeUps;

  SemaphoreSetTest() throws ErrnoException {
    set = table.get(root, IpcTable.IPC_PRIVATE, 3, 0600, 0);
  }

  /** Operations as triples of number, change and flags. */
  private SemaphoreSet.Pending ops(Object process, int... triples) {
    int n = triples.length / 3;
    short[] numbers = new short[n];
    short[] changes = new short[n];
    short[] flags = new short[n];
    for (int i = 0; i < n; i++) {
      numbers[i] = (short) triples[3 * i];
      changes[i] = (short) triples[3 * i + 1];
      flags[i] = (short) triples[3 * i + 2];
    }
    return new SemaphoreSet.Pending(numbers, changes, flags, 7, process, new WaitEntry() {
      @Override
      public void notify(int mask) {
        wakeUps++;
      }
    });
  }

  @Test
  void operationsHappenTogetherOrNotAtAll() throws ErrnoException {
    assertTrue(set.perform(ops("p", 0, 2, 0), 0));
    SemaphoreSet.Pending waits = ops("p", 0, -1, 0, 1, -1, 0);
    assertFalse(set.perform(waits, 0));
    assertEquals(2, set.value(0));
    assertEquals(1, set.waiters(1, false));
    assertTrue(set.perform(ops("q", 1, 1, 0), 0));
    assertTrue(waits.isDone());
    assertEquals(0, waits.result());
    assertEquals(1, wakeUps);
    assertEquals(1, set.value(0));
    assertEquals(0, set.value(1));
  }

  @Test
  void oneWakeUpCanLeadToTheNext() throws ErrnoException {
    SemaphoreSet.Pending zero = ops("p", 1, 0, 0);
    set.setValue(1, 1, 0, 0);
    assertFalse(set.perform(zero, 0));
    SemaphoreSet.Pending takes = ops("q", 0, -1, 0, 1, -1, 0);
    assertFalse(set.perform(takes, 0));
    assertTrue(set.perform(ops("r", 0, 1, 0), 0));
    assertTrue(takes.isDone());
    assertTrue(zero.isDone());
  }

  @Test
  void exitUndoesAndWakes() throws ErrnoException {
    assertTrue(set.perform(ops("p", 0, 1, 0), 0));
    assertTrue(set.perform(ops("dying", 0, -1, SemaphoreSet.SEM_UNDO), 0));
    SemaphoreSet.Pending waits = ops("p", 0, -1, 0);
    assertFalse(set.perform(waits, 0));
    set.undo("dying", 9, 0);
    assertTrue(waits.isDone());
    assertEquals(0, set.value(0));
  }

  @Test
  void removalEndsWaitsWithEidrm() throws ErrnoException {
    SemaphoreSet.Pending waits = ops("p", 0, -1, 0);
    assertFalse(set.perform(waits, 0));
    table.remove(set);
    assertEquals(-Errno.EIDRM.number(), waits.result());
    assertEquals(Errno.EINVAL, assertThrows(ErrnoException.class, () -> table.find(set.id())).errno());
    assertEquals(0, table.total());
  }

  @Test
  void noWaitIsEagainAndTooLargeIsErange() {
    assertEquals(Errno.EAGAIN, assertThrows(ErrnoException.class,
        () -> set.perform(ops("p", 0, -1, SemaphoreSet.IPC_NOWAIT), 0)).errno());
    assertEquals(Errno.ERANGE, assertThrows(ErrnoException.class,
        () -> set.perform(ops("p", 0, 32767, 0, 0, 1, 0), 0)).errno());
  }
}
