package gvisor.platform.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.kvm.KvmProcessor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A virtual processor in the state application code runs in: long mode, ring 3, the tables of {@link Ring0}. Used by
 * who has claimed it.
 */
final class Processor {
  /** Offsets in a context's registers: {@code struct kvm_regs}, then the segments DS, ES, FS and GS, which have bases. */
  static final int RCX = 16, RSP = 48, R11 = 88, RIP = 128, RFLAGS = 136, FS_BASE = 192, GS_BASE = 216;

  /** Bytes of a context's registers. */
  static final int REGISTERS_SIZE = 240;

  private static final int REGS_SIZE = 144;

  // struct kvm_sregs, and struct kvm_segment in it.
  private static final int CS = 0, DS = 24, SS = 120, TR = 144, LDT = 168, GDTR = 192,
      IDTR = 208, CR0 = 224, CR2 = 232, CR3 = 240, CR4 = 248, EFER = 264, SEGMENT_SIZE = 24;

  /** From DS to GS, what an application may load. */
  private static final int DATA_SIZE = 4 * SEGMENT_SIZE;

  private static final int LIMIT = 8, SELECTOR = 12, TYPE = 14, SEGMENT_PRESENT = 15, DPL = 16, DB = 17, CODE_OR_DATA = 18,
      LONG_MODE = 19, GRANULARITY = 20, UNUSABLE = 22;
  private static final byte TYPE_CODE = 11, TYPE_DATA = 3, TYPE_BUSY_TASK = 11;

  /** PE, MP, ET, NE, WP, AM, PG. */
  private static final long CR0_VALUE = 0x8005_0033L;

  /** PAE, OSFXSR, OSXMMEXCPT; with XSAVE and FSGSBASE where there are. */
  private static final long CR4_VALUE = 0x620, CR4_FSGSBASE = 1 << 16, CR4_OSXSAVE = 1 << 18;

  /** SCE, LME, LMA, NXE. */
  private static final long EFER_VALUE = 0xd01;

  /** A bit of CR3 that means nothing. */
  private static final long CR3_IGNORED = 0x20;

  private static final int MSR_STAR = 0xc0000081, MSR_LSTAR = 0xc0000082, MSR_CSTAR = 0xc0000083,
      MSR_SFMASK = 0xc0000084;

  /** Fields of {@code struct kvm_vcpu_events}: what of an exception has yet to be delivered, what holds others off. */
  private static final int EXCEPTION_INJECTED = 0, EXCEPTION_PENDING = 3, INTERRUPT_SHADOW = 11, EVENT_FLAGS = 20,
      EVENTS_SIZE = 64;

  /** The shadow is to be taken from the fields. */
  private static final int VALID_SHADOW = 4;

  private final KvmProcessor kvm;
  private final MemorySegment run;
  private final MemorySegment stack;
  private final MemorySegment template = Arena.ofAuto().allocate(KvmProcessor.SREGS_SIZE, 8);
  private final long stackPage;
  private final AtomicBoolean claimed = new AtomicBoolean(true);
  private final boolean canFlush;
  private boolean eventLeft;

  /** Of the space that it ran last. */
  private long generation;

  private long otherCr3;

  /** Whose extended state it holds, or null. Written by who has claimed it. */
  volatile KvmContext owner;

  /** Processor {@code id}, whose ring 0 page is {@code page}. Comes claimed. */
  Processor(KvmProcessor kvm, int id, MemorySegment page, GuestCpu cpu, long blockedSignals) throws ErrnoException {
    this.kvm = kvm;
    this.run = kvm.shared();
    this.stack = page;
    this.stackPage = Ring0.processorPage(id);
    this.canFlush = cpu.hasNestedPaging();
    Ring0.writeProcessor(page, id);
    kvm.setCpuid(cpu.cpuid());
    kvm.setSignalMask(blockedSignals);
    writeTemplate(cpu);
    kvm.setSregs(template);
    if (cpu.hasXsave()) {
      kvm.setXcr0(cpu.xcr0());
    }
    boolean set = kvm.setMsr(MSR_STAR, Ring0.STAR) && kvm.setMsr(MSR_LSTAR, Ring0.SYSCALL_ENTRY)
        && kvm.setMsr(MSR_CSTAR, Ring0.SYSCALL_ENTRY) && kvm.setMsr(MSR_SFMASK, Ring0.SFMASK);
    if (!set) {
      throw Errno.EINVAL.error();
    }
    kvm.useHostTimestampCounter();
  }

