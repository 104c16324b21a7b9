package gvisor.host.asm;

/** The 64-bit general registers, in the order of their numbers in instructions. */
public enum Reg {
  RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15;

  int low() {
    return ordinal() & 7;
  }

  boolean isHigh() {
    return ordinal() >= 8;
  }
}
