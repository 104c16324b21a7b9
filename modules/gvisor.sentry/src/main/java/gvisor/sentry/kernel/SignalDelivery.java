package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOMEM;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.api.platform.Registers;
import gvisor.sentry.arch.SignalFrame;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;

/** What a signal does when it has reached its task: the default action, or a frame for the handler and back again. */
public final class SignalDelivery {
  private static final long RED_ZONE = 128;
  private static final int SYSCALL_INSTRUCTION_BYTES = 2;
  private static final long NR_RESTART_SYSCALL = 219;
  private static final int WCOREFLAG = 0x80;

  private SignalDelivery() {}

  /** Takes every signal that is pending and not blocked, restarts or ends the interrupted call; false to die. */
  static boolean deliver(Task t) {
    Kernel kernel = t.kernel();
    Registers regs = t.registers;
    if (t.hasSavedMask && !isInterrupted(t, regs.rax())) {
      endTemporaryMask(t);
    }
    while (true) {
      SigInfo info;
      kernel.tasksLock.lock();
      try {
        info = take(t, ~t.signalMask());
        if (info == null) {
          t.recalculateSignals();
        }
      } finally {
        kernel.tasksLock.unlock();
      }
      if (t.isDying()) {
        return false;
      }
      if (info == null) {
        break;
      }
      Tracee tracee = t.tracee;
      if (tracee != null && info.signo != Signal.SIGKILL) {
        info = tracee.signalStop(info);
        if (t.isDying()) {
          return false;
        }
        if (info == null) {
          continue;
        }
      }
      if (!act(t, info)) {
        return false;
      }
      if (t.work() == 0) {
        break;
      }
      if ((t.work() & ~Task.WORK_SIGNAL) != 0) {
        // Stop, pause or death come first; the loop around this comes back for the rest.
        return true;
      }
    }
    if (t.syscallNumber >= 0) {
      restartWithoutHandler(t, regs);
    }
    if (t.hasSavedMask) {
      endTemporaryMask(t);
    }
    return true;
  }

  private static boolean isInterrupted(Task t, long result) {
    return t.syscallNumber >= 0
        && (result == -EINTR.number() || result <= Restart.ERESTARTSYS && result >= Restart.ERESTART_RESTARTBLOCK);
  }

  private static void endTemporaryMask(Task t) {
    t.hasSavedMask = false;
    t.setSignalMask(t.savedMask);
  }

  /** Takes one signal of {@code wanted} for {@code t}; its own first. The lock is held. */
  static SigInfo take(Task t, long wanted) {
    SigInfo info = t.pending.take(wanted);
    if (info == null) {
      info = t.group.pending.take(wanted);
    }
    if (info != null && info.timer instanceof PosixTimer timer) {
      timer.delivered(info);
    }
    return info;
  }

  /** The action of {@code info}; false when it is death. */
  private static boolean act(Task t, SigInfo info) {
    ThreadGroup tg = t.group;
    Kernel kernel = t.kernel();
    int signo = info.signo;
    long handler;
    long flags;
    long restorer;
    long handlerMask;
    kernel.tasksLock.lock();
    try {
      SignalHandlers h = tg.handlers;
      handler = h.handler(signo);
      flags = h.flags(signo);
      restorer = h.restorer(signo);
      handlerMask = h.mask(signo);
      if (handler == SignalHandlers.SIG_IGN) {
        return true;
      }
      if (handler == SignalHandlers.SIG_DFL) {
        return defaultAction(tg, signo);
      }
      if ((flags & Signal.SA_RESETHAND) != 0) {
        h.set(signo, SignalHandlers.SIG_DFL, flags, restorer, handlerMask);
      }
    } finally {
      kernel.tasksLock.unlock();
    }
    if (t.syscallNumber >= 0) {
      restartBeforeHandler(t, t.registers, flags);
    }
    try {
      pushFrame(t, info, handler, flags, restorer);
    } catch (ErrnoException e) {
      Faults.forceSegv(t, signo);
      return !t.isDying();
    }
    t.hasSavedMask = false;
    long blocked = t.signalMask() | handlerMask | ((flags & Signal.SA_NODEFER) != 0 ? 0 : Signal.bit(signo));
    t.setSignalMask(blocked);
    return true;
  }