  /** Puts a context's data segments to what a new program has. Bases stay. */
  static void resetSegments(MemorySegment registers) {
    for (long at = REGS_SIZE; at < REGISTERS_SIZE; at += SEGMENT_SIZE) {
      long base = registers.get(JAVA_LONG_UNALIGNED, at);
      segment(registers, at, 0, TYPE_DATA, false);
      registers.set(JAVA_LONG_UNALIGNED, at, base);
    }
  }

  /** Takes it for the caller alone, if nobody has it. */
  boolean tryClaim() {
    return claimed.compareAndSet(false, true);
  }

  void release() {
    claimed.set(false);
  }

  /** Runs application code from {@code registers} in {@code space}: the result of KVM_RUN. */
  long run(MemorySegment registers, KvmAddressSpace space) {
    load(registers, space);
    long result = kvm.run();
    store(registers);
    if (result == KvmProcessor.EINTR) {
      forgetEvent();
    }
    return result;
  }

  /** As {@link #run}: how long KVM_RUN took, in nanoseconds. */
  long timedRun(MemorySegment registers, KvmAddressSpace space) {
    load(registers, space);
    long begin = System.nanoTime();
    kvm.run();
    long nanos = System.nanoTime() - begin;
    store(registers);
    return nanos;
  }

  /** Why {@link #run} ended, if its result was 0. */
  int exitReason() {
    return kvm.exitReason();
  }

  /** Whether it stopped in ring 0. */
  boolean isInRing0() {
    return run.get(JAVA_BYTE, KvmProcessor.SREGS + CS + DPL) == 0;
  }

  /** Address of the last page fault. */
  long cr2() {
    return getSreg(CR2);
  }

  /** The word at ring 0 address {@code address} of its stack; 0 if that is not on the stack. */
  long stackWord(long address) {
    long offset = address - stackPage;
    return offset >= 0 && offset <= Ring0.PAGE - 8 ? stack.get(JAVA_LONG_UNALIGNED, offset) : 0;
  }

  void getExtendedState(MemorySegment out) {
    kvm.getXsave(out);
  }

  boolean setExtendedState(MemorySegment state) {
    return kvm.setXsave(state);
  }

  void close() {
    kvm.close();
  }

  /**
   * A signal can come between the noting of an exception and its delivery, or behind an instruction that holds
   * exceptions off. Neither must hit whatever runs here next; an exception that is dropped is raised again when its
   * instruction is run again.
   */
  private void forgetEvent() {
    long events = KvmProcessor.EVENTS;
    int left = run.get(JAVA_BYTE, events + EXCEPTION_INJECTED) | run.get(JAVA_BYTE, events + EXCEPTION_PENDING)
        | run.get(JAVA_BYTE, events + INTERRUPT_SHADOW);
    if (left != 0) {
      run.asSlice(events, EVENTS_SIZE).fill((byte) 0);
      run.set(JAVA_INT_UNALIGNED, events + EVENT_FLAGS, VALID_SHADOW);
      eventLeft = true;
    }
  }

  private void load(MemorySegment registers, KvmAddressSpace space) {
    MemorySegment.copy(registers, 0, run, KvmProcessor.REGS, REGS_SIZE);
    MemorySegment.copy(template, 0, run, KvmProcessor.SREGS, KvmProcessor.SREGS_SIZE);
    MemorySegment.copy(registers, REGS_SIZE, run, KvmProcessor.SREGS + DS, DATA_SIZE);
    long wanted = space.generation();
    if (wanted != generation) {
      generation = wanted;
      // Another value of CR3 has KVM and the processor forget all translations.
      otherCr3 ^= canFlush ? CR3_IGNORED : 0;
    }
    setSreg(CR3, space.root() | otherCr3);
    long taken = KvmProcessor.SYNC_REGS | KvmProcessor.SYNC_SREGS;
    if (eventLeft) {
      eventLeft = false;
      taken |= KvmProcessor.SYNC_EVENTS;
    }
    kvm.sync(taken, KvmProcessor.SYNC_REGS | KvmProcessor.SYNC_SREGS | KvmProcessor.SYNC_EVENTS);
  }

