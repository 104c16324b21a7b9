package gvisor.platform.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.AccessType;
import gvisor.api.platform.AddressSpace;
import gvisor.api.platform.Context;
import gvisor.api.platform.Registers;
import gvisor.api.platform.StopReason;
import gvisor.host.Cpus;
import gvisor.host.kvm.KickSignal;
import gvisor.host.kvm.KvmProcessor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * One task's run loop. It keeps the processor it ran on last, and the extended state stays there, until somebody without
 * one takes it while this rests ({@link Processors}).
 */
final class KvmContext implements Context {
  private static final int SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11;
  private static final int ILL_ILLOPN = 2, FPE_INTDIV = 1, BUS_ADRALN = 1, TRAP_BRKPT = 1, TRAP_TRACE = 2;
  private static final int SI_KERNEL = 0x80;

  /** Exception vectors. */
  private static final int DIVIDE = 0, DEBUG = 1, OVERFLOW = 4, BOUND = 5, INVALID_OPCODE = 6, NOT_PRESENT = 11,
      STACK = 12, PROTECTION = 13, X87 = 16, ALIGNMENT = 17, SIMD = 19;

  /** First byte of {@code int n}. */
  private static final int INT_INSTRUCTION = 0xcd;

  private static final int INT1_INSTRUCTION = 0xf1;

  /** Bytes of the longest instruction. */
  private static final int MAX_INSTRUCTION = 15;

  /** Page fault error code bits. */
  private static final long FAULT_WRITE = 2, FAULT_FETCH = 16;

  private static final long FLAG_TRAP = 0x100, FLAG_INTERRUPT = 0x200;

  /** CF, PF, AF, ZF, SF, TF, DF, OF, NT, RF, AC, ID: what application code may choose. */
  private static final long USER_FLAGS = 0x25_4dd5;

  /** IF and the bit that is always one. */
  private static final long FIXED_FLAGS = 0x202;

  /** Where {@code struct kvm_regs} has what {@link Registers} numbers. */
  private static final int[] API_ORDER = {
    120, 112, 104, 96, 56, 8, 88, 80, 72, 64, 0, 16, 24, 32, 40, Processor.RIP, Processor.RFLAGS, Processor.RSP,
    Processor.FS_BASE, Processor.GS_BASE
  };

  private static final long WAIT_NANOS = 100_000;

  // States of interruption.
  private static final int IDLE = 0, RUNNING = 1, PENDING = 2;

  private final KvmPlatform platform;
  private final ExtendedState extended;
  private final MemorySegment regs = Arena.ofAuto().allocate(Processor.REGISTERS_SIZE, 16);
  private final Registers registers = new Registers(regs, API_ORDER);
  private final AtomicInteger interruption = new AtomicInteger(IDLE);
  private final int tid;

  /** Odd while application code runs; grows by one on each way in and out. Written by the task's thread only. */
  private volatile long turn;

  private KvmAddressSpace space;
  private Processor processor;

  /** The extended state, if it is not in {@link #processor}. Who has claimed that may touch both. */
  private final MemorySegment fpuCopy = ExtendedState.allocate();

  private boolean fpuInCopy = true;

  /** What {@link #loadFpu} checks; memory anew for each return from a signal would add up. */
  private final MemorySegment fpuToLoad = ExtendedState.allocate();

  private long faultAddress;
  private int faultAccess;
  private int signal;
  private int signalCode;
  private boolean callArrivedAsFault;

  KvmContext(KvmPlatform platform) {
    this.platform = platform;
    this.extended = platform.extendedState();
    this.tid = Cpus.currentTid();
    KickSignal.block();
    fpuCopy.copyFrom(extended.initial());
    regs.set(JAVA_LONG, Processor.RFLAGS, FIXED_FLAGS);
    Processor.resetSegments(regs);
  }

  @Override
  public Registers registers() {
    return registers;
  }

  @Override
  public StopReason switchTo(AddressSpace target) throws ErrnoException {
    if (target != space) {
      leave();
      ((KvmAddressSpace) target).enter(this);
      space = (KvmAddressSpace) target;
    }
    Processor p = claim();
    if (p == null) {
      if (platform.isClosed()) {
        return StopReason.KILLED;
      }
      LockSupport.parkNanos(this, WAIT_NANOS); // every processor is busy: they are many more than the host's
      return StopReason.INTERRUPTED;
    }
    try {
      if (fpuInCopy) {
        putExtendedState(p);
      }
      return run(p);
    } finally {
      p.release();
    }
  }

