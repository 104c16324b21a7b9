package gvisor.host.ptrace;

import static gvisor.host.asm.Reg.R10;
import static gvisor.host.asm.Reg.R12;
import static gvisor.host.asm.Reg.R8;
import static gvisor.host.asm.Reg.RAX;
import static gvisor.host.asm.Reg.RBX;
import static gvisor.host.asm.Reg.RDI;
import static gvisor.host.asm.Reg.RDX;
import static gvisor.host.asm.Reg.RSI;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.asm.Assembler;
import gvisor.host.libc.Memory;
import gvisor.host.libc.NewProcess;
import gvisor.host.libc.Script;
import gvisor.host.libc.Sys;
import gvisor.host.seccomp.Bpf;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Forks this process into the first stub: a process that is traced, has a session, no capabilities, no descriptors but
 * two, one page of code of ours, and a filter that lets that page alone make the few system calls a stub needs.
 *
 * <p>Forked twice. The first child shares the JVM's memory, so the kernel forgets the thread's registrations there
 * (rseq, robust futexes), which would point to nothing in a stub; the second, its copy, is the stub. The first makes it
 * a sibling (CLONE_PARENT) and ends.
 */
public final class FirstStub {
  private static final int CLONE_PARENT = 0x8000;
  private static final int PTRACE_TRACEME = 0;
  private static final int PR_SET_DUMPABLE = 4;
  private static final int PR_SET_NAME = 15;
  private static final int PR_SET_SECCOMP = 22;
  private static final int SECCOMP_MODE_FILTER = 2;
  private static final int NR_CAPSET = 126;
  private static final int CAPABILITY_VERSION_3 = 0x20080522;
  private static final int HEADER = 64;
  private static final int ENTRIES = 24;
  private static final int NR_GETTIMEOFDAY = 96;
  private static final int NR_TIME = 201;
  private static final int NR_GETCPU = 309;

  private static final long BEGIN = Memory.executable(beginCode()).address();

  private FirstStub() {}

