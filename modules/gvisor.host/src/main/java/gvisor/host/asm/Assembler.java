package gvisor.host.asm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Writes x86-64 machine code, one method an instruction, in Intel operand order (destination first). Operands are 64
 * bits wide unless a method's name says 32. Jumps go to {@link Label}s, so code is position independent.
 *
 * <p>Encodings: Intel SDM volume 2, always the long displacement: the code here is small and read more often than run.
 */
public final class Assembler {
  /** Conditions of {@link #jump(Condition, Label)}; the number is the low half of the opcode. */
  public enum Condition {
    EQUAL(0x4), NOT_EQUAL(0x5), NEGATIVE(0x8), NOT_NEGATIVE(0x9), ABOVE_OR_EQUAL(0x3);

    private final int code;

    Condition(int code) {
      this.code = code;
    }
  }

  /** A place in the code, bound once, jumped to any number of times. */
  public static final class Label {
    private int offset = -1;

    /** Bytes from the start of the code. */
    public int offset() {
      if (offset < 0) {
        throw new IllegalStateException("label is not bound");
      }
      return offset;
    }
  }

  private record Fixup(int at, Label target) {}

  private ByteBuffer code = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
  private final List<Fixup> fixups = new ArrayList<>();

  /** The code so far, with every jump resolved. */
  public byte[] toBytes() {
    for (Fixup f : fixups) {
      code.putInt(f.at, f.target.offset() - (f.at + 4));
    }
    return Arrays.copyOf(code.array(), code.position());
  }

  /** A label for here. */
  public Label here() {
    Label label = new Label();
    bind(label);
    return label;
  }

  /** Puts {@code label} here. */
  public void bind(Label label) {
    label.offset = code.position();
  }

  /** {@code mov r, imm}. */
  public void mov(Reg dst, long value) {
    room();
    if (value >= 0 && value <= 0xffff_ffffL) {
      rex(false, null, dst);
      b(0xb8 | dst.low());
      code.putInt((int) value);
    } else {
      rex(true, null, dst);
      b(0xb8 | dst.low());
      code.putLong(value);
    }
  }

  /** {@code mov dst, src}. */
  public void mov(Reg dst, Reg src) {
    registers(true, 0x89, src, dst);
  }

  /** {@code mov dst, [base + offset]}. */
  public void load(Reg dst, Reg base, int offset) {
    memory(true, 0x8b, dst, base, offset);
  }

  /** {@code mov dst, dword [base + offset]}: the upper half becomes zero. */
  public void load32(Reg dst, Reg base, int offset) {
    memory(false, 0x8b, dst, base, offset);
  }

  /** {@code mov [base + offset], src}. */
  public void store(Reg base, int offset, Reg src) {
    memory(true, 0x89, src, base, offset);
  }

  /** {@code add r, imm}. */
  public void add(Reg dst, int value) {
    immediate(0, dst, value);
  }

  /** {@code and r, imm}. */
  public void and(Reg dst, int value) {
    immediate(4, dst, value);
  }

  /** {@code sub r, imm}. */
  public void sub(Reg dst, int value) {
    immediate(5, dst, value);
  }

  /** {@code cmp r, imm}; the immediate is sign-extended. */
  public void cmp(Reg a, int value) {
    immediate(7, a, value);
  }

  /** {@code test r, r}. */
  public void test(Reg a) {
    registers(true, 0x85, a, a);
  }

  /** {@code or dst, src}. */
  public void or(Reg dst, Reg src) {
    registers(true, 0x09, src, dst);
  }

  /** {@code shl r, imm}. */
  public void shl(Reg dst, int bits) {
    room();
    rex(true, null, dst);
    b(0xc1);
    b(0xe0 | dst.low());
    b(bits);
  }

  /** Makes {@code r} zero ({@code xor r, r}). */
  public void clear(Reg dst) {
    registers(false, 0x31, dst, dst);
  }

  /** {@code push r}. */
  public void push(Reg r) {
    room();
    rex(false, null, r);
    b(0x50 | r.low());
  }

  /** {@code pop r}. */
  public void pop(Reg r) {
    room();
    rex(false, null, r);
    b(0x58 | r.low());
  }

  /** {@code jmp label}. */
  public void jump(Label target) {
    room();
    b(0xe9);
    fixup(target);
  }

  /** {@code jcc label}. */
  public void jump(Condition condition, Label target) {
    room();
    b(0x0f);
    b(0x80 | condition.code);
    fixup(target);
  }

  /** {@code jmp r}. */
  public void jump(Reg target) {
    room();
    rex(false, null, target);
    b(0xff);
    b(0xe0 | target.low());
  }

  /** {@code call r}. */
  public void call(Reg target) {
    room();
    rex(false, null, target);
    b(0xff);
    b(0xd0 | target.low());
  }

  /** {@code syscall}. */
  public void syscall() {
    room();
    b(0x0f);
    b(0x05);
  }

  /** {@code int3}. */
  public void int3() {
    room();
    b(0xcc);
  }

  /** {@code ret}. */
  public void ret() {
    room();
    b(0xc3);
  }

  /** {@code rdtsc}: the counter in edx:eax. */
  public void rdtsc() {
    room();
    b(0x0f);
    b(0x31);
  }

  /** {@code hlt}. */
  public void hlt() {
    room();
    b(0xf4);
  }

  /** Fills up with {@code int3} to a multiple of {@code alignment} bytes from the start of the code, at most 16. */
  public void align(int alignment) {
    room();
    while (code.position() % alignment != 0) {
      b(0xcc);
    }
  }

  private void registers(boolean wide, int opcode, Reg reg, Reg rm) {
    room();
    rex(wide, reg, rm);
    b(opcode);
    b(0xc0 | reg.low() << 3 | rm.low());
  }

  private void memory(boolean wide, int opcode, Reg reg, Reg base, int offset) {
    room();
    rex(wide, reg, base);
    b(opcode);
    b(0x80 | reg.low() << 3 | base.low());
    if (base.low() == Reg.RSP.low()) {
      b(0x24); // rsp and r12 as a base need a SIB byte
    }
    code.putInt(offset);
  }

  private void immediate(int operation, Reg dst, int value) {
    room();
    rex(true, null, dst);
    b(0x81);
    b(0xc0 | operation << 3 | dst.low());
    code.putInt(value);
  }

  private void rex(boolean wide, Reg reg, Reg rm) {
    int prefix = (wide ? 8 : 0) | (reg != null && reg.isHigh() ? 4 : 0) | (rm.isHigh() ? 1 : 0);
    if (prefix != 0) {
      b(0x40 | prefix);
    }
  }

  private void fixup(Label target) {
    fixups.add(new Fixup(code.position(), target));
    code.putInt(0);
  }

  private void b(int value) {
    code.put((byte) value);
  }

  /** Makes room for the longest instruction there is. */
  private void room() {
    if (code.remaining() < 16) {
      byte[] bigger = Arrays.copyOf(code.array(), code.capacity() * 2);
      code = ByteBuffer.wrap(bigger).order(ByteOrder.LITTLE_ENDIAN).position(code.position());
    }
  }
}
