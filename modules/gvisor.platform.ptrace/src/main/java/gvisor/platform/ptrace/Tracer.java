package gvisor.platform.ptrace;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.ptrace.Ptrace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The ptrace requests of one thread, with the memory they need. Whoever attached to a tracee is the only thread that may
 * say anything about it, so a Tracer belongs to a thread.
 */
final class Tracer {
  private static final int NR_CLONE = 56;
  private static final int SIGINFO_SIZE = 128;
  private static final int EIO = 5;
  private static final int SYSCALL_LENGTH = 2;
  private static final int SYSCALL_OPCODE = 0x050f;

  // CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
  private static final long THREAD_FLAGS = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000;
  private static final long CLONE_PARENT = 0x8000;

  private final StubCode code;
  private final MemorySegment regs;
  private final MemorySegment status;
  private final MemorySegment sigInfo;
  private final MemorySegment iovec;

  Tracer(StubCode code) {
    this.code = code;
    // Freed with this object: another task's thread may look at a task's registers until then.
    Arena arena = Arena.ofAuto();
    regs = arena.allocate(Ptrace.REGS_SIZE, 16);
    status = arena.allocate(16, 8);
    sigInfo = arena.allocate(SIGINFO_SIZE, 16);
    iovec = arena.allocate(16, 8);
    regs.set(JAVA_LONG, UserRegs.CS, UserRegs.USER_CS);
    regs.set(JAVA_LONG, UserRegs.SS, UserRegs.USER_SS);
  }

  /**
   * Makes a parked thread of a stub our tracee, stopped.
   *
   * @throws ErrnoException ESRCH when it is gone, EPERM when the host does not let us
   */
  void attach(int tid) throws ErrnoException {
    check(Ptrace.seize(tid));
    check(Ptrace.interrupt(tid));
    check(Ptrace.waitFor(tid, status));
    if ((status.get(JAVA_INT, 0) & 0xff) != Ptrace.STOPPED) {
      throw Errno.ESRCH.error();
    }
  }

  /** Lets a stopped tracee go where every thread can attach to it again. */
  void park(int tid) {
    regs.set(JAVA_LONG, UserRegs.RIP, code.parkEntry());
    regs.set(JAVA_LONG, UserRegs.ORIG_RAX, -1);
    regs.set(JAVA_LONG, UserRegs.EFLAGS, UserRegs.INITIAL_FLAGS);
    Ptrace.setRegs(tid, regs);
    Ptrace.detach(tid);
  }

  /**
   * Runs application code until the tracee stops.
   *
   * @return the wait status, or a negative error number
   */
  long run(int tid, MemorySegment applicationRegs) {
    long result = Ptrace.run(tid, applicationRegs, status, Ptrace.SYSEMU);
    if (result == -EIO && dropBadBases(applicationRegs)) {
      result = Ptrace.run(tid, applicationRegs, status, Ptrace.SYSEMU);
    }
    return result;
  }

  /** Whether the bytes before {@code rip} are those of {@code syscall}. */
  boolean isBehindSyscall(int tid, long rip) {
    return Ptrace.peek(tid, rip - SYSCALL_LENGTH, status) >= 0
        && (status.get(JAVA_INT, 0) & 0xffff) == SYSCALL_OPCODE;
  }

  /** Reaps a tracee that a request found gone; may have been done already. */
  void reap(int tid) {
    Ptrace.waitFor(tid, status);
  }

  /** After a signal stop: reads what the signal is about. */
  boolean readSigInfo(int tid) {
    return Ptrace.getSigInfo(tid, sigInfo) >= 0;
  }

  int sigCode() {
    return sigInfo.get(JAVA_INT, 8);
  }

  long sigAddress() {
    return sigInfo.get(JAVA_LONG, 16);
  }

  /** Has the stub make one system call: its result, or a negative error number. */
  long call(int tid, long number, long a, long b, long c, long d, long e, long f) throws ErrnoException {
    return callAt(code.callEntry(), tid, number, a, b, c, d, e, f);
  }

