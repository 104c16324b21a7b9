package gvisor.host.ptrace;

import static gvisor.host.asm.Reg.R10;
import static gvisor.host.asm.Reg.R12;
import static gvisor.host.asm.Reg.R13;
import static gvisor.host.asm.Reg.R14;
import static gvisor.host.asm.Reg.RAX;
import static gvisor.host.asm.Reg.RBX;
import static gvisor.host.asm.Reg.RCX;
import static gvisor.host.asm.Reg.RDI;
import static gvisor.host.asm.Reg.RDX;
import static gvisor.host.asm.Reg.RSI;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.host.asm.Assembler;
import gvisor.host.libc.MachineCode;
import gvisor.host.libc.Sys;
import java.lang.foreign.MemorySegment;

/**
 * {@code ptrace(2)} and its companions. Results are as the kernel gives them: a negative one is an error number. Only
 * the thread that attached may make requests about a tracee.
 */
public final class Ptrace {
  /** Requests for {@link #run}. */
  public static final int CONT = 7, SYSEMU = 31;

  /** Bytes of {@code struct user_regs_struct}. */
  public static final int REGS_SIZE = 27 * 8;

  /** {@code WIFSTOPPED} of a SYSEMU stop: SIGTRAP, with the bit that PTRACE_O_TRACESYSGOOD adds. */
  public static final int STATUS_SYSCALL = 0x857f;

  /** {@code WIFSTOPPED} of a plain SIGTRAP: int3. */
  public static final int STATUS_TRAP = 0x057f;

  /** {@code WIFSTOPPED}: the low byte of the status. */
  public static final int STOPPED = 0x7f;

  private static final int PTRACE_PEEKTEXT = 1;
  private static final int PTRACE_GETREGS = 12;
  private static final int PTRACE_SETREGS = 13;
  private static final int PTRACE_DETACH = 17;
  private static final int PTRACE_SETOPTIONS = 0x4200;
  private static final int PTRACE_GETSIGINFO = 0x4202;
  private static final int PTRACE_GETREGSET = 0x4204;
  private static final int PTRACE_SETREGSET = 0x4205;
  private static final int PTRACE_SEIZE = 0x4206;
  private static final int PTRACE_INTERRUPT = 0x4207;
  private static final int NT_X86_XSTATE = 0x202;
  private static final int OPTIONS = 0x1 | 0x100000; // PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL
  private static final int WALL = 0x40000000;

  private static final MachineCode RUN = new MachineCode(runCode());

  private Ptrace() {}

  /**
   * Sets the tracee's registers to {@code regs}, lets it run by {@code request} until it stops or ends, and reads the
   * registers back after a stop: four system calls for one transition out of Java.
   *
   * @param status 8 bytes to work with
   * @return the wait status, or a negative error number (EIO: registers refused; ESRCH: the tracee is gone)
   */
  public static long run(int tid, MemorySegment regs, MemorySegment status, int request) {
    return RUN.call(tid, regs.address(), status.address(), request, 0, 0);
  }

  /** PTRACE_SEIZE with the options every tracee has: dies with its tracer, system call stops can be told from traps. */
  public static long seize(int tid) {
    return request(PTRACE_SEIZE, tid, 0, OPTIONS);
  }

  /** Gives a tracee that attached itself by PTRACE_TRACEME the same options. */
  public static long setOptions(int tid) {
    return request(PTRACE_SETOPTIONS, tid, 0, OPTIONS);
  }

  /** PTRACE_INTERRUPT: a seized tracee stops soon. */
  public static long interrupt(int tid) {
    return request(PTRACE_INTERRUPT, tid, 0, 0);
  }

  /** PTRACE_DETACH of a stopped tracee, which goes on. */
  public static long detach(int tid) {
    return request(PTRACE_DETACH, tid, 0, 0);
  }

  /** PTRACE_GETREGS. */
  public static long getRegs(int tid, MemorySegment regs) {
    return request(PTRACE_GETREGS, tid, 0, regs.address());
  }

  /** PTRACE_SETREGS. */
  public static long setRegs(int tid, MemorySegment regs) {
    return request(PTRACE_SETREGS, tid, 0, regs.address());
  }

  /** PTRACE_PEEKTEXT: 8 bytes of the tracee's memory into {@code word}. */
  public static long peek(int tid, long addr, MemorySegment word) {
    return request(PTRACE_PEEKTEXT, tid, addr, word.address());
  }