  @Override
  public long faultAddress() {
    return faultAddress;
  }

  @Override
  public int faultAccess() {
    return faultAccess;
  }

  @Override
  public int signal() {
    return signal;
  }

  @Override
  public int signalCode() {
    return signalCode;
  }

  @Override
  public long signalAddress() {
    return faultAddress;
  }

  @Override
  public void interrupt() {
    if (interruption.getAndSet(PENDING) == RUNNING) {
      nudge();
    }
  }

  @Override
  public int fpuSize() {
    return extended.size();
  }

  @Override
  public void saveFpu(MemorySegment dst) {
    Processor p = claimOwn();
    if (p != null) {
      if (!fpuInCopy) {
        // What was read need not be put back: the processor's copy stays the true one.
        p.getExtendedState(fpuCopy);
      }
      p.release();
    }
    MemorySegment.copy(fpuCopy, 0, dst, 0, extended.size());
  }

  @Override
  public void loadFpu(MemorySegment src) throws ErrnoException {
    // Checked after copying: the source may be memory that another thread of the application writes to.
    MemorySegment.copy(src, 0, fpuToLoad, 0, extended.size());
    if (!extended.isValid(fpuToLoad)) {
      throw Errno.EINVAL.error();
    }
    replaceExtendedState(fpuToLoad);
  }

  @Override
  public void resetFpu() {
    replaceExtendedState(extended.initial());
  }

  /** Selectors that a program has loaded do not outlive it. */
  @Override
  public void leave() {
    if (space != null) {
      Processor.resetSegments(regs);
      space.leave(this);
      space = null;
    }
  }

  @Override
  public void close() {
    leave();
    Processor p = claimOwn();
    processor = null;
    if (p != null) {
      platform.processors().giveBack(p);
    }
  }

  /** Odd while application code runs. Any thread. */
  long turn() {
    return turn;
  }

  /** Whether application code runs now. Any thread. */
  boolean isInApplication() {
    return (turn & 1) != 0;
  }

  /** Gets it out of application code, if it is there, without anybody being told. Any thread. */
  void nudge() {
    KickSignal.send(tid);
  }

  /** Whether the last system call came as a fault on its entry, as it does on a software KVM. */
  boolean callArrivedAsFault() {
    return callArrivedAsFault;
  }

  /** The least of the times that {@code count} ways into {@code target} and back took. For the {@link Probe}. */
  long leastRoundTripNanos(AddressSpace target, int count) throws ErrnoException {
    long least = Long.MAX_VALUE;
    long rip = regs.get(JAVA_LONG, Processor.RIP);
    Processor p = claim();
    for (int i = 0; p != null && i < count; i++) {
      regs.set(JAVA_LONG, Processor.RIP, rip);
      regs.set(JAVA_LONG, Processor.RFLAGS, FIXED_FLAGS);
      least = Math.min(least, p.timedRun(regs, (KvmAddressSpace) target));
    }
    if (p != null) {
      p.release();
    }
    return least;
  }

  /** Takes the extended state out of {@code p}, which somebody else needs and has claimed. That thread. */
  void loseProcessor(Processor p) {
    if (!fpuInCopy) {
      p.getExtendedState(fpuCopy);
      fpuInCopy = true;
    }
  }

  private StopReason run(Processor p) {
    long rip = regs.get(JAVA_LONG, Processor.RIP);
    if (!isCanonical(rip)) {
      return raise(SIGSEGV, SI_KERNEL, 0);
    }
    canonicalBase(Processor.FS_BASE);
    canonicalBase(Processor.GS_BASE);
    while (!platform.isClosed()) {
      if (!interruption.compareAndSet(IDLE, RUNNING)) {
        interruption.set(IDLE);
        return StopReason.INTERRUPTED;
      }
      regs.set(JAVA_LONG, Processor.RFLAGS, regs.get(JAVA_LONG, Processor.RFLAGS) & USER_FLAGS | FIXED_FLAGS);
      turn = turn + 1;
      if (space.hasStale()) {
        turn = turn + 1;
        space.left();
        interruption.compareAndSet(RUNNING, IDLE);
        space.settle();
        continue;
      }
      long result = p.run(regs, space);
      turn = turn + 1;
      space.left();
      boolean interrupted = interruption.getAndSet(IDLE) == PENDING;
      if (result == KvmProcessor.EINTR) {
        KickSignal.drain();
      }
      StopReason reason = reasonFor(p, result);
      if (reason != StopReason.INTERRUPTED || interrupted) {
        return reason;
      }
      // Stopped by a nudge that was for the mappings, or by a signal of the JVM.
    }
    return StopReason.KILLED;
  }