  /** The lock is held. */
  private static boolean defaultAction(ThreadGroup tg, int signo) {
    if (Signal.isIgnoredByDefault(signo) || Signals.isInit(tg) && signo != Signal.SIGSTOP) {
      return true;
    }
    if (Signal.isStop(signo)) {
      if (signo == Signal.SIGSTOP || !tg.group.isOrphaned(null)) {
        Signals.beginStop(tg, signo);
      }
      return true;
    }
    boolean core = Signal.dumpsCore(signo) && tg.rlimits.soft(Rlimits.RLIMIT_CORE) != 0;
    tg.exitGroup(signo | (core ? WCOREFLAG : 0));
    return false;
  }

  /** Rests until the group goes on, or dies. On the task's thread, with WORK_STOP set. */
  static void rest(Task t) {
    Kernel kernel = t.kernel();
    kernel.tasksLock.lock();
    try {
      if (!t.group.stopActive) {
        t.clearWork(Task.WORK_STOP);
        return;
      }
      t.stopped = true;
      Signals.stopReached(t);
    } finally {
      kernel.tasksLock.unlock();
    }
    Tracee tracee = t.tracee;
    if (tracee != null) {
      t.clearWork(Task.WORK_STOP);
      tracee.groupStop(t.group.stopSignal);
    } else {
      while ((t.work() & Task.WORK_STOP) != 0 && !t.isDying() && (t.work() & Task.WORK_TRACE) == 0) {
        LockSupport.park(t);
      }
    }
    t.stopped = false;
    t.lastStamp = kernel.host().clock().monotonicNanos();
  }

  private static void restartBeforeHandler(Task t, Registers regs, long flags) {
    long result = regs.rax();
    if (result == Restart.ERESTARTNOINTR
        || result == Restart.ERESTARTSYS && (flags & Signal.SA_RESTART) != 0) {
      regs.rax(t.syscallNumber);
      regs.set(Registers.RIP, regs.rip() - SYSCALL_INSTRUCTION_BYTES);
    } else if (result <= Restart.ERESTARTSYS && result >= Restart.ERESTART_RESTARTBLOCK) {
      regs.rax(-EINTR.number());
    }
    t.syscallNumber = -1;
  }

  private static void restartWithoutHandler(Task t, Registers regs) {
    long result = regs.rax();
    if (result == Restart.ERESTART_RESTARTBLOCK) {
      regs.rax(NR_RESTART_SYSCALL);
      regs.set(Registers.RIP, regs.rip() - SYSCALL_INSTRUCTION_BYTES);
    } else if (result <= Restart.ERESTARTSYS && result >= Restart.ERESTARTNOHAND) {
      regs.rax(t.syscallNumber);
      regs.set(Registers.RIP, regs.rip() - SYSCALL_INSTRUCTION_BYTES);
    }
    t.syscallNumber = -1;
  }

