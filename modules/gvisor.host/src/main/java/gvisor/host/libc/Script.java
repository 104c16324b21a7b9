package gvisor.host.libc;

import static gvisor.host.asm.Reg.R10;
import static gvisor.host.asm.Reg.R12;
import static gvisor.host.asm.Reg.R8;
import static gvisor.host.asm.Reg.R9;
import static gvisor.host.asm.Reg.RAX;
import static gvisor.host.asm.Reg.RBX;
import static gvisor.host.asm.Reg.RDI;
import static gvisor.host.asm.Reg.RDX;
import static gvisor.host.asm.Reg.RSI;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.host.asm.Assembler;
import java.lang.foreign.MemorySegment;

/**
 * A list of system calls in memory that machine code works off without Java: what a new process does between
 * {@code clone} and {@code execve}, and what a stub of the ptrace platform does between two stops.
 *
 * <p>An entry is eight longs: number, six arguments, and room for the result. One thread.
 */
public final class Script {
  /** Bytes of an entry. */
  public static final int ENTRY_SIZE = 64;

  /** Where an entry holds its result. */
  public static final int RESULT = 56;

  /** What {@link #RESULT} holds before the entry has run; no system call returns it. */
  public static final long NOT_RUN = Long.MIN_VALUE;

  private final MemorySegment memory;
  private int count;

  /** An empty script of as many entries as fit into {@code memory}, which must be native. */
  public Script(MemorySegment memory) {
    this.memory = memory;
  }

  /** Appends a call with up to six arguments. */
  public Script add(long number, long... arguments) {
    long at = (long) count * ENTRY_SIZE;
    memory.set(JAVA_LONG, at, number);
    for (int i = 0; i < 6; i++) {
      memory.set(JAVA_LONG, at + 8 + 8L * i, i < arguments.length ? arguments[i] : 0);
    }
    memory.set(JAVA_LONG, at + RESULT, NOT_RUN);
    count++;
    return this;
  }

  /** How many entries there are. */
  public int count() {
    return count;
  }

  /** Native address of the first entry. */
  public long address() {
    return memory.address();
  }

  /** System call number of entry {@code index}. */
  public long number(int index) {
    return memory.get(JAVA_LONG, (long) index * ENTRY_SIZE);
  }

  /** Result of entry {@code index}, a negative error number, or {@link #NOT_RUN}. */
  public long result(int index) {
    return memory.get(JAVA_LONG, (long) index * ENTRY_SIZE + RESULT);
  }

  /** The first entry that failed, or -1. */
  public int failed() {
    for (int i = 0; i < count; i++) {
      long r = result(i);
      if (r < 0 && r >= -4095) {
        return i;
      }
    }
    return -1;
  }

  /**
   * Writes the code that works off the script whose first entry is at rbx and whose number of entries is in r12, and
   * goes on behind itself; after a failure it jumps to {@code failed}. Uses no stack and changes every register that
   * a system call takes.
   *
   * @param keepResults write each result into its entry, so the memory must be writable
   */
  public static void assembleRunner(Assembler a, Assembler.Label failed, boolean keepResults) {
    Assembler.Label end = new Assembler.Label();
    Assembler.Label next = a.here();
    a.test(R12);
    a.jump(Assembler.Condition.EQUAL, end);
    a.load(RAX, RBX, 0);
    a.load(RDI, RBX, 8);
    a.load(RSI, RBX, 16);
    a.load(RDX, RBX, 24);
    a.load(R10, RBX, 32);
    a.load(R8, RBX, 40);
    a.load(R9, RBX, 48);
    a.syscall();
    if (keepResults) {
      a.store(RBX, RESULT, RAX);
    }
    a.cmp(RAX, -4095);
    a.jump(Assembler.Condition.ABOVE_OR_EQUAL, failed);
    a.add(RBX, ENTRY_SIZE);
    a.sub(R12, 1);
    a.jump(next);
    a.bind(end);
  }
}