  private StopReason reasonFor(Processor p, long result) {
    if (result == KvmProcessor.EINTR) {
      if (p.isInRing0()) {
        return enteredRing0(p); // on its way to hlt, with nothing left to be done
      }
      return isCallEntry(regs.get(JAVA_LONG, Processor.RIP), regs.get(JAVA_LONG, Processor.RFLAGS))
          ? systemCall() : StopReason.INTERRUPTED;
    }
    if (result < 0) {
      return StopReason.KILLED;
    }
    return switch (p.exitReason()) {
      case KvmProcessor.EXIT_HLT -> enteredRing0(p);
      case KvmProcessor.EXIT_INTR -> StopReason.INTERRUPTED;
      // An instruction that KVM has to emulate and cannot.
      case KvmProcessor.EXIT_INTERNAL_ERROR -> p.isInRing0()
          ? StopReason.KILLED : raise(SIGILL, ILL_ILLOPN, regs.get(JAVA_LONG, Processor.RIP));
      default -> StopReason.KILLED;
    };
  }

  /** Reads what the processor pushed when it entered ring 0. */
  private StopReason enteredRing0(Processor p) {
    long rip = regs.get(JAVA_LONG, Processor.RIP);
    if (rip - Ring0.SYSCALL_ENTRY >= 0 && rip - Ring0.SYSCALL_ENTRY <= 1) {
      callArrivedAsFault = false;
      return systemCall();
    }
    long at = rip - Ring0.HANDLERS;
    if (at < 0 || at >= Ring0.VECTORS * Ring0.HANDLER_SIZE || at % Ring0.HANDLER_SIZE > 1) {
      return StopReason.KILLED;
    }
    int vector = (int) at / Ring0.HANDLER_SIZE;
    long frame = regs.get(JAVA_LONG, Processor.RSP);
    long errorCode = 0;
    if (Ring0.hasErrorCode(vector)) {
      errorCode = p.stackWord(frame);
      frame += 8;
    }
    long userRip = p.stackWord(frame);
    long flags = p.stackWord(frame + 16);
    if ((p.stackWord(frame + 8) & 3) != 3) {
      return StopReason.KILLED;
    }
    regs.set(JAVA_LONG, Processor.RIP, userRip);
    regs.set(JAVA_LONG, Processor.RFLAGS, flags);
    regs.set(JAVA_LONG, Processor.RSP, p.stackWord(frame + 24));
    if (vector == Ring0.PAGE_FAULT) {
      if (isCallEntry(userRip, flags)) {
        callArrivedAsFault = true;
        return systemCall();
      }
      faultAddress = p.cr2();
      faultAccess = (errorCode & FAULT_FETCH) != 0 ? AccessType.EXEC
          : (errorCode & FAULT_WRITE) != 0 ? AccessType.WRITE : AccessType.READ;
      signal = SIGSEGV;
      signalCode = (int) (errorCode & 1) + 1;
      return StopReason.FAULT;
    }
    return exception(p, vector, userRip, flags);
  }

  private StopReason exception(Processor p, int vector, long rip, long flags) {
    return switch (vector) {
      case DIVIDE -> raise(SIGFPE, FPE_INTDIV, rip);
      case DEBUG -> raise(SIGTRAP, isStep(rip, flags) ? TRAP_TRACE : TRAP_BRKPT, rip);
      case Ring0.BREAKPOINT -> raise(SIGTRAP, SI_KERNEL, 0);
      case OVERFLOW, BOUND -> raise(SIGSEGV, SI_KERNEL, 0);
      // A software KVM does not know how to do "int", where Linux finds that the vector is not for applications.
      case INVALID_OPCODE -> isInt(rip)
          ? raise(SIGSEGV, SI_KERNEL, 0) : raise(SIGILL, ILL_ILLOPN, rip);
      case NOT_PRESENT, STACK -> raise(SIGBUS, SI_KERNEL, 0);
      case X87 -> raise(SIGFPE, ExtendedState.x87Code(currentExtendedState(p)), rip);
      case ALIGNMENT -> raise(SIGBUS, BUS_ADRALN, 0);
      case SIMD -> raise(SIGFPE, ExtendedState.sseCode(currentExtendedState(p)), rip);
      case PROTECTION -> isMonitor(rip) ? raise(SIGILL, ILL_ILLOPN, rip) : raise(SIGSEGV, SI_KERNEL, 0);
      default -> vector < 32 ? raise(SIGSEGV, SI_KERNEL, 0) : StopReason.INTERRUPTED;
    };
  }

