package gvisor.host.asm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.HexFormat;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Expectations are what GNU as makes of the same instructions. */
class AssemblerTest {
  private static String hex(Consumer<Assembler> code) {
    Assembler a = new Assembler();
    code.accept(a);
    return HexFormat.of().formatHex(a.toBytes());
  }

  @Test
  void movesBetweenRegistersAndMemory() {
    assertEquals("b865000000", hex(a -> a.mov(Reg.RAX, 0x65)));
    assertEquals("49bcffffffffffffffff", hex(a -> a.mov(Reg.R12, -1)));
    assertEquals("4c89e7", hex(a -> a.mov(Reg.RDI, Reg.R12)));
    assertEquals("4d8b842408000000", hex(a -> a.load(Reg.R8, Reg.R12, 8)));
    assertEquals("488b8338000000", hex(a -> a.load(Reg.RAX, Reg.RBX, 0x38)));
    assertEquals("418b8500000000", hex(a -> a.load32(Reg.RAX, Reg.R13, 0)));
    assertEquals("48898338000000", hex(a -> a.store(Reg.RBX, 0x38, Reg.RAX)));
  }

  @Test
  void arithmetic() {
    assertEquals("4881c340000000", hex(a -> a.add(Reg.RBX, 64)));
    assertEquals("4981ec01000000", hex(a -> a.sub(Reg.R12, 1)));
    assertEquals("4881f801f0ffff", hex(a -> a.cmp(Reg.RAX, -4095)));
    assertEquals("4d85e4", hex(a -> a.test(Reg.R12)));
    assertEquals("4531d2", hex(a -> a.clear(Reg.R10)));
    assertEquals("48c1e220", hex(a -> a.shl(Reg.RDX, 32)));
    assertEquals("4809d0", hex(a -> a.or(Reg.RAX, Reg.RDX)));
    assertEquals("4881e0ff000000", hex(a -> a.and(Reg.RAX, 0xff)));
    assertEquals("534154415c5b", hex(a -> {
      a.push(Reg.RBX);
      a.push(Reg.R12);
      a.pop(Reg.R12);
      a.pop(Reg.RBX);
    }));
  }

  @Test
  void jumpsForthAndBack() {
    assertEquals("e9fbffffff", hex(a -> a.jump(a.here())));
    assertEquals("0f8402000000ccccc3", hex(a -> {
      Assembler.Label end = new Assembler.Label();
      a.jump(Assembler.Condition.EQUAL, end);
      a.int3();
      a.int3();
      a.bind(end);
      a.ret();
    }));
    assertEquals("41ffe5", hex(a -> a.jump(Reg.R13)));
    assertThrows(IllegalStateException.class, () -> hex(a -> a.jump(new Assembler.Label())));
  }

  @Test
  void growsAndKeepsItsCode() {
    Assembler a = new Assembler();
    for (int i = 0; i < 1000; i++) {
      a.mov(Reg.RAX, i);
    }
    byte[] code = a.toBytes();
    assertEquals(5000, code.length);
    assertEquals((byte) 999, code[4996]);
  }
}
