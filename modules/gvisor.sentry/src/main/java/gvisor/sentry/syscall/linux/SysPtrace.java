package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.ESRCH;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.api.platform.Registers;
import gvisor.sentry.kernel.SigInfo;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.Tracee;
import gvisor.sentry.kernel.Tracing;
import gvisor.sentry.mm.ForcedWrite;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.seccomp.SeccompFilter;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.MemorySegment;

/** {@code man 2 ptrace}. */
final class SysPtrace {
  private static final int PTRACE_TRACEME = 0;
  private static final int PTRACE_PEEKTEXT = 1;
  private static final int PTRACE_PEEKDATA = 2;
  private static final int PTRACE_PEEKUSER = 3;
  private static final int PTRACE_POKETEXT = 4;
  private static final int PTRACE_POKEDATA = 5;
  private static final int PTRACE_POKEUSER = 6;
  private static final int PTRACE_CONT = 7;
  private static final int PTRACE_KILL = 8;
  private static final int PTRACE_SINGLESTEP = 9;
  private static final int PTRACE_GETREGS = 12;
  private static final int PTRACE_SETREGS = 13;
  private static final int PTRACE_GETFPREGS = 14;
  private static final int PTRACE_SETFPREGS = 15;
  private static final int PTRACE_ATTACH = 16;
  private static final int PTRACE_DETACH = 17;
  private static final int PTRACE_SYSCALL = 24;
  private static final int PTRACE_SETOPTIONS = 0x4200;
  private static final int PTRACE_GETEVENTMSG = 0x4201;
  private static final int PTRACE_GETSIGINFO = 0x4202;
  private static final int PTRACE_SETSIGINFO = 0x4203;
  private static final int PTRACE_GETREGSET = 0x4204;
  private static final int PTRACE_SETREGSET = 0x4205;
  private static final int PTRACE_SEIZE = 0x4206;
  private static final int PTRACE_INTERRUPT = 0x4207;
  private static final int PTRACE_LISTEN = 0x4208;
  private static final int PTRACE_GETSIGMASK = 0x420a;
  private static final int PTRACE_SETSIGMASK = 0x420b;
  private static final int PTRACE_GET_SYSCALL_INFO = 0x420e;

  private static final int NT_PRSTATUS = 1;
  private static final int NT_PRFPREG = 2;
  private static final int NT_X86_XSTATE = 0x202;
  private static final int FXSAVE_SIZE = 512;
  private static final int USER_SIZE = 912;
  private static final int INFO_SIZE = 88;

  private SysPtrace() {}

  /** {@code man 2 ptrace}: request, pid, addr, data. */
  static long ptrace(Task t, SyscallArgs a) throws ErrnoException {
    int request = (int) a.i64(0);
    int pid = a.i32(1);
    long addr = a.i64(2);
    long data = a.i64(3);
    switch (request) {
      case PTRACE_TRACEME -> {
        Tracing.traceMe(t);
        return 0;
      }
      case PTRACE_ATTACH, PTRACE_SEIZE -> {
        if (request == PTRACE_SEIZE && addr != 0) {
          throw EIO.error();
        }
        Tracing.attach(t, pid, request == PTRACE_SEIZE, request == PTRACE_SEIZE ? (int) data : 0);
        return 0;
      }
      case PTRACE_INTERRUPT -> {
        Tracing.interrupt(Tracing.find(t, pid, false));
        return 0;
      }
      case PTRACE_KILL -> {
        Tracing.find(t, pid, false).task().sendSignal(SigInfo.kernel(Signal.SIGKILL));
        return 0;
      }
      default -> {
        return inStop(t, Tracing.find(t, pid, true), request, addr, data);
      }
    }
  }