  /**
   * Whether a debug exception is a step's, not that of {@code int1}, which KVM may report on or behind the instruction.
   * The trap flag alone does not tell: the instruction that was stepped over may have cleared it.
   */
  private boolean isStep(long rip, long flags) {
    return (flags & FLAG_TRAP) != 0
        || space.byteAt(rip) != INT1_INSTRUCTION && space.byteAt(rip - 1) != INT1_INSTRUCTION;
  }

  /** Whether {@code int n} is at {@code rip}, maybe behind prefixes that mean nothing to it. */
  private boolean isInt(long rip) {
    int at = 0;
    int first = space.byteAt(rip);
    while (isPrefix(first) && ++at < MAX_INSTRUCTION) {
      first = space.byteAt(rip + at);
    }
    return first == INT_INSTRUCTION;
  }

  /** Operand and address size, segments, repetition, REX; with {@code lock} there is no {@code int}. */
  private static boolean isPrefix(int b) {
    return switch (b) {
      case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3 -> true;
      default -> b >= 0x40 && b <= 0x4f;
    };
  }

  /** Whether {@code monitor} or {@code mwait} is at {@code rip}, which applications do not have; KVM says otherwise. */
  private boolean isMonitor(long rip) {
    return space.byteAt(rip) == 0x0f && space.byteAt(rip + 1) == 0x01 && (space.byteAt(rip + 2) & ~1) == 0xc8;
  }

  private StopReason raise(int number, int code, long address) {
    signal = number;
    signalCode = code;
    faultAddress = address;
    return StopReason.SIGNAL;
  }

  /** The processor left in rcx and r11 where it came from. */
  private StopReason systemCall() {
    regs.set(JAVA_LONG, Processor.RIP, regs.get(JAVA_LONG, Processor.RCX));
    regs.set(JAVA_LONG, Processor.RFLAGS, regs.get(JAVA_LONG, Processor.R11));
    return StopReason.SYSCALL;
  }

  /** Application code cannot turn the interrupt flag off, but a system call does. */
  private static boolean isCallEntry(long rip, long flags) {
    return rip == Ring0.SYSCALL_ENTRY && (flags & FLAG_INTERRUPT) == 0;
  }

  private static boolean isCanonical(long address) {
    return address << 16 >> 16 == address;
  }

  private void canonicalBase(int register) {
    if (!isCanonical(regs.get(JAVA_LONG, register))) {
      regs.set(JAVA_LONG, register, 0); // which Linux does not take in the first place
    }
  }

  private MemorySegment currentExtendedState(Processor p) {
    p.getExtendedState(fpuCopy);
    return fpuCopy;
  }

  private void replaceExtendedState(MemorySegment state) {
    Processor p = claimOwn();
    fpuCopy.copyFrom(state);
    fpuInCopy = true;
    if (p != null) {
      p.release();
    }
  }

  private void putExtendedState(Processor p) {
    if (!p.setExtendedState(fpuCopy)) {
      fpuCopy.copyFrom(extended.initial());
      p.setExtendedState(fpuCopy);
    }
    fpuInCopy = false;
  }

  /** Claims the processor it ran on last, if it still is its own. */
  private Processor claimOwn() {
    Processor p = processor;
    while (p != null) {
      if (p.owner != this) {
        processor = null;
        return null;
      }
      if (p.tryClaim()) {
        if (p.owner == this) {
          return p;
        }
        p.release();
      }
      Thread.onSpinWait();
    }
    return null;
  }

  private Processor claim() throws ErrnoException {
    Processor p = claimOwn();
    if (p == null) {
      p = platform.processors().take();
      if (p != null) {
        p.owner = this;
        processor = p;
      }
    }
    return p;
  }
}
