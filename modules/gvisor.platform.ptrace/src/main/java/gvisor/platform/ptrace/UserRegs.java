package gvisor.platform.ptrace;

/** Offsets in the kernel's {@code struct user_regs_struct}, and what a 64-bit task's fixed registers hold. */
final class UserRegs {
  static final int R12 = 3 * 8, RBX = 5 * 8, R10 = 7 * 8, R9 = 8 * 8, R8 = 9 * 8, RAX = 10 * 8, RCX = 11 * 8,
      RDX = 12 * 8, RSI = 13 * 8, RDI = 14 * 8, ORIG_RAX = 15 * 8, RIP = 16 * 8, CS = 17 * 8, EFLAGS = 18 * 8, RSP = 19 * 8,
      SS = 20 * 8, FS_BASE = 21 * 8, GS_BASE = 22 * 8, DS = 23 * 8, ES = 24 * 8, FS = 25 * 8, GS = 26 * 8;

  /** Offsets in the order of {@link gvisor.api.platform.Registers}. */
  static final int[] API_ORDER = {
    0, 8, 16, 24, 32, 40, 48, 56, 64, 72, RAX, RCX, RDX, RSI, RDI, RIP, EFLAGS, RSP, FS_BASE, GS_BASE
  };

  /** Selectors of 64-bit user code and data. */
  static final long USER_CS = 0x33, USER_SS = 0x2b;

  /** Interrupts on, and the bit that is always one. */
  static final long INITIAL_FLAGS = 0x202;

  private UserRegs() {}
}
