package gvisor.api.platform;

/** Why application code stopped running. Details are on the {@link Context}, so that a stop allocates nothing. */
public enum StopReason {
  /**
   * It made a system call. The number is in {@code rax}; {@code rip} is behind the instruction; {@code rcx} and
   * {@code r11} are already what Linux leaves in them.
   */
  SYSCALL,
  /** It touched memory it may not, or that is not mapped yet: {@link Context#faultAddress}, {@link Context#faultAccess}. */
  FAULT,
  /** The processor raised another exception: {@link Context#signal} and {@link Context#signalCode} say which. */
  SIGNAL,
  /** {@link Context#interrupt} was called, or nothing happened at all: the kernel looks what it has to do and goes on. */
  INTERRUPTED,
  /** Whatever ran the code is gone (killed from outside): the task cannot go on. */
  KILLED
}
