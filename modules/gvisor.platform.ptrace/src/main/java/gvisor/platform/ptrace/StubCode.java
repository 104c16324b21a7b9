package gvisor.platform.ptrace;

import static gvisor.host.asm.Reg.R10;
import static gvisor.host.asm.Reg.R12;
import static gvisor.host.asm.Reg.R8;
import static gvisor.host.asm.Reg.R9;
import static gvisor.host.asm.Reg.RAX;
import static gvisor.host.asm.Reg.RBX;
import static gvisor.host.asm.Reg.RDI;
import static gvisor.host.asm.Reg.RDX;
import static gvisor.host.asm.Reg.RSI;

import gvisor.host.asm.Assembler;

/**
 * The code of every stub process: one page at {@link #ADDRESS}, above all application memory, and behind it a page of
 * work lists that the stub can only read. A hostile application shares the process, so nothing here trusts memory that
 * the stub could write, and results go back in registers.
 */
final class StubCode {
  /** Where the code is in a stub. Below the end of the 47-bit user addresses, page aligned. */
  static final long ADDRESS = 0x7fff_ffff_0000L;

  /** Where a stub reads its work list. */
  static final long WORK_ADDRESS = ADDRESS + 4096;

  /** First address behind what a stub keeps mapped. */
  static final long END = WORK_ADDRESS + 4096;

  /** End of the addresses a process can have. */
  static final long TASK_SIZE = 0x7fff_ffff_f000L;

  /** Bytes of one item of work: system call number, six arguments, unused. */
  static final int ITEM_SIZE = 64;

  /** Most items in a page. */
  static final int MAX_ITEMS = 4096 / ITEM_SIZE;

  private static final int NR_PAUSE = 34;

  private final byte[] bytes;
  private final int batchOffset;
  private final int callOffset;
  private final int cloneOffset;
  private final int parkOffset;

  StubCode() {
    Assembler a = new Assembler();

    // batch: works off r12 items from rbx; stops with r12 items left, the first of which failed with rax.
    batchOffset = a.here().offset();
    Assembler.Label stop = new Assembler.Label();
    Assembler.Label next = a.here();
    a.test(R12);
    a.jump(Assembler.Condition.EQUAL, stop);
    a.load(RAX, RBX, 0);
    a.load(RDI, RBX, 8);
    a.load(RSI, RBX, 16);
    a.load(RDX, RBX, 24);
    a.load(R10, RBX, 32);
    a.load(R8, RBX, 40);
    a.load(R9, RBX, 48);
    a.syscall();
    a.cmp(RAX, -4095);
    a.jump(Assembler.Condition.ABOVE_OR_EQUAL, stop);
    a.add(RBX, ITEM_SIZE);
    a.sub(R12, 1);
    a.jump(next);
    a.bind(stop);
    a.int3();

    // call: one system call from registers.
    callOffset = a.here().offset();
    a.syscall();
    a.int3();

    // clone: like call, but the child parks.
    cloneOffset = a.here().offset();
    Assembler.Label park = new Assembler.Label();
    a.syscall();
    a.test(RAX);
    a.jump(Assembler.Condition.EQUAL, park);
    a.int3();

    // park: waits to be attached to, for which it needs no memory and no stack.
    a.bind(park);
    parkOffset = park.offset();
    a.mov(RAX, NR_PAUSE);
    a.syscall();
    a.jump(park);
    bytes = a.toBytes();
  }

  byte[] bytes() {
    return bytes;
  }

  long batchEntry() {
    return ADDRESS + batchOffset;
  }

  long callEntry() {
    return ADDRESS + callOffset;
  }

  long cloneEntry() {
    return ADDRESS + cloneOffset;
  }

  long parkEntry() {
    return ADDRESS + parkOffset;
  }
}
