package gvisor.host.libc;

import static gvisor.host.asm.Reg.R10;
import static gvisor.host.asm.Reg.R8;
import static gvisor.host.asm.Reg.R9;
import static gvisor.host.asm.Reg.RAX;
import static gvisor.host.asm.Reg.RCX;
import static gvisor.host.asm.Reg.RDI;
import static gvisor.host.asm.Reg.RDX;
import static gvisor.host.asm.Reg.RSI;
import static gvisor.host.asm.Reg.RSP;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.host.asm.Assembler;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Machine code of our own in executable memory, called through FFM with one call shape for all: a second shape costs
 * 10 ms of start-up, while an unused argument costs nothing. The first call here costs about 50 ms without an AOT
 * cache, so only processes that need speed (the sandbox) come here; everything else goes through {@link Libc}.
 */
public final class MachineCode {
  private static final MethodHandle CALL =
      Linker.nativeLinker()
          .downcallHandle(
              FunctionDescriptor.of(
                  JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

  private static final MachineCode SYSCALL = new MachineCode(syscallCode());
  private static final MachineCode TIMESTAMP = new MachineCode(timestampCode());

  private final MemorySegment entry;

  /** Makes {@code code} executable, for the life of the process. */
  public MachineCode(byte[] code) {
    entry = Memory.executable(code);
  }

  /** Calls the code as a C function of up to six arguments. */
  public long call(long a, long b, long c, long d, long e, long f) {
    try {
      return (long) CALL.invokeExact(entry, a, b, c, d, e, f, 0L);
    } catch (Throwable t) {
      throw new IllegalStateException("machine code", t);
    }
  }

  /** A system call without libc: the result, or the negative error number. */
  public static long syscall(long number, long a, long b, long c, long d, long e, long f) {
    try {
      return (long) CALL.invokeExact(SYSCALL.entry, number, a, b, c, d, e, f);
    } catch (Throwable t) {
      throw new IllegalStateException("machine code", t);
    }
  }

  /** The time stamp counter. */
  public static long timestampCounter() {
    return TIMESTAMP.call(0, 0, 0, 0, 0, 0);
  }

  /** From the C calling convention with seven arguments to the kernel's with a number and six. */
  private static byte[] syscallCode() {
    Assembler a = new Assembler();
    a.mov(RAX, RDI);
    a.mov(RDI, RSI);
    a.mov(RSI, RDX);
    a.mov(RDX, RCX);
    a.mov(R10, R8);
    a.mov(R8, R9);
    a.load(R9, RSP, 8);
    a.syscall();
    a.ret();
    return a.toBytes();
  }

  private static byte[] timestampCode() {
    Assembler a = new Assembler();
    a.rdtsc();
    a.shl(RDX, 32);
    a.or(RAX, RDX);
    a.ret();
    return a.toBytes();
  }
}