  private static long inStop(Task t, Tracee tracee, int request, long addr, long data) throws ErrnoException {
    MemorySegment s = t.scratch();
    switch (request) {
      case PTRACE_PEEKTEXT, PTRACE_PEEKDATA -> t.mm().writeLong(data, peek(tracee, addr));
      case PTRACE_POKETEXT, PTRACE_POKEDATA -> poke(t, tracee, addr, data);
      case PTRACE_PEEKUSER -> t.mm().writeLong(data, peekUser(tracee, addr));
      case PTRACE_POKEUSER -> pokeUser(tracee, addr, data);
      case PTRACE_CONT -> Tracing.resume(tracee, Tracee.Resume.CONT, (int) data);
      case PTRACE_SYSCALL -> Tracing.resume(tracee, Tracee.Resume.SYSCALL, (int) data);
      case PTRACE_SINGLESTEP -> Tracing.resume(tracee, Tracee.Resume.SINGLESTEP, (int) data);
      case PTRACE_LISTEN -> Tracing.resume(tracee, Tracee.Resume.LISTEN, 0);
      case PTRACE_DETACH -> Tracing.detach(tracee, (int) data);
      case PTRACE_GETREGS -> {
        PtraceRegisters.write(tracee, s, 0);
        t.mm().copyOut(data, s, 0, PtraceRegisters.SIZE);
      }
      case PTRACE_SETREGS -> {
        t.mm().copyIn(data, s, 0, PtraceRegisters.SIZE);
        PtraceRegisters.read(tracee, s, 0, PtraceRegisters.SIZE);
      }
      case PTRACE_GETFPREGS -> {
        saveFpu(tracee, s);
        t.mm().copyOut(data, s, 0, FXSAVE_SIZE);
      }
      case PTRACE_SETFPREGS -> {
        saveFpu(tracee, s);
        t.mm().copyIn(data, s, 0, FXSAVE_SIZE);
        loadFpu(tracee, s);
      }
      case PTRACE_SETOPTIONS -> {
        if ((data & ~Tracee.OPTIONS) != 0) {
          throw EINVAL.error();
        }
        tracee.setOptions((int) data);
      }
      case PTRACE_GETEVENTMSG -> t.mm().writeLong(data, tracee.message());
      case PTRACE_GETSIGINFO -> {
        if (tracee.info() == null) {
          throw EINVAL.error();
        }
        tracee.info().write(s, 0);
        t.mm().copyOut(data, s, 0, SigInfo.SIZE);
      }
      case PTRACE_SETSIGINFO -> {
        t.mm().copyIn(data, s, 0, SigInfo.SIZE);
        if (tracee.info() == null) {
          throw EINVAL.error();
        }
        tracee.setInfo(SigInfo.read(s.get(JAVA_INT_UNALIGNED, 0), s, 0));
      }
      case PTRACE_GETREGSET -> regset(t, tracee, (int) addr, data, false);
      case PTRACE_SETREGSET -> regset(t, tracee, (int) addr, data, true);
      case PTRACE_GETSIGMASK -> {
        checkSetSize(addr);
        t.mm().writeLong(data, tracee.task().signalMask());
      }
      case PTRACE_SETSIGMASK -> {
        checkSetSize(addr);
        Tracing.setSignalMask(tracee, t.mm().readLong(data));
      }
      case PTRACE_GET_SYSCALL_INFO -> {
        return syscallInfo(t, tracee, addr, data);
      }
      default -> throw EIO.error();
    }
    return 0;
  }

  private static void checkSetSize(long size) throws ErrnoException {
    if (size != Signal.SET_SIZE) {
      throw EINVAL.error();
    }
  }

  private static long peek(Tracee tracee, long addr) throws ErrnoException {
    try {
      return tracee.task().mm().readLong(addr);
    } catch (ErrnoException e) {
      throw e.errno() == EFAULT ? EIO.error() : e;
    }
  }

  /** Writes also where the program itself may not: a debugger's breakpoints go into its text. */
  private static void poke(Task t, Tracee tracee, long addr, long value) throws ErrnoException {
    MemorySegment s = t.scratch();
    s.set(JAVA_LONG_UNALIGNED, 0, value);
    long first = Math.min(8, MemoryManager.PAGE_SIZE - (addr & MemoryManager.PAGE_SIZE - 1));
    try {
      ForcedWrite.copyOut(tracee.task().mm(), addr, s, 0, first);
      if (first < 8) {
        ForcedWrite.copyOut(tracee.task().mm(), addr + first, s, first, 8 - first);
      }
    } catch (ErrnoException e) {
      throw e.errno() == EFAULT ? EIO.error() : e;
    }
  }

  private static long peekUser(Tracee tracee, long offset) throws ErrnoException {
    checkUserOffset(offset);
    return offset < PtraceRegisters.SIZE ? PtraceRegisters.get(tracee, (int) offset / 8) : 0;
  }

