package gvisor.host.seccomp;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class BpfTest {
  @Test
  void isLaidOutAsTheKernelWantsIt() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment fprog = new Bpf().requireX8664().load(Bpf.NUMBER).allow(60).ret(Bpf.KILL_PROCESS).toSockFprog(arena);
      assertEquals(7, fprog.get(JAVA_SHORT, 0));
      MemorySegment code = MemorySegment.ofAddress(fprog.get(JAVA_LONG, 8)).reinterpret(7 * 8);
      assertEquals(0x20, code.get(JAVA_SHORT, 0));
      assertEquals(Bpf.ARCH, code.get(JAVA_INT, 4));
      assertEquals(0x15 | 1 << 16, code.get(JAVA_INT, 8));
      assertEquals(Bpf.ARCH_X86_64, code.get(JAVA_INT, 12));
      assertEquals(60, code.get(JAVA_INT, 4 * 8 + 4));
      assertEquals(Bpf.KILL_PROCESS, code.get(JAVA_INT, 6 * 8 + 4));
    }
  }

  @Test
  void refusesJumpsThatDoNotFit() {
    assertThrows(IllegalArgumentException.class, () -> new Bpf().jumpEqual(1, 256, 0));
  }
}
