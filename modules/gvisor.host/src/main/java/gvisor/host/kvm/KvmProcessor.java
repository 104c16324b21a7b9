package gvisor.host.kvm;

import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.libc.Libc;
import gvisor.host.libc.MachineCode;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A virtual processor. Registers travel through the page shared with KVM ({@code struct kvm_run}), so that a round trip
 * is one host call. One thread at a time.
 */
public final class KvmProcessor implements AutoCloseable {
  /** Exit reasons. */
  public static final int EXIT_HLT = 5, EXIT_SHUTDOWN = 8, EXIT_FAIL_ENTRY = 9, EXIT_INTR = 10, EXIT_INTERNAL_ERROR = 17;

  /** {@link #run}: a signal was pending. */
  public static final long EINTR = -4;

  /** Bytes of {@code struct kvm_sregs}. */
  public static final int SREGS_SIZE = 312;

  /** Bytes of the extended state that KVM takes and gives. */
  public static final int XSAVE_SIZE = 4096;

  /** Fields of {@code struct kvm_run}: what {@link #shared} holds. */
  public static final int EXIT_REASON = 8, REGS = 304, SREGS = REGS + 144, EVENTS = SREGS + SREGS_SIZE;

  /** Groups of registers for {@link #sync}. */
  public static final long SYNC_REGS = 1, SYNC_SREGS = 2, SYNC_EVENTS = 4;

  private static final int VALID_REGS = 288, DIRTY_REGS = 296;
  private static final int SIGSET_BYTES = 8;

  private static final long KVM_RUN = 0xae80;
  private static final long KVM_GET_SREGS = 0x8138ae83L;
  private static final long KVM_SET_SREGS = 0x4138ae84L;
  private static final long KVM_SET_MSRS = 0x4008ae89L;
  private static final long KVM_SET_SIGNAL_MASK = 0x4004ae8bL;
  private static final long KVM_SET_CPUID2 = 0x4008ae90L;
  private static final long KVM_GET_XSAVE = 0x9000aea4L;
  private static final long KVM_SET_XSAVE = 0x5000aea5L;
  private static final long KVM_SET_XCRS = 0x4188aea7L;
  private static final long KVM_SET_DEVICE_ATTR = 0x4018aee1L;

  private final Fd fd;
  private final MemorySegment run;

  KvmProcessor(Fd fd, MemorySegment run) {
    this.fd = fd;
    this.run = run;
  }

  /** {@code struct kvm_run}. */
  public MemorySegment shared() {
    return run;
  }

  /** Which groups of registers the next {@link #run} takes from, and which it leaves in, {@link #shared}. */
  public void sync(long taken, long left) {
    run.set(JAVA_LONG, VALID_REGS, left);
    run.set(JAVA_LONG, DIRTY_REGS, taken);
  }

  /** KVM_RUN: 0 after an exit, else the negative error number. */
  public long run() {
    return MachineCode.syscall(Sys.NR_IOCTL, fd.number(), KVM_RUN, 0, 0, 0, 0);
  }

  /** KVM_GET_SREGS into {@link #SREGS_SIZE} bytes. */
  public void getSregs(MemorySegment out) throws ErrnoException {
    check(Libc.ioctl(fd.number(), KVM_GET_SREGS, out.address()));
  }

  /** KVM_SET_SREGS. */
  public void setSregs(MemorySegment sregs) throws ErrnoException {
    check(Libc.ioctl(fd.number(), KVM_SET_SREGS, sregs.address()));
  }

  /** KVM_SET_CPUID2. */
  public void setCpuid(MemorySegment cpuid) throws ErrnoException {
    check(Libc.ioctl(fd.number(), KVM_SET_CPUID2, cpuid.address()));
  }

  /** Sets one model-specific register; false when KVM refuses. */
  public boolean setMsr(int index, long value) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment msrs = arena.allocate(24, 8);
      msrs.set(JAVA_INT, 0, 1);
      msrs.set(JAVA_INT, 8, index);
      msrs.set(JAVA_LONG, 16, value);
      return Libc.ioctl(fd.number(), KVM_SET_MSRS, msrs.address()) == 1;
    }
  }

  /** Sets XCR0: which parts of the extended state there are. */
  public void setXcr0(long value) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment xcrs = arena.allocate(0x188, 8);
      xcrs.set(JAVA_INT, 0, 1);
      xcrs.set(JAVA_LONG, 16, value);
      check(Libc.ioctl(fd.number(), KVM_SET_XCRS, xcrs.address()));
    }
  }

  /** Has the time stamp counter be the host's, where KVM can move it at all. */
  public void useHostTimestampCounter() {
    try (Arena arena = Arena.ofConfined()) {
      // struct kvm_device_attr: group KVM_VCPU_TSC_CTRL is 0, attribute KVM_VCPU_TSC_OFFSET is 0.
      MemorySegment attribute = arena.allocate(24, 8);
      MemorySegment offset = arena.allocate(8, 8);
      attribute.set(JAVA_LONG, 16, offset.address());
      Libc.ioctl(fd.number(), KVM_SET_DEVICE_ATTR, attribute.address());
    }
  }

  /** KVM_GET_XSAVE into {@link #XSAVE_SIZE} native bytes. */
  public void getXsave(MemorySegment out) {
    if (Libc.ioctl(fd.number(), KVM_GET_XSAVE, out.address()) != 0) {
      throw new IllegalStateException("KVM_GET_XSAVE: " + Libc.errno());
    }
  }

  /** KVM_SET_XSAVE from {@link #XSAVE_SIZE} native bytes; false when KVM refuses. */
  public boolean setXsave(MemorySegment state) {
    return Libc.ioctl(fd.number(), KVM_SET_XSAVE, state.address()) == 0;
  }

  /** KVM_SET_SIGNAL_MASK: the set of signals, as bits, that are blocked while it runs. */
  public void setSignalMask(long blocked) throws ErrnoException {
    MemorySegment mask = Memory.scratch();
    mask.set(JAVA_INT, 0, SIGSET_BYTES);
    mask.set(JAVA_LONG_UNALIGNED, 4, blocked);
    check(Libc.ioctl(fd.number(), KVM_SET_SIGNAL_MASK, mask.address()));
  }

  /** Why the last {@link #run} ended. */
  public int exitReason() {
    return run.get(JAVA_INT_UNALIGNED, EXIT_REASON);
  }

  @Override
  public void close() {
    Memory.unmap(run);
    fd.close();
  }
}