  private static void pokeUser(Tracee tracee, long offset, long value) throws ErrnoException {
    checkUserOffset(offset);
    if (offset >= PtraceRegisters.SIZE) {
      // Debug registers: there are none to set.
      throw EIO.error();
    }
    PtraceRegisters.set(tracee, (int) offset / 8, value);
  }

  private static void checkUserOffset(long offset) throws ErrnoException {
    if (offset < 0 || offset > USER_SIZE - 8 || (offset & 7) != 0) {
      throw EIO.error();
    }
  }

  private static void saveFpu(Tracee tracee, MemorySegment s) throws ErrnoException {
    if (!Tracing.transferFpu(tracee, s.asSlice(0, Tracing.fpuSize(tracee)), false)) {
      throw ESRCH.error();
    }
  }

  private static void loadFpu(Tracee tracee, MemorySegment s) throws ErrnoException {
    if (!Tracing.transferFpu(tracee, s.asSlice(0, Tracing.fpuSize(tracee)), true)) {
      throw EINVAL.error();
    }
  }

  /** PTRACE_GETREGSET and PTRACE_SETREGSET: {@code struct iovec} at {@code data} says where, and is told how much. */
  private static void regset(Task t, Tracee tracee, int type, long data, boolean set) throws ErrnoException {
    MemorySegment s = t.scratch();
    long base = t.mm().readLong(data);
    long length = t.mm().readLong(data + 8);
    int size = switch (type) {
      case NT_PRSTATUS -> PtraceRegisters.SIZE;
      case NT_PRFPREG -> FXSAVE_SIZE;
      case NT_X86_XSTATE -> Tracing.fpuSize(tracee);
      default -> throw EINVAL.error();
    };
    long n = Long.compareUnsigned(length, size) < 0 ? length : size;
    if ((n & 7) != 0) {
      throw EINVAL.error();
    }
    if (type == NT_PRSTATUS) {
      if (set) {
        t.mm().copyIn(base, s, 0, n);
        PtraceRegisters.read(tracee, s, 0, (int) n);
      } else {
        PtraceRegisters.write(tracee, s, 0);
        t.mm().copyOut(base, s, 0, n);
      }
    } else {
      saveFpu(tracee, s);
      if (set) {
        t.mm().copyIn(base, s, 0, n);
        loadFpu(tracee, s);
      } else {
        t.mm().copyOut(base, s, 0, n);
      }
    }
    t.mm().writeLong(data + 8, n);
  }

  /** {@code struct ptrace_syscall_info}: op, architecture, addresses, and by the op the call or its result. */
  private static long syscallInfo(Task t, Tracee tracee, long size, long data) throws ErrnoException {
    MemorySegment s = t.scratch();
    Registers r = tracee.task().registers();
    s.asSlice(0, INFO_SIZE).fill((byte) 0);
    s.set(JAVA_INT_UNALIGNED, 4, SeccompFilter.ARCH);
    s.set(JAVA_LONG_UNALIGNED, 8, r.rip());
    s.set(JAVA_LONG_UNALIGNED, 16, r.rsp());
    int actual = switch (tracee.syscallStop()) {
      case NONE -> 24;
      case ENTRY, SECCOMP -> {
        boolean entry = tracee.syscallStop() == Tracee.SyscallStop.ENTRY;
        s.set(JAVA_BYTE, 0, (byte) (entry ? 1 : 3));
        s.set(JAVA_LONG_UNALIGNED, 24, Tracing.syscallNumber(tracee));
        for (int i = 0; i < 6; i++) {
          s.set(JAVA_LONG_UNALIGNED, 32 + 8L * i, r.argument(i));
        }
        if (!entry) {
          s.set(JAVA_INT_UNALIGNED, 80, (int) tracee.message());
        }
        yield entry ? 80 : 84;
      }
      case EXIT -> {
        s.set(JAVA_BYTE, 0, (byte) 2);
        s.set(JAVA_LONG_UNALIGNED, 24, r.rax());
        s.set(JAVA_BYTE, 32, (byte) (r.rax() < 0 && r.rax() >= -4095 ? 1 : 0));
        yield 33;
      }
    };
    t.mm().copyOut(data, s, 0, Math.min(Long.compareUnsigned(size, INFO_SIZE) > 0 ? INFO_SIZE : size, actual));
    return actual;
  }
}
