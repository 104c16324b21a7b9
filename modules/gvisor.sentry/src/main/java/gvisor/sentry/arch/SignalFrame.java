package gvisor.sentry.arch;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.platform.Registers;
import java.lang.foreign.MemorySegment;

/**
 * {@code struct rt_sigframe}: what lies on the stack when a signal handler starts, and what {@code rt_sigreturn} puts
 * back ({@code arch/x86/include/asm/sigframe.h}, {@code uapi/asm/ucontext.h}, {@code uapi/asm/sigcontext.h}).
 *
 * <pre>
 *   0 return address   8 ucontext: 8 flags 16 link 24 stack 48 registers 304 mask   312 siginfo   440 end
 *   registers: 48 r8..r15 112 rdi rsi rbp rbx rdx rax rcx rsp rip flags 192 cs gs fs ss
 *              200 error 208 trap 216 old mask 224 cr2 232 extended state
 * </pre>
 *
 * The extended state lies above, aligned to 64 bytes: an XSAVE area in standard format whose software-reserved bytes
 * say how long it is, followed by a second magic number.
 */
public final class SignalFrame {
  /** Bytes from the return address to the end of {@code siginfo_t}. */
  public static final int SIZE = 440;

  /** Where {@code struct ucontext} starts. */
  public static final int UCONTEXT = 8;

  /** Where {@code siginfo_t} starts. */
  public static final int SIGINFO = 312;

  /** Bytes behind the extended state: the second magic number. */
  public static final int FPU_TAIL = 4;

  /** The alignment of the extended state. */
  public static final int FPU_ALIGNMENT = 64;

  /** Flags an application may change by {@code rt_sigreturn}: AC OF DF TF SF ZF AF PF CF and RF. */
  public static final long USER_FLAGS = 0x50dd5;

  /** Direction, trap and resume flag: clear when a handler starts. */
  public static final long CLEARED_FLAGS = 0x400 | 0x100 | 0x10000;

  private static final int FLAGS = 8;
  private static final int LINK = 16;
  private static final int STACK_SP = 24;
  private static final int STACK_FLAGS = 32;
  private static final int STACK_SIZE = 40;
  private static final int GENERAL = 48;
  private static final int SEGMENTS = 192;
  private static final int ERROR = 200;
  private static final int TRAP = 208;
  private static final int OLD_MASK = 216;
  private static final int CR2 = 224;
  private static final int FPSTATE = 232;
  private static final int RESERVED = 240;
  private static final int MASK = 304;

  /** Registers in the order of {@code struct sigcontext}. */
  private static final int[] ORDER = {Registers.R8, Registers.R9, Registers.R10, Registers.R11, Registers.R12,
    Registers.R13, Registers.R14, Registers.R15, Registers.RDI, Registers.RSI, Registers.RBP, Registers.RBX,
    Registers.RDX, Registers.RAX, Registers.RCX, Registers.RSP, Registers.RIP, Registers.RFLAGS};

  private static final short USER_CS = 0x33;
  private static final short USER_SS = 0x2b;

  /** UC_FP_XSTATE, UC_SIGCONTEXT_SS and UC_STRICT_RESTORE_SS. */
  private static final long UC_FLAGS = 7;

  private static final int FXSAVE_BYTES = 512;
  private static final int SW_MAGIC1 = 464;
  private static final int SW_EXTENDED_SIZE = 468;
  private static final int SW_FEATURES = 472;
  private static final int SW_XSTATE_SIZE = 480;
  private static final int SW_END = 512;
  private static final int FP_XSTATE_MAGIC1 = 0x46505853;
  private static final int FP_XSTATE_MAGIC2 = 0x46505845;
  private static final long X87_AND_SSE = 3;

  private SignalFrame() {}

  /** Writes everything but the return address and {@code siginfo_t} for a frame at {@code at} in {@code to}. */
  public static void write(MemorySegment to, long at, Registers regs, long mask, long fpuAddress) {
    to.set(JAVA_LONG_UNALIGNED, at + FLAGS, UC_FLAGS);
    to.set(JAVA_LONG_UNALIGNED, at + LINK, 0);
    for (int i = 0; i < ORDER.length; i++) {
      to.set(JAVA_LONG_UNALIGNED, at + GENERAL + 8L * i, regs.get(ORDER[i]));
    }
    to.set(JAVA_SHORT_UNALIGNED, at + SEGMENTS, USER_CS);
    to.set(JAVA_SHORT_UNALIGNED, at + SEGMENTS + 2, (short) 0);
    to.set(JAVA_SHORT_UNALIGNED, at + SEGMENTS + 4, (short) 0);
    to.set(JAVA_SHORT_UNALIGNED, at + SEGMENTS + 6, USER_SS);
    to.set(JAVA_LONG_UNALIGNED, at + OLD_MASK, mask);
    to.set(JAVA_LONG_UNALIGNED, at + FPSTATE, fpuAddress);
    for (int i = RESERVED; i < MASK; i += 8) {
      to.set(JAVA_LONG_UNALIGNED, at + i, 0);
    }
    to.set(JAVA_LONG_UNALIGNED, at + MASK, mask);
  }