  /**
   * Forks it. The calling thread becomes its tracer and parent: when that thread ends, it and every stub cloned from it
   * die.
   *
   * @param code holds the stub's code in its first page
   * @param memory the application's memory
   * @param address where the page of code goes
   * @throws StubFailure when the host refuses a step
   * @return its pid; it is stopped, still with the JVM's memory, which the tracer has yet to unmap
   */
  public static int fork(Fd code, Fd memory, long address) throws StubFailure {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment block = arena.allocate(HEADER + (long) ENTRIES * Script.ENTRY_SIZE, 64);
      Script script = new Script(block.asSlice(HEADER));
      script.add(Sys.NR_PTRACE, PTRACE_TRACEME);
      script.add(Sys.NR_PRCTL, Sys.PR_SET_PDEATHSIG, Sys.SIGKILL);
      script.add(Sys.NR_PRCTL, PR_SET_NAME, Memory.cString(arena, "stub"));
      script.add(Sys.NR_SETSID);
      script.add(Sys.NR_RT_SIGPROCMASK, Sys.SIG_SETMASK, arena.allocate(8, 8).address(), 0, 8);
      closeAllBut(script, Math.min(code.number(), memory.number()), Math.max(code.number(), memory.number()));
      int prot = Sys.PROT_READ | Sys.PROT_EXEC;
      int flags = Sys.MAP_SHARED | Sys.MAP_FIXED;
      script.add(Sys.NR_MMAP, address, 4096, prot, flags, code.number(), 0);
      MemorySegment capHeader = arena.allocate(8, 8);
      capHeader.set(JAVA_INT, 0, CAPABILITY_VERSION_3);
      script.add(NR_CAPSET, capHeader.address(), arena.allocate(24, 8).address());
      // Its tracers have no capabilities, so they may only trace what may dump core; a changed uid takes that away.
      script.add(Sys.NR_PRCTL, PR_SET_DUMPABLE, 1);
      script.add(Sys.NR_PRCTL, Sys.PR_SET_NO_NEW_PRIVS, 1);
      script.add(Sys.NR_PRCTL, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter(address).toSockFprog(arena).address());

      // CLONE_VM | CLONE_VFORK, and no signal when it ends.
      int helper = NewProcess.clone(0x4100, BEGIN, script.address(), script.count());
      MemorySegment status = Memory.scratch();
      Ptrace.waitFor(helper, status);
      long pid = block.get(JAVA_LONG, 0);
      if (pid <= 0) {
        throw new StubFailure(Sys.NR_CLONE, Errno.of((int) -pid));
      }
      return started((int) pid, script, status);
    } catch (ErrnoException e) {
      throw new StubFailure(Sys.NR_CLONE, e.errno());
    }
  }

  private static int started(int pid, Script script, MemorySegment status) throws StubFailure {
    Ptrace.waitFor(pid, status);
    int how = status.get(JAVA_INT, 0);
    MemorySegment regs = Memory.bounce().asSlice(0, Ptrace.REGS_SIZE);
    if (how != Ptrace.STATUS_TRAP || Ptrace.getRegs(pid, regs) < 0) {
      Ptrace.kill(pid);
      Ptrace.waitFor(pid, status);
      throw new StubFailure("the first stub process did not start: wait status 0x" + Integer.toHexString(how));
    }
    long remaining = regs.get(JAVA_LONG, 3 * 8);
    if (remaining != 0) {
      int errno = (int) -regs.get(JAVA_LONG, 10 * 8);
      Ptrace.kill(pid);
      Ptrace.waitFor(pid, status);
      throw new StubFailure(script.number(script.count() - (int) remaining), Errno.of(errno));
    }
    Ptrace.setOptions(pid);
    return pid;
  }

  private static void closeAllBut(Script script, int low, int high) {
    if (low > 0) {
      script.add(Sys.NR_CLOSE_RANGE, 0, low - 1L, 0);
    }
    if (high > low + 1) {
      script.add(Sys.NR_CLOSE_RANGE, low + 1L, high - 1L, 0);
    }
    script.add(Sys.NR_CLOSE_RANGE, high + 1L, 0xffff_ffffL, 0);
  }

  /** What a stub may ask of the kernel. System calls of the application never come here: SYSEMU stops before. */
  private static Bpf filter(long codeAddress) {
    int low = (int) codeAddress;
    Bpf bpf = new Bpf().requireX8664();
    bpf.load(Bpf.IP_HIGH);
    // The kernel serves the legacy vsyscall page itself; the time it tells is ours too.
    bpf.jumpEqual(0xffffffff, 0, 8);
    bpf.load(Bpf.NUMBER).allow(NR_GETTIMEOFDAY, NR_TIME, NR_GETCPU).ret(Bpf.KILL_PROCESS);
    bpf.jumpEqual((int) (codeAddress >>> 32), 1, 0).ret(Bpf.KILL_PROCESS);
    bpf.load(Bpf.IP_LOW);
    bpf.jumpAtLeast(low, 1, 0).ret(Bpf.KILL_PROCESS);
    bpf.jumpAtLeast(low + 4096, 0, 1).ret(Bpf.KILL_PROCESS);
    bpf.load(Bpf.NUMBER);
    bpf.allow(Sys.NR_MMAP, Sys.NR_MUNMAP, Sys.NR_MPROTECT, Sys.NR_PAUSE, Sys.NR_CLONE, Sys.NR_PRCTL, Sys.NR_EXIT,
        Sys.NR_EXIT_GROUP);
    return bpf.ret(Bpf.KILL_PROCESS);
  }

  /** Pops the script's address and length; leaves the stub's pid (or error) 64 bytes before the script. */
  private static byte[] beginCode() {
    Assembler a = new Assembler();
    Assembler.Label stub = new Assembler.Label();
    Assembler.Label failed = new Assembler.Label();
    a.pop(RBX);
    a.pop(R12);
    a.mov(RAX, Sys.NR_CLONE);
    a.mov(RDI, CLONE_PARENT);
    a.clear(RSI);
    a.clear(RDX);
    a.clear(R10);
    a.clear(R8);
    a.syscall();
    a.test(RAX);
    a.jump(Assembler.Condition.EQUAL, stub);
    a.store(RBX, -HEADER, RAX);
    a.clear(RDI);
    a.mov(RAX, Sys.NR_EXIT);
    a.syscall();
    a.bind(stub);
    Script.assembleRunner(a, failed, false);
    a.bind(failed);
    a.int3();
    return a.toBytes();
  }
}