  private void store(MemorySegment registers) {
    MemorySegment.copy(run, KvmProcessor.REGS, registers, 0, REGS_SIZE);
    MemorySegment.copy(run, KvmProcessor.SREGS + DS, registers, REGS_SIZE, DATA_SIZE);
  }

  private void setSreg(int offset, long value) {
    run.set(JAVA_LONG_UNALIGNED, KvmProcessor.SREGS + (long) offset, value);
  }

  private long getSreg(int offset) {
    return run.get(JAVA_LONG_UNALIGNED, KvmProcessor.SREGS + (long) offset);
  }

  private void writeTemplate(GuestCpu cpu) throws ErrnoException {
    kvm.getSregs(template);
    segment(template, CS, Ring0.USER_CS, TYPE_CODE, true);
    segment(template, SS, Ring0.USER_SS, TYPE_DATA, false);
    template.asSlice(LDT, SEGMENT_SIZE).fill((byte) 0);
    template.set(JAVA_BYTE, LDT + UNUSABLE, (byte) 1);
    template.asSlice(TR, SEGMENT_SIZE).fill((byte) 0);
    template.set(JAVA_LONG_UNALIGNED, TR, stackPage);
    template.set(JAVA_INT_UNALIGNED, TR + LIMIT, Ring0.TASK_STATE_LIMIT);
    template.set(JAVA_SHORT_UNALIGNED, TR + SELECTOR, (short) Ring0.TASK_STATE);
    template.set(JAVA_BYTE, TR + TYPE, TYPE_BUSY_TASK);
    template.set(JAVA_BYTE, TR + SEGMENT_PRESENT, (byte) 1);
    table(GDTR, Ring0.GDT, Ring0.GDT_LIMIT);
    table(IDTR, Ring0.IDT, Ring0.IDT_LIMIT);
    template.set(JAVA_LONG_UNALIGNED, CR0, CR0_VALUE);
    template.set(JAVA_LONG_UNALIGNED, CR2, 0);
    long cr4 = CR4_VALUE | (cpu.hasXsave() ? CR4_OSXSAVE : 0) | (cpu.hasFsGsBase() ? CR4_FSGSBASE : 0);
    template.set(JAVA_LONG_UNALIGNED, CR4, cr4);
    template.set(JAVA_LONG_UNALIGNED, EFER, EFER_VALUE);
  }

  private static void segment(MemorySegment in, long at, int selector, byte type, boolean code) {
    in.set(JAVA_LONG_UNALIGNED, at, 0);
    in.set(JAVA_INT_UNALIGNED, at + LIMIT, -1);
    in.set(JAVA_SHORT_UNALIGNED, at + SELECTOR, (short) selector);
    in.set(JAVA_BYTE, at + TYPE, type);
    in.set(JAVA_BYTE, at + SEGMENT_PRESENT, (byte) 1);
    in.set(JAVA_BYTE, at + DPL, (byte) 3);
    in.set(JAVA_BYTE, at + DB, (byte) (code ? 0 : 1));
    in.set(JAVA_BYTE, at + CODE_OR_DATA, (byte) 1);
    in.set(JAVA_BYTE, at + LONG_MODE, (byte) (code ? 1 : 0));
    in.set(JAVA_BYTE, at + GRANULARITY, (byte) 1);
    in.set(JAVA_BYTE, at + UNUSABLE, (byte) 0);
  }

  private void table(int at, long base, int limit) {
    template.set(JAVA_LONG_UNALIGNED, at, base);
    template.set(JAVA_SHORT_UNALIGNED, at + 8, (short) limit);
  }
}