  /** Writes what the processor said of the last fault. */
  public static void writeFault(MemorySegment to, long at, long error, long trap, long address) {
    to.set(JAVA_LONG_UNALIGNED, at + ERROR, error);
    to.set(JAVA_LONG_UNALIGNED, at + TRAP, trap);
    to.set(JAVA_LONG_UNALIGNED, at + CR2, address);
  }

  /** Writes the alternate stack. */
  public static void writeStack(MemorySegment to, long at, long base, int flags, long size) {
    to.set(JAVA_LONG_UNALIGNED, at + STACK_SP, base);
    to.set(JAVA_LONG_UNALIGNED, at + STACK_FLAGS, flags & 0xffffffffL);
    to.set(JAVA_LONG_UNALIGNED, at + STACK_SIZE, size);
  }

  /** Marks the extended state of {@code size} bytes at {@code at} as one that can be restored whole. */
  public static void markFpu(MemorySegment to, long at, int size) {
    if (size <= FXSAVE_BYTES) {
      return;
    }
    long features = to.get(JAVA_LONG_UNALIGNED, at + SW_MAGIC1);
    if (features == 0) {
      features = to.get(JAVA_LONG_UNALIGNED, at + FXSAVE_BYTES) | X87_AND_SSE;
    }
    for (int i = SW_XSTATE_SIZE; i < SW_END; i += 8) {
      to.set(JAVA_LONG_UNALIGNED, at + i, 0);
    }
    to.set(JAVA_INT_UNALIGNED, at + SW_MAGIC1, FP_XSTATE_MAGIC1);
    to.set(JAVA_INT_UNALIGNED, at + SW_EXTENDED_SIZE, size + FPU_TAIL);
    to.set(JAVA_LONG_UNALIGNED, at + SW_FEATURES, features);
    to.set(JAVA_INT_UNALIGNED, at + SW_XSTATE_SIZE, size);
    to.set(JAVA_INT_UNALIGNED, at + size, FP_XSTATE_MAGIC2);
  }

  /** Whether the extended state at {@code at}, read back with its tail, is whole: else only its legacy part counts. */
  public static boolean isWholeFpu(MemorySegment from, long at, int size) {
    return size > FXSAVE_BYTES
        && from.get(JAVA_INT_UNALIGNED, at + SW_MAGIC1) == FP_XSTATE_MAGIC1
        && from.get(JAVA_INT_UNALIGNED, at + SW_XSTATE_SIZE) == size
        && from.get(JAVA_INT_UNALIGNED, at + size) == FP_XSTATE_MAGIC2;
  }

  /** Makes the state at {@code at} one whose parts beyond the legacy one are at their initial values. */
  public static void keepLegacyFpu(MemorySegment to, long at, int size) {
    for (int i = SW_MAGIC1; i < SW_END; i += 8) {
      to.set(JAVA_LONG_UNALIGNED, at + i, 0);
    }
    if (size > FXSAVE_BYTES) {
      to.asSlice(at + FXSAVE_BYTES, size - FXSAVE_BYTES).fill((byte) 0);
      to.set(JAVA_LONG_UNALIGNED, at + FXSAVE_BYTES, X87_AND_SSE);
    }
  }

  /** Puts back the general registers; of the flags only what an application may change. */
  public static void readRegisters(MemorySegment from, long at, Registers regs) {
    long flags = regs.get(Registers.RFLAGS);
    for (int i = 0; i < ORDER.length; i++) {
      regs.set(ORDER[i], from.get(JAVA_LONG_UNALIGNED, at + GENERAL + 8L * i));
    }
    long wanted = regs.get(Registers.RFLAGS);
    regs.set(Registers.RFLAGS, flags & ~USER_FLAGS | wanted & USER_FLAGS);
  }

  public static long mask(MemorySegment from, long at) {
    return from.get(JAVA_LONG_UNALIGNED, at + MASK);
  }

  public static long fpuAddress(MemorySegment from, long at) {
    return from.get(JAVA_LONG_UNALIGNED, at + FPSTATE);
  }

  public static long stackBase(MemorySegment from, long at) {
    return from.get(JAVA_LONG_UNALIGNED, at + STACK_SP);
  }

  public static int stackFlags(MemorySegment from, long at) {
    return from.get(JAVA_INT_UNALIGNED, at + STACK_FLAGS);
  }

  public static long stackSize(MemorySegment from, long at) {
    return from.get(JAVA_LONG_UNALIGNED, at + STACK_SIZE);
  }
}
