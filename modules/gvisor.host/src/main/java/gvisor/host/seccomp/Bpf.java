package gvisor.host.seccomp;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Writes a seccomp filter ({@code man 2 seccomp}), one method an instruction. Jumps go forward over a count. */
public final class Bpf {
  /** Offsets in {@code struct seccomp_data} for {@link #load}. */
  public static final int NUMBER = 0, ARCH = 4, IP_LOW = 8, IP_HIGH = 12;

  /** {@code AUDIT_ARCH_X86_64}. */
  public static final int ARCH_X86_64 = 0xc000003e;

  /** Actions for {@link #ret}; an errno is added to ERRNO. */
  public static final int ALLOW = 0x7fff0000, KILL_PROCESS = 0x80000000, ERRNO = 0x00050000, LOG = 0x7ffc0000,
      USER_NOTIF = 0x7fc00000;

  private static final int LD_W_ABS = 0x20;
  private static final int JMP_JEQ_K = 0x15;
  private static final int JMP_JGE_K = 0x35;
  private static final int JMP_JSET_K = 0x45;
  private static final int ALU_AND_K = 0x54;
  private static final int RET_K = 0x06;
  private static final int MAX_JUMP = 255;

  private record Instruction(int code, int ifTrue, int ifFalse, int k) {}

  private final List<Instruction> program = new ArrayList<>();

  /** Loads 32 bits of {@code struct seccomp_data} at {@code offset}. */
  public Bpf load(int offset) {
    return add(LD_W_ABS, 0, 0, offset);
  }

  /** Loads half of argument {@code index}, 0 to 5. */
  public Bpf loadArgument(int index, boolean highHalf) {
    return load(16 + 8 * index + (highHalf ? 4 : 0));
  }

  /** Skips {@code ifEqual} instructions if what was loaded is {@code value}, else {@code ifNot}. */
  public Bpf jumpEqual(int value, int ifEqual, int ifNot) {
    return add(JMP_JEQ_K, ifEqual, ifNot, value);
  }

  /** Skips {@code ifAtLeast} instructions if what was loaded is, unsigned, at least {@code value}, else {@code ifNot}. */
  public Bpf jumpAtLeast(int value, int ifAtLeast, int ifNot) {
    return add(JMP_JGE_K, ifAtLeast, ifNot, value);
  }

  /** Skips {@code ifAny} instructions if what was loaded has a bit of {@code bits}, else {@code ifNone}. */
  public Bpf jumpAnySet(int bits, int ifAny, int ifNone) {
    return add(JMP_JSET_K, ifAny, ifNone, bits);
  }

  /** Takes away all bits but those of {@code mask} from what was loaded. */
  public Bpf and(int mask) {
    return add(ALU_AND_K, 0, 0, mask);
  }

  /** Goes on with the instructions of {@code other}. */
  public Bpf append(Bpf other) {
    program.addAll(other.program);
    return this;
  }

  /** How many instructions there are. */
  public int size() {
    return program.size();
  }

  /** Ends with {@code action}. */
  public Bpf ret(int action) {
    return add(RET_K, 0, 0, action);
  }

  /** Allows the system calls of {@code numbers}; the number must have been loaded. Goes on behind for any other. */
  public Bpf allow(int... numbers) {
    for (int number : numbers) {
      jumpEqual(number, 0, 1);
      ret(ALLOW);
    }
    return this;
  }

  /** Kills the process unless the call is one of 64-bit code; the first thing in any filter. */
  public Bpf requireX8664() {
    return load(ARCH).jumpEqual(ARCH_X86_64, 1, 0).ret(KILL_PROCESS);
  }

  /** The program as a native {@code struct sock_fprog}. */
  public MemorySegment toSockFprog(Arena arena) {
    MemorySegment code = arena.allocate(8L * program.size(), 8);
    for (int i = 0; i < program.size(); i++) {
      Instruction in = program.get(i);
      code.set(JAVA_SHORT, 8L * i, (short) in.code);
      code.set(JAVA_BYTE, 8L * i + 2, (byte) in.ifTrue);
      code.set(JAVA_BYTE, 8L * i + 3, (byte) in.ifFalse);
      code.set(JAVA_INT, 8L * i + 4, in.k);
    }
    MemorySegment fprog = arena.allocate(16, 8);
    fprog.set(JAVA_SHORT, 0, (short) program.size());
    fprog.set(JAVA_LONG, 8, code.address());
    return fprog;
  }

  private Bpf add(int code, int ifTrue, int ifFalse, int k) {
    if (ifTrue < 0 || ifTrue > MAX_JUMP || ifFalse < 0 || ifFalse > MAX_JUMP) {
      throw new IllegalArgumentException("jump over " + ifTrue + " or " + ifFalse + " instructions");
    }
    program.add(new Instruction(code, ifTrue, ifFalse, k));
    return this;
  }
}