  /** Puts a frame on the stack and points the registers at the handler. EFAULT when the stack cannot take it. */
  private static void pushFrame(Task t, SigInfo info, long handler, long flags, long restorer) throws ErrnoException {
    if ((flags & Signal.SA_RESTORER) == 0) {
      throw EINVAL.error();
    }
    Registers regs = t.registers;
    int fpuSize = t.context.fpuSize();
    long sp = regs.rsp() - RED_ZONE;
    boolean nested = AltStack.contains(t, sp);
    boolean entering = false;
    if ((flags & Signal.SA_ONSTACK) != 0 && t.altStackSize != 0 && !nested) {
      sp = t.altStackBase + t.altStackSize;
      entering = true;
    }
    long fpu = sp - fpuSize - SignalFrame.FPU_TAIL & -SignalFrame.FPU_ALIGNMENT;
    long frame = (fpu - SignalFrame.SIZE & -16L) - 8;
    boolean inside = t.altStackSize != 0 && Long.compareUnsigned(frame, t.altStackBase) > 0
        && Long.compareUnsigned(frame - t.altStackBase, t.altStackSize) <= 0;
    if ((nested || entering) && !inside) {
      throw ENOMEM.error();
    }
    MemorySegment s = t.scratch();
    long total = fpu - frame + fpuSize + SignalFrame.FPU_TAIL;
    long fpuAt = fpu - frame;
    s.asSlice(0, fpuAt).fill((byte) 0);
    s.set(JAVA_LONG_UNALIGNED, 0, restorer);
    SignalFrame.write(s, 0, regs, t.hasSavedMask ? t.savedMask : t.signalMask(), fpu);
    SignalFrame.writeFault(s, 0, t.faultCode, t.faultTrap, t.faultAddress);
    SignalFrame.writeStack(s, 0, t.altStackBase, t.altStackFlags, t.altStackSize);
    info.write(s, SignalFrame.SIGINFO);
    t.context.saveFpu(s.asSlice(fpuAt, fpuSize));
    SignalFrame.markFpu(s, fpuAt, fpuSize);
    t.mm().copyOut(frame, s, 0, total);
    if ((t.altStackFlags & AltStack.SS_AUTODISARM) != 0) {
      AltStack.clear(t);
    }
    regs.set(Registers.RDI, info.signo);
    regs.set(Registers.RSI, frame + SignalFrame.SIGINFO);
    regs.set(Registers.RDX, frame + SignalFrame.UCONTEXT);
    regs.rax(0);
    regs.set(Registers.RSP, frame);
    regs.set(Registers.RIP, handler);
    regs.set(Registers.RFLAGS, regs.get(Registers.RFLAGS) & ~SignalFrame.CLEARED_FLAGS);
    if (Long.compareUnsigned(handler, t.kernel().platform().maxUserAddress()) >= 0) {
      throw EPERM.error();
    }
  }

  /** {@code rt_sigreturn(2)}: goes back to where the handler interrupted. A frame that cannot be right is SIGSEGV. */
  public static long sigreturn(Task t) {
    Registers regs = t.registers;
    MemorySegment s = t.scratch();
    long frame = regs.rsp() - 8;
    t.syscallNumber = -1;
    try {
      t.mm().copyIn(frame, s, 0, SignalFrame.SIZE);
      restoreFpu(t, s, SignalFrame.fpuAddress(s, 0));
    } catch (ErrnoException e) {
      Faults.forceSegv(t, 0);
      return 0;
    }
    SignalFrame.readRegisters(s, 0, regs);
    long mask = SignalFrame.mask(s, 0);
    long base = SignalFrame.stackBase(s, 0);
    int flags = SignalFrame.stackFlags(s, 0);
    long size = SignalFrame.stackSize(s, 0);
    t.setSignalMask(mask);
    if (!AltStack.contains(t, regs.rsp()) && (flags & ~(AltStack.SS_DISABLE | AltStack.SS_AUTODISARM)) == 0) {
      if ((flags & AltStack.SS_DISABLE) != 0) {
        AltStack.clear(t);
      } else if (Long.compareUnsigned(size, AltStack.MINSIGSTKSZ) >= 0) {
        t.altStackBase = base;
        t.altStackSize = size;
        t.altStackFlags = flags;
      }
    }
    if (Long.compareUnsigned(regs.rip(), t.kernel().platform().maxUserAddress()) >= 0) {
      // Linux: iret faults on an address that is not canonical or not the user's. Here: no platform need see it.
      Faults.forceSegv(t, 0);
    }
    return regs.rax();
  }

  private static void restoreFpu(Task t, MemorySegment s, long addr) throws ErrnoException {
    if (addr == 0) {
      t.context.resetFpu();
      return;
    }
    int size = t.context.fpuSize();
    long at = SignalFrame.SIZE + 8;
    boolean whole = false;
    try {
      t.mm().copyIn(addr, s, at, size + SignalFrame.FPU_TAIL);
      whole = SignalFrame.isWholeFpu(s, at, size);
    } catch (ErrnoException e) {
      t.mm().copyIn(addr, s, at, Math.min(size, 512));
    }
    if (!whole) {
      SignalFrame.keepLegacyFpu(s, at, size);
    }
    t.context.loadFpu(s.asSlice(at, size));
  }
}
