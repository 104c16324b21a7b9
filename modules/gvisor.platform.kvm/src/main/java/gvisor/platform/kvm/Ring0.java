package gvisor.platform.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.host.asm.Assembler;
import java.lang.foreign.MemorySegment;

/**
 * What lies in the upper half of every address space, for the supervisor only: the entry of {@code syscall}, a handler
 * an interrupt vector, the descriptor tables, and a page a processor with its task state segment and its stack.
 *
 * <p>Every entry is a single {@code hlt}: KVM_RUN ends there with the application's registers untouched, and what the
 * processor pushed lies on the stack for the host to read. The way back is to set the registers. Nothing here returns,
 * saves or decides anything.
 *
 * <p>A software KVM does not enter ring 0 on {@code syscall}: it goes to the entry with the privilege level still 3,
 * which faults there, for the page is the supervisor's. That the interrupt flag is off (SFMASK) tells it from a jump.
 *
 * <p>Layouts: AMD APM volume 2, 4.8 (descriptors), 8.2 (vectors), 8.9 (frames), 12.2.5 (task state segment).
 */
final class Ring0 {
  /** Where it starts; canonical, and out of what applications may map. */
  static final long ADDRESS = 0xffff_ffff_8000_0000L;

  /** Target of {@code syscall}. */
  static final long SYSCALL_ENTRY = ADDRESS;

  /** Handler of vector 0; the others follow, each {@link #HANDLER_SIZE} bytes after the one before. */
  static final long HANDLERS = ADDRESS + 0x800;

  static final int HANDLER_SIZE = 8;
  static final int VECTORS = 256;

  static final long IDT = ADDRESS + 0x1000;
  static final int IDT_LIMIT = VECTORS * 16 - 1;
  static final long GDT = ADDRESS + 0x2000;
  static final int GDT_LIMIT = 7 * 8 - 1;

  /** Pages for code and tables, before those of the processors. */
  static final int FIXED_PAGES = 3;

  /** Page of processor 0. */
  static final long PROCESSORS = ADDRESS + 0x20_0000;

  static final int PAGE = 4096;

  /** Selectors, where Linux has them; that of the task state is never loaded from the table. */
  static final int KERNEL_CS = 0x10, USER_SS = 0x2b, USER_CS = 0x33, TASK_STATE = 0x40;

  static final int TASK_STATE_LIMIT = 103;

  /** STAR: what {@code syscall} loads, and what {@code sysret} would. */
  static final long STAR = 0x23L << 48 | (long) KERNEL_CS << 32;

  /** SFMASK: TF, IF, DF, IOPL, NT, RF and AC are off after {@code syscall}, as with Linux. */
  static final long SFMASK = 0x57700;

  static final int BREAKPOINT = 3, OVERFLOW = 4, PAGE_FAULT = 14;

  private static final long KERNEL_CODE = 0x00af_9b00_0000_ffffL;
  private static final long KERNEL_DATA = 0x00cf_9300_0000_ffffL;
  private static final long USER_DATA = 0x00cf_f300_0000_ffffL;
  private static final long USER_CODE = 0x00af_fb00_0000_ffffL;
  private static final long GATE = 0x8e;
  private static final long GATE_FOR_USER = 0xee;
  private static final int STACK_0 = 4;
  private static final int PORT_MAP = 102;

  private Ring0() {}

  /** Writes code and tables into the first {@link #FIXED_PAGES} pages of {@code memory}. */
  static void write(MemorySegment memory) {
    byte[] code = code();
    MemorySegment.copy(code, 0, memory, JAVA_BYTE, 0, code.length);
    for (int vector = 0; vector < VECTORS; vector++) {
      long handler = HANDLERS + (long) vector * HANDLER_SIZE;
      long kind = vector == BREAKPOINT || vector == OVERFLOW ? GATE_FOR_USER : GATE;
      long low = handler & 0xffff | (long) KERNEL_CS << 16 | kind << 40 | (handler >> 16 & 0xffff) << 48;
      memory.set(JAVA_LONG, IDT - ADDRESS + vector * 16L, low);
      memory.set(JAVA_LONG, IDT - ADDRESS + vector * 16L + 8, handler >>> 32);
    }
    long gdt = GDT - ADDRESS;
    memory.set(JAVA_LONG, gdt + KERNEL_CS, KERNEL_CODE);
    memory.set(JAVA_LONG, gdt + KERNEL_CS + 8, KERNEL_DATA);
    memory.set(JAVA_LONG, gdt + (USER_SS & ~7), USER_DATA);
    memory.set(JAVA_LONG, gdt + (USER_CS & ~7), USER_CODE);
  }

  /** Address of processor {@code id}'s page; its stack ends where the page does. */
  static long processorPage(int id) {
    return PROCESSORS + (long) id * PAGE;
  }

  /** Writes processor {@code id}'s task state segment to the start of {@code page}. */
  static void writeProcessor(MemorySegment page, int id) {
    page.set(JAVA_LONG_UNALIGNED, STACK_0, processorPage(id) + PAGE);
    // Behind the segment's end, so that there is no port for applications.
    page.set(JAVA_SHORT_UNALIGNED, PORT_MAP, (short) (TASK_STATE_LIMIT + 1));
  }

  /** Whether the processor pushes an error code for {@code vector}. */
  static boolean hasErrorCode(int vector) {
    return vector == 8 || vector >= 10 && vector <= 14 || vector == 17 || vector == 21 || vector == 29 || vector == 30;
  }

  private static byte[] code() {
    Assembler a = new Assembler();
    a.hlt();
    while (a.here().offset() < HANDLERS - SYSCALL_ENTRY) {
      a.int3();
    }
    for (int vector = 0; vector < VECTORS; vector++) {
      a.hlt();
      a.align(HANDLER_SIZE);
    }
    return a.toBytes();
  }
}
