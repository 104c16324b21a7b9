package gvisor.sentry.kernel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class SigInfoTest {
  private final MemorySegment s = MemorySegment.ofArray(new byte[SigInfo.SIZE]);

  @Test
  void fieldsAreWhereLinuxHasThem() {
    SigInfo.child(Signal.SIGCHLD, Signal.CLD_EXITED, 7, 1000, 42, 3, 4).write(s, 0);
    assertEquals(Signal.SIGCHLD, s.get(JAVA_INT_UNALIGNED, 0));
    assertEquals(Signal.CLD_EXITED, s.get(JAVA_INT_UNALIGNED, 8));
    assertEquals(7, s.get(JAVA_INT_UNALIGNED, 16));
    assertEquals(1000, s.get(JAVA_INT_UNALIGNED, 20));
    assertEquals(42, s.get(JAVA_INT_UNALIGNED, 24));
    assertEquals(3, s.get(JAVA_LONG_UNALIGNED, 32));
    assertEquals(4, s.get(JAVA_LONG_UNALIGNED, 40));
  }

  @Test
  void whatAnApplicationQueuedArrivesWholeButForTheNumber() {
    for (int i = 0; i < SigInfo.SIZE; i++) {
      s.set(JAVA_BYTE, i, (byte) i);
    }
    MemorySegment out = MemorySegment.ofArray(new byte[SigInfo.SIZE]);
    SigInfo.read(40, s, 0).write(out, 0);
    assertEquals(40, out.get(JAVA_INT_UNALIGNED, 0));
    for (int i = 4; i < SigInfo.SIZE; i++) {
      if (i < 12 || i >= 16) {
        assertEquals((byte) i, out.get(JAVA_BYTE, i), "byte " + i);
      }
    }
  }

  @Test
  void theOverrunOfATimerSharesItsWordWithTheId() {
    SigInfo info = SigInfo.timer(Signal.SIGALRM, 9, 77, null);
    info.setOverrun(5);
    info.write(s, 0);
    assertEquals(9, s.get(JAVA_INT_UNALIGNED, 16));
    assertEquals(5, s.get(JAVA_INT_UNALIGNED, 20));
    assertEquals(77, s.get(JAVA_LONG_UNALIGNED, 24));
  }
}
