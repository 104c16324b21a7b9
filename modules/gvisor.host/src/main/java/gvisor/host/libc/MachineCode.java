package gvisor.host.libc;

import static gvisor.host.asm.Reg.R10;
import static gvisor.host.asm.Reg.R12;
import static gvisor.host.asm.Reg.R8;
import static gvisor.host.asm.Reg.R9;
import static gvisor.host.asm.Reg.RAX;
import static gvisor.host.asm.Reg.RBX;
import static gvisor.host.asm.Reg.RCX;
import static gvisor.host.asm.Reg.RDI;
import static gvisor.host.asm.Reg.RDX;
import static gvisor.host.asm.Reg.RSI;
import static gvisor.host.asm.Reg.RSP;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.host.asm.Assembler;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * Machine code of our own in executable memory, called through FFM with one call shape for all: a second shape costs
 * 10 ms of start-up, while an unused argument costs nothing.
 */
public final class MachineCode {
  private static final MethodHandle CALL =
      Linker.nativeLinker()
          .downcallHandle(
              FunctionDescriptor.of(
                  JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

  private static final SymbolLookup LIBC = Linker.nativeLinker().defaultLookup();

  // Memory.executable() may itself come here, so what it needs is made without it.
  private static final MachineCode SYSCALL = new MachineCode(executable(syscallCode()));
  private static final MachineCode FUNCTION = new MachineCode(Memory.executable(functionCode()));
  private static final MachineCode TIMESTAMP = new MachineCode(Memory.executable(timestampCode()));

  private final MemorySegment entry;

  /** Makes {@code code} executable, for the life of the process. */
  public MachineCode(byte[] code) {
    this(Memory.executable(code));
  }

  private MachineCode(MemorySegment entry) {
    this.entry = entry;
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

  /** libc's function {@code name}, which returns an {@code int}: its result, or the negative error number. */
  static long function(String name, long a, long b, long c) {
    MemorySegment out = Memory.scratch();
    long function = LIBC.findOrThrow(name).address();
    FUNCTION.call(function, LIBC.findOrThrow("__errno_location").address(), a, b, c, out.address());
    int result = out.get(JAVA_INT, 0);
    return result == -1 ? -out.get(JAVA_INT, 8) : result;
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

  /** Calls rdi with three arguments from rdx on, then rsi, and leaves what they return, the latter read, at r9. */
  private static byte[] functionCode() {
    Assembler a = new Assembler();
    a.push(RBX);
    a.push(R12);
    a.sub(RSP, 8);
    a.mov(RBX, RSI);
    a.mov(R12, R9);
    a.mov(RAX, RDI);
    a.mov(RDI, RDX);
    a.mov(RSI, RCX);
    a.mov(RDX, R8);
    a.call(RAX);
    a.store(R12, 0, RAX);
    a.call(RBX);
    a.load32(RAX, RAX, 0);
    a.store(R12, 8, RAX);
    a.add(RSP, 8);
    a.pop(R12);
    a.pop(RBX);
    a.ret();
    return a.toBytes();
  }

  /** {@link Memory#executable} by libc's functions. */
  private static MemorySegment executable(byte[] code) {
    int prot = Sys.PROT_READ | Sys.PROT_WRITE;
    int flags = Sys.MAP_PRIVATE | Sys.MAP_ANONYMOUS;
    long addr = new MachineCode(LIBC.findOrThrow("mmap")).call(0, code.length, prot, flags, -1, 0);
    if (addr == -1) {
      throw new IllegalStateException("executable memory: mmap failed");
    }
    // SAFETY: the kernel has just mapped exactly [addr, addr + length) for us, and nobody ends it.
    MemorySegment memory = MemorySegment.ofAddress(addr).reinterpret(code.length);
    memory.copyFrom(MemorySegment.ofArray(code));
    MachineCode mprotect = new MachineCode(LIBC.findOrThrow("mprotect"));
    if ((int) mprotect.call(addr, code.length, Sys.PROT_READ | Sys.PROT_EXEC, 0, 0, 0) != 0) {
      throw new IllegalStateException("executable memory: mprotect failed");
    }
    return memory;
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
