package gvisor.sentry.arch;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.platform.Registers;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class SignalFrameTest {
  private static final int FPU = 1088;

  private static Registers registers() {
    int[] offsets = new int[Registers.COUNT];
    for (int i = 0; i < offsets.length; i++) {
      offsets[i] = 8 * i;
    }
    return new Registers(MemorySegment.ofArray(new long[Registers.COUNT]), offsets);
  }

  @Test
  void registersComeBackAsTheyWereButForFlagsOfTheSystem() {
    Registers in = registers();
    for (int r = 0; r < Registers.COUNT; r++) {
      in.set(r, 0x1000 + r);
    }
    in.set(Registers.RFLAGS, -1);
    MemorySegment frame = MemorySegment.ofArray(new long[128]);
    SignalFrame.write(frame, 0, in, 0x55, 0x7000);
    assertEquals(0x55, SignalFrame.mask(frame, 0));
    assertEquals(0x7000, SignalFrame.fpuAddress(frame, 0));
    // man 2 sigreturn; REG_RIP is the 17th general register behind ucontext's head: 8 + 40 + 16 * 8.
    assertEquals(0x1000 + Registers.RIP, frame.get(JAVA_LONG_UNALIGNED, 176));
    Registers out = registers();
    out.set(Registers.RFLAGS, 0x202);
    SignalFrame.readRegisters(frame, 0, out);
    for (int r = 0; r < Registers.FS_BASE; r++) {
      if (r != Registers.RFLAGS) {
        assertEquals(0x1000 + r, out.get(r));
      }
    }
    assertEquals(0x202 | SignalFrame.USER_FLAGS, out.get(Registers.RFLAGS));
    assertEquals(0, out.get(Registers.FS_BASE));
  }

  @Test
  void onlyAnExtendedStateWithBothMagicNumbersAndItsLengthIsWhole() {
    MemorySegment fpu = MemorySegment.ofArray(new byte[FPU + SignalFrame.FPU_TAIL]);
    SignalFrame.markFpu(fpu, 0, FPU);
    assertTrue(SignalFrame.isWholeFpu(fpu, 0, FPU));
    fpu.set(JAVA_INT_UNALIGNED, FPU, 0);
    assertFalse(SignalFrame.isWholeFpu(fpu, 0, FPU));
    SignalFrame.markFpu(fpu, 0, FPU);
    fpu.set(JAVA_INT_UNALIGNED, 480, FPU + 64);
    assertFalse(SignalFrame.isWholeFpu(fpu, 0, FPU));
  }

  @Test
  void aStateThatIsNotWholeKeepsItsLegacyPartOnly() {
    MemorySegment fpu = MemorySegment.ofArray(new byte[FPU + SignalFrame.FPU_TAIL]);
    fpu.fill((byte) 0x5a);
    SignalFrame.keepLegacyFpu(fpu, 0, FPU);
    assertEquals(0x5a5a5a5a, fpu.get(JAVA_INT_UNALIGNED, 32));
    assertEquals(3, fpu.get(JAVA_LONG_UNALIGNED, 512));
    for (int i = 520; i < FPU; i += 8) {
      assertEquals(0, fpu.get(JAVA_LONG_UNALIGNED, i));
    }
  }
}
