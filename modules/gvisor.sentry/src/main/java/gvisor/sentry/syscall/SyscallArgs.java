package gvisor.sentry.syscall;

import gvisor.api.platform.Registers;

/** The arguments of the system call a task is in: one reused object a task, over its registers. */
public final class SyscallArgs {
  private final Registers registers;

  public SyscallArgs(Registers registers) {
    this.registers = registers;
  }

  /** Argument {@code index}, 0 to 5, as the register has it. */
  public long i64(int index) {
    return registers.argument(index);
  }

  /** Argument as a C {@code int}. */
  public int i32(int index) {
    return (int) registers.argument(index);
  }

  /** Argument as an application address. */
  public long addr(int index) {
    return registers.argument(index);
  }

  /** Argument as a file descriptor. */
  public int fd(int index) {
    return (int) registers.argument(index);
  }

  /** Argument as a {@code size_t}: unsigned, so compare with {@link Long#compareUnsigned}. */
  public long size(int index) {
    return registers.argument(index);
  }

  /** The registers themselves, for the few calls that replace them. */
  public Registers registers() {
    return registers;
  }
}
