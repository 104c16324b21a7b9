package gvisor.api.platform;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;

/** The processor as one task sees it. Confined to the task's thread but for {@link #interrupt}. */
public interface Context extends AutoCloseable {
  /** The registers, live between two calls of {@link #switchTo}; the same object always. */
  Registers registers();

  /**
   * Runs application code in {@code space} from {@link #registers} until it stops, and says why.
   *
   * @throws ErrnoException EAGAIN or ENOMEM when the host has no room for this context in {@code space}
   */
  StopReason switchTo(AddressSpace space) throws ErrnoException;

  /** After {@link StopReason#FAULT}: the application address (CR2). */
  long faultAddress();

  /**
   * After {@link StopReason#FAULT}: bits of {@link gvisor.api.mem.AccessType}. WRITE and EXEC are certain; READ may also
   * mean that the platform cannot tell, which happens only where nothing was mapped.
   */
  int faultAccess();

  /** After {@link StopReason#SIGNAL}: SIGILL, SIGTRAP, SIGFPE, SIGBUS or SIGSEGV (a general protection fault). */
  int signal();

  /** After {@link StopReason#SIGNAL}: {@code si_code}. */
  int signalCode();

  /** After {@link StopReason#SIGNAL}: {@code si_addr}. */
  long signalAddress();

  /** Makes the current or the next {@link #switchTo} return soon. Sticky, may be spurious. Any thread; never blocks. */
  void interrupt();

  /** Bytes of the extended state (XSAVE area, standard format, as in a signal frame); fixed for the machine. */
  int fpuSize();

  /** Copies the extended state into the start of {@code dst}. */
  void saveFpu(MemorySegment dst);

  /**
   * Replaces the extended state by the start of {@code src}, which a hostile application may have written: what the
   * processor would refuse is EINVAL and changes nothing.
   */
  void loadFpu(MemorySegment src) throws ErrnoException;

  /** Puts the extended state to what a new program sees. */
  void resetFpu();

  /**
   * Says that the calling thread is about to hand work to this context's thread, which rests: a platform may move it to
   * where the caller runs, so that waking it is cheap. Only a hint.
   */
  default void comeToCaller() {}

  /**
   * Leaves whatever address space it is in, so that this can be closed without waiting for the task's end. What ran there
   * is kept: a context that leaves, closes the space and then enters a new one (exec, the next task of a thread) does so
   * cheapest.
   */
  void leave();

  @Override
  void close();
}
