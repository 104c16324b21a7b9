package gvisor.platform.ptrace;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.AccessType;
import gvisor.api.platform.AddressSpace;
import gvisor.api.platform.Context;
import gvisor.api.platform.Registers;
import gvisor.api.platform.StopReason;
import gvisor.host.ptrace.Ptrace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One task's run loop. The context is attached to at most one stub thread: of the address space it is in, or, after
 * {@link #leave}, still of the one it was in, so that an {@code exec} finds its process again.
 */
final class PtraceContext implements Context {
  private static final int SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11;
  private static final int SEGV_ACCERR = 2;
  private static final int SI_KERNEL = 0x80;
  private static final int NONE = -1;
  private static final int MAX_INSTRUCTION = 15;
  private static final int INT_LENGTH = 2;

  // States of interruption.
  private static final int IDLE = 0, RUNNING = 1, PENDING = 2;

  private final PtracePlatform platform;
  private final FpuState fpu;
  private final Tracer tracer;
  private final Registers registers;
  private final MemorySegment regs;
  private final Pair pair;
  private final AtomicInteger interruption = new AtomicInteger(IDLE);

  /** Odd while application code runs; grows by one on each way in and out. Written by the task's thread only. */
  private volatile long turn;

  /** Which stub thread {@link #nudge} means; changes only while {@link #turn} is even. */
  private volatile int tid = NONE;

  private PtraceAddressSpace space;
  private volatile Subprocess process;
  private MemorySegment fpuCopy;
  private boolean fpuInCopy = true;

  /** What {@link #loadFpu} checks, and then swaps for the copy: memory anew for each return from a signal adds up. */
  private MemorySegment fpuSpare;

  private long faultAddress;
  private int faultAccess;
  private int signal;
  private int signalCode;

  PtraceContext(PtracePlatform platform, Pair pair) {
    this.platform = platform;
    this.fpu = platform.fpu();
    this.pair = pair;
    this.tracer = new Tracer(platform.code());
    this.regs = Arena.ofAuto().allocate(Ptrace.REGS_SIZE, 16);
    this.registers = new Registers(regs, UserRegs.API_ORDER);
    regs.set(JAVA_LONG, UserRegs.EFLAGS, UserRegs.INITIAL_FLAGS);
    fpuCopy = Arena.ofAuto().allocate(fpu.size(), 64);
    fpuSpare = Arena.ofAuto().allocate(fpu.size(), 64);
    fpuCopy.copyFrom(fpu.initial());
  }

  @Override
  public Registers registers() {
    return registers;
  }

  @Override
  public StopReason switchTo(AddressSpace target) throws ErrnoException {
    if (target != space) {
      moveTo((PtraceAddressSpace) target);
    }
    try {
      if (fpuInCopy) {
        putFpu();
      }
      while (true) {
        if (!interruption.compareAndSet(IDLE, RUNNING)) {
          interruption.set(IDLE);
          return StopReason.INTERRUPTED;
        }
        turn = turn + 1;
        if (space.hasWork()) {
          turn = turn + 1;
          interruption.compareAndSet(RUNNING, IDLE);
          if (space.isAwaited()) {
            space.wakeWaiting();
          }
          space.work(this);
          continue;
        }
        long status = runOnce();
        turn = turn + 1;
        if (space.isAwaited()) {
          space.wakeWaiting();
        }
        boolean interrupted = interruption.getAndSet(IDLE) == PENDING;
        StopReason reason = reasonFor(status);
        if (reason != StopReason.INTERRUPTED || interrupted) {
          return reason;
        }
        // Stopped by a nudge that was for the mappings, or by a signal from outside that is none of its business.
      }
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ESRCH) {
        return lost();
      }
      throw e;
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
    return fpu.size();
  }

  @Override
  public void saveFpu(MemorySegment dst) {
    if (fpuInCopy) {
      MemorySegment.copy(fpuCopy, 0, dst, 0, fpu.size());
    } else if (dst.isNative()) {
      tracer.getXstate(tid, dst.asSlice(0, fpu.size()));
    } else {
      tracer.getXstate(tid, fpuCopy);
      MemorySegment.copy(fpuCopy, 0, dst, 0, fpu.size());
    }
  }

  @Override
  public void loadFpu(MemorySegment src) throws ErrnoException {
    // Checked after copying: the source may be memory that another thread of the application writes to.
    MemorySegment checked = fpuSpare;
    MemorySegment.copy(src, 0, checked, 0, fpu.size());
    if (!fpu.isValid(checked)) {
      throw Errno.EINVAL.error();
    }
    fpuSpare = fpuCopy;
    fpuCopy = checked;
    fpuInCopy = true;
  }

  @Override
  public void resetFpu() {
    fpuCopy.copyFrom(fpu.initial());
    fpuInCopy = true;
  }

  @Override
  public void comeToCaller() {
    PtraceContext caller = platform.currentContext();
    if (caller != null && caller != this && !isInApplication()) {
      pair.moveTo(caller.pair.cpu());
    }
  }

  @Override
  public void leave() {
    if (space != null) {
      space.leave(this);
      space = null;
    }
  }

  @Override
  public void close() {
    leave();
    giveBack();
    platform.closed(this);
  }

  Tracer tracer() {
    return tracer;
  }

  Pair pair() {
    return pair;
  }

  /** The stub thread this is attached to. */
  int tid() {
    return tid;
  }

  /** Odd while application code runs. Any thread. */
  long turn() {
    return turn;
  }

  /** Whether application code runs now. Any thread. */
  boolean isInApplication() {
    return (turn & 1) != 0;
  }

  boolean isIn(PtraceAddressSpace where) {
    return space == where;
  }

  /** Stops application code, if it runs, without anybody being told. Any thread. */
  void nudge() {
    Subprocess p = process;
    int t = tid;
    if (p != null && t != NONE) {
      Ptrace.nudge(p.pid(), t);
    }
  }

  /** Attaches to a thread of {@code target}, letting go of whatever this was attached to. */
  void attachTo(Subprocess target) throws ErrnoException {
    keepFpu();
    giveBack();
    int newTid = target.attach(tracer, pair);
    process = target;
    tid = newTid;
    if (!target.isPrepared()) {
      platform.prepare(target, tracer, newTid);
    }
  }

  private void moveTo(PtraceAddressSpace target) throws ErrnoException {
    leave();
    target.enter(this, process);
    space = target;
  }

  private long runOnce() {
    // Application code may have loaded other selectors; none of them may outlive a program or confuse the kernel.
    regs.set(JAVA_LONG, UserRegs.CS, UserRegs.USER_CS);
    regs.set(JAVA_LONG, UserRegs.SS, UserRegs.USER_SS);
    regs.set(JAVA_LONG, UserRegs.ORIG_RAX, -1);
    pair.running();
    return tracer.run(tid, regs);
  }

  private StopReason reasonFor(long status) {
    if (status == Ptrace.STATUS_SYSCALL) {
      regs.set(JAVA_LONG, UserRegs.RAX, regs.get(JAVA_LONG, UserRegs.ORIG_RAX));
      return isSyscallInstruction() ? StopReason.SYSCALL : foreignCall();
    }
    if (status < 0) {
      Ptrace.kill(process.pid()); // it is as good as dead, and the wait must end
      tracer.reap(tid);
      return lost();
    }
    if ((status & 0xff) != Ptrace.STOPPED) {
      return lost();
    }
    int stopSignal = (int) (status >> 8) & 0xff;
    boolean isEvent = status >> 16 != 0;
    if (isEvent) {
      return StopReason.INTERRUPTED;
    }
    return switch (stopSignal) {
      case SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP -> exception(stopSignal);
      default -> StopReason.INTERRUPTED;
    };
  }

  /**
   * Whether the stop is one of {@code syscall} in 64-bit code, which leaves the return address in rcx. The look at the
   * instruction is for processors that do not.
   */
  private boolean isSyscallInstruction() {
    long rip = regs.get(JAVA_LONG, UserRegs.RIP);
    return regs.get(JAVA_LONG, UserRegs.CS) == UserRegs.USER_CS
        && (regs.get(JAVA_LONG, UserRegs.RCX) == rip || tracer.isBehindSyscall(tid, rip));
  }

  /**
   * A call of the 32-bit ABI ({@code int 0x80}, or any call in 32-bit code), whose numbers mean other things: a general
   * protection fault at the instruction, as on a Linux without CONFIG_IA32_EMULATION.
   */
  private StopReason foreignCall() {
    regs.set(JAVA_LONG, UserRegs.RIP, regs.get(JAVA_LONG, UserRegs.RIP) - INT_LENGTH);
    faultAddress = 0;
    signal = SIGSEGV;
    signalCode = SI_KERNEL;
    return StopReason.SIGNAL;
  }

  private StopReason exception(int number) {
    if (!tracer.readSigInfo(tid)) {
      return StopReason.INTERRUPTED;
    }
    int code = tracer.sigCode();
    if (code <= 0) {
      return StopReason.INTERRUPTED; // sent by a process, not raised by the processor
    }
    faultAddress = tracer.sigAddress();
    signal = number;
    signalCode = code;
    if (number != SIGSEGV || code == SI_KERNEL) {
      return StopReason.SIGNAL;
    }
    if (isFetch(regs.get(JAVA_LONG, UserRegs.RIP), faultAddress)) {
      faultAccess = AccessType.EXEC;
    } else {
      // Whatever is mapped can be read (see PtraceAddressSpace), so a page that is there was written to.
      faultAccess = code == SEGV_ACCERR ? AccessType.WRITE : AccessType.READ;
    }
    return StopReason.FAULT;
  }

  /** Whether the fault is that of reading the instruction at {@code rip}, which may reach into a second page. */
  private static boolean isFetch(long rip, long address) {
    return address == rip || (address & 4095) == 0 && address - rip > 0 && address - rip < MAX_INSTRUCTION;
  }

  /** The stub thread is gone. */
  private StopReason lost() {
    leave();
    Subprocess p = process;
    process = null;
    tid = NONE;
    if (p != null) {
      p.lose();
    }
    return StopReason.KILLED;
  }

  private void giveBack() {
    Subprocess p = process;
    int t = tid;
    if (p != null) {
      process = null;
      tid = NONE;
      p.giveBack(tracer, t, pair.unbind());
    }
  }

  /** Saves the extended state from a stub thread that is about to be given up. */
  private void keepFpu() {
    if (!fpuInCopy && tid != NONE) {
      tracer.getXstate(tid, fpuCopy);
      fpuInCopy = true;
    }
  }

  private void putFpu() throws ErrnoException {
    if (tracer.setXstate(tid, fpuCopy) < 0) {
      fpuCopy.copyFrom(fpu.initial());
      if (tracer.setXstate(tid, fpuCopy) < 0) {
        throw Errno.ESRCH.error();
      }
    }
    fpuInCopy = false;
  }
}
