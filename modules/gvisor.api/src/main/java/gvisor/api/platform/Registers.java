package gvisor.api.platform;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * General registers as a flyweight over memory the platform provides (ptrace's {@code user_regs_struct}, KVM's synced
 * registers), so that no platform copies them twice. Segment bases are the last two fields. One thread.
 */
public final class Registers {
  /** Register numbers: the order of {@code struct user_regs_struct}. */
  public static final int R15 = 0, R14 = 1, R13 = 2, R12 = 3, RBP = 4, RBX = 5, R11 = 6, R10 = 7, R9 = 8, R8 = 9,
      RAX = 10, RCX = 11, RDX = 12, RSI = 13, RDI = 14, RIP = 15, RFLAGS = 16, RSP = 17, FS_BASE = 18, GS_BASE = 19;

  /** How many there are. */
  public static final int COUNT = 20;

  private final MemorySegment segment;
  private final int[] offsets;

  /** Registers at {@code offsets[register]} bytes into {@code segment}. */
  public Registers(MemorySegment segment, int[] offsets) {
    if (offsets.length != COUNT) {
      throw new IllegalArgumentException("offsets: " + offsets.length + ", expected " + COUNT);
    }
    this.segment = segment;
    this.offsets = offsets.clone();
  }

  public long get(int register) {
    return segment.get(JAVA_LONG_UNALIGNED, offsets[register]);
  }

  public void set(int register, long value) {
    segment.set(JAVA_LONG_UNALIGNED, offsets[register], value);
  }

  public long rip() {
    return get(RIP);
  }

  public long rsp() {
    return get(RSP);
  }

  public long rax() {
    return get(RAX);
  }

  /** The return value of a system call. */
  public void rax(long value) {
    set(RAX, value);
  }

  /** System call argument {@code index}, 0 to 5: rdi, rsi, rdx, r10, r8, r9. */
  public long argument(int index) {
    return switch (index) {
      case 0 -> get(RDI);
      case 1 -> get(RSI);
      case 2 -> get(RDX);
      case 3 -> get(R10);
      case 4 -> get(R8);
      case 5 -> get(R9);
      default -> throw new IndexOutOfBoundsException(index);
    };
  }

  /** Copies every register into {@code out}, in register order. */
  public void save(long[] out) {
    for (int r = 0; r < COUNT; r++) {
      out[r] = get(r);
    }
  }

  /** Replaces every register by {@code in}, in register order. */
  public void load(long[] in) {
    for (int r = 0; r < COUNT; r++) {
      set(r, in[r]);
    }
  }
}