  /** Has the stub start one more thread, which parks: its id. */
  int cloneThread(int tid) throws ErrnoException {
    return (int) check(callAt(code.cloneEntry(), tid, NR_CLONE, THREAD_FLAGS, 0, 0, 0, 0, 0));
  }

  /** Has the stub start a copy of its process as its sibling, which parks: its id. */
  int cloneProcess(int tid) throws ErrnoException {
    return (int) check(callAt(code.cloneEntry(), tid, NR_CLONE, CLONE_PARENT, 0, 0, 0, 0, 0));
  }

  /** Has the stub work off the first {@code count} items of its work page: how many were left when one failed, or 0. */
  int batch(int tid, int count) throws ErrnoException {
    regs.set(JAVA_LONG, UserRegs.RBX, StubCode.WORK_ADDRESS);
    regs.set(JAVA_LONG, UserRegs.R12, count);
    runStub(tid, code.batchEntry());
    return (int) regs.get(JAVA_LONG, UserRegs.R12);
  }

  /** After {@link #batch} has left items: the error number of the first. */
  int batchErrno() {
    return (int) -regs.get(JAVA_LONG, UserRegs.RAX);
  }

  /** Reads the tracee's XSAVE area: how many bytes it has. */
  long getXstate(int tid, MemorySegment dst) {
    return Ptrace.getXstate(tid, dst, iovec);
  }

  /** Replaces the tracee's XSAVE area: negative if refused. */
  long setXstate(int tid, MemorySegment src) {
    return Ptrace.setXstate(tid, src, iovec);
  }

  private long callAt(long entry, int tid, long number, long a, long b, long c, long d, long e, long f)
      throws ErrnoException {
    regs.set(JAVA_LONG, UserRegs.RAX, number);
    regs.set(JAVA_LONG, UserRegs.RDI, a);
    regs.set(JAVA_LONG, UserRegs.RSI, b);
    regs.set(JAVA_LONG, UserRegs.RDX, c);
    regs.set(JAVA_LONG, UserRegs.R10, d);
    regs.set(JAVA_LONG, UserRegs.R8, e);
    regs.set(JAVA_LONG, UserRegs.R9, f);
    runStub(tid, entry);
    return regs.get(JAVA_LONG, UserRegs.RAX);
  }

  /** Runs stub code, with its system calls for real, until its int3. */
  private void runStub(int tid, long entry) throws ErrnoException {
    regs.set(JAVA_LONG, UserRegs.RIP, entry);
    regs.set(JAVA_LONG, UserRegs.ORIG_RAX, -1);
    regs.set(JAVA_LONG, UserRegs.EFLAGS, UserRegs.INITIAL_FLAGS);
    regs.set(JAVA_LONG, UserRegs.FS_BASE, 0);
    regs.set(JAVA_LONG, UserRegs.GS_BASE, 0);
    while (true) {
      long s = Ptrace.run(tid, regs, status, Ptrace.CONT);
      if (s == Ptrace.STATUS_TRAP) {
        return;
      }
      if (s < 0 || (s & 0xff) != Ptrace.STOPPED) {
        throw Errno.ESRCH.error();
      }
      int signal = (int) (s >> 8) & 0xff;
      if (signal == 11 || signal == 7 || signal == 4) {
        // Stub code does not fault: the page is not what we put there. Nothing can be trusted in this process.
        throw Errno.ESRCH.error();
      }
      // Somebody's nudge came in between; what it was for is looked at when application code is to run.
    }
  }

  /** Application code can load bases that ptrace refuses to write back; no such address is one of its own. */
  private static boolean dropBadBases(MemorySegment applicationRegs) {
    boolean found = false;
    for (int base : new int[] {UserRegs.FS_BASE, UserRegs.GS_BASE}) {
      if (Long.compareUnsigned(applicationRegs.get(JAVA_LONG, base), StubCode.TASK_SIZE) >= 0) {
        applicationRegs.set(JAVA_LONG, base, 0);
        found = true;
      }
    }
    return found;
  }

  private static long check(long result) throws ErrnoException {
    if (result < 0) {
      throw Errno.of((int) -result).error();
    }
    return result;
  }
}