  /** PTRACE_GETSIGINFO into 128 bytes. */
  public static long getSigInfo(int tid, MemorySegment info) {
    return request(PTRACE_GETSIGINFO, tid, 0, info.address());
  }

  /** PTRACE_GETREGSET of the XSAVE area: bytes written into {@code dst}. */
  public static long getXstate(int tid, MemorySegment dst, MemorySegment iovec) {
    iovec.set(JAVA_LONG, 0, dst.address());
    iovec.set(JAVA_LONG, 8, dst.byteSize());
    long failed = request(PTRACE_GETREGSET, tid, NT_X86_XSTATE, iovec.address());
    return failed < 0 ? failed : iovec.get(JAVA_LONG, 8);
  }

  /** PTRACE_SETREGSET of the XSAVE area; EINVAL for what the processor would not take. */
  public static long setXstate(int tid, MemorySegment src, MemorySegment iovec) {
    iovec.set(JAVA_LONG, 0, src.address());
    iovec.set(JAVA_LONG, 8, src.byteSize());
    return request(PTRACE_SETREGSET, tid, NT_X86_XSTATE, iovec.address());
  }

  /** {@code wait4(2)} for one thread; {@code status} gets the status in its first four bytes. Repeats after EINTR. */
  public static long waitFor(int tid, MemorySegment status) {
    long n;
    do {
      n = MachineCode.syscall(Sys.NR_WAIT4, tid, status.address(), WALL, 0, 0, 0);
    } while (n == -4);
    return n;
  }

  /** {@code tgkill(2)} with SIGCHLD: stops a tracee, does nothing to a thread that is not traced. Any thread. */
  public static void nudge(int pid, int tid) {
    MachineCode.syscall(Sys.NR_TGKILL, pid, tid, Sys.SIGCHLD, 0, 0, 0);
  }

  /** {@code kill(2)} with SIGKILL. Any thread. */
  public static void kill(int pid) {
    MachineCode.syscall(Sys.NR_KILL, pid, Sys.SIGKILL, 0, 0, 0, 0);
  }

  private static long request(int request, int tid, long addr, long data) {
    return MachineCode.syscall(Sys.NR_PTRACE, request, tid, addr, data, 0, 0);
  }

  /** {@code long run(long tid, void *regs, int *status, long request)}. */
  private static byte[] runCode() {
    Assembler a = new Assembler();
    Assembler.Label out = new Assembler.Label();
    a.push(RBX);
    a.push(R12);
    a.push(R13);
    a.push(R14);
    a.mov(RBX, RDI);
    a.mov(R12, RSI);
    a.mov(R13, RDX);
    a.mov(R14, RCX);

    a.mov(RDI, PTRACE_SETREGS);
    ptrace(a, true);
    a.test(RAX);
    a.jump(Assembler.Condition.NEGATIVE, out);

    a.mov(RDI, R14);
    ptrace(a, false);
    a.test(RAX);
    a.jump(Assembler.Condition.NEGATIVE, out);

    Assembler.Label wait = a.here();
    a.mov(RAX, Sys.NR_WAIT4);
    a.mov(RDI, RBX);
    a.mov(RSI, R13);
    a.mov(RDX, WALL);
    a.clear(R10);
    a.syscall();
    a.cmp(RAX, -4); // EINTR: a signal of the JVM
    a.jump(Assembler.Condition.EQUAL, wait);
    a.test(RAX);
    a.jump(Assembler.Condition.NEGATIVE, out);

    a.load32(RAX, R13, 0);
    a.and(RAX, 0xff);
    a.cmp(RAX, STOPPED);
    Assembler.Label ended = new Assembler.Label();
    a.jump(Assembler.Condition.NOT_EQUAL, ended);
    a.mov(RDI, PTRACE_GETREGS);
    ptrace(a, true);
    a.test(RAX);
    a.jump(Assembler.Condition.NEGATIVE, out);
    a.bind(ended);
    a.load32(RAX, R13, 0);

    a.bind(out);
    a.pop(R14);
    a.pop(R13);
    a.pop(R12);
    a.pop(RBX);
    a.ret();
    return a.toBytes();
  }

  /** The request in rdi, about the tracee in rbx, with the registers at r12 as data or with none. */
  private static void ptrace(Assembler a, boolean withRegs) {
    a.mov(RAX, Sys.NR_PTRACE);
    a.mov(RSI, RBX);
    a.clear(RDX);
    if (withRegs) {
      a.mov(R10, R12);
    } else {
      a.clear(R10);
    }
    a.syscall();
  }
}
