package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOMEM;
import static gvisor.api.errno.Errno.EPERM;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.AltStack;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.RestartBlock;
import gvisor.sentry.kernel.SigInfo;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.SignalDelivery;
import gvisor.sentry.kernel.SignalSending;
import gvisor.sentry.kernel.SignalWait;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.time.Clocks;
import java.lang.foreign.MemorySegment;

/** Signals: actions, masks, sending and waiting. */
final class SysSignal {
  private static final int SIG_BLOCK = 0;
  private static final int SIG_UNBLOCK = 1;
  private static final int SIG_SETMASK = 2;

  // struct kernel_sigaction: handler, flags, restorer, mask.
  private static final int ACTION_SIZE = 32;
  private static final int ACTION_FLAGS = 8;
  private static final int ACTION_RESTORER = 16;
  private static final int ACTION_MASK = 24;

  // stack_t: base, flags, size.
  private static final int STACK_SIZE = 24;

  private SysSignal() {}

  private static void checkSetSize(long size) throws ErrnoException {
    if (size != Signal.SET_SIZE) {
      throw EINVAL.error();
    }
  }

  /** {@code man 2 rt_sigaction}: signum, act, oldact, sigsetsize. */
  static long rtSigaction(Task t, SyscallArgs a) throws ErrnoException {
    checkSetSize(a.size(3));
    int signo = a.i32(0);
    MemorySegment s = t.scratch();
    boolean change = a.addr(1) != 0;
    if (change) {
      t.mm().copyIn(a.addr(1), s, 0, ACTION_SIZE);
    }
    if (!Signal.isValid(signo) || change && Signal.has(Signal.UNBLOCKABLE, signo)) {
      throw EINVAL.error();
    }
    long handler = s.get(JAVA_LONG_UNALIGNED, 0);
    long flags = s.get(JAVA_LONG_UNALIGNED, ACTION_FLAGS);
    long restorer = s.get(JAVA_LONG_UNALIGNED, ACTION_RESTORER);
    long mask = s.get(JAVA_LONG_UNALIGNED, ACTION_MASK);
    long[] old = t.action(signo, change, handler, flags, restorer, mask);
    if (a.addr(2) != 0) {
      for (int i = 0; i < old.length; i++) {
        s.set(JAVA_LONG_UNALIGNED, 8L * i, old[i]);
      }
      t.mm().copyOut(a.addr(2), s, 0, ACTION_SIZE);
    }
    return 0;
  }

  /** {@code man 2 rt_sigprocmask}: how, set, oldset, sigsetsize. */
  static long rtSigprocmask(Task t, SyscallArgs a) throws ErrnoException {
    checkSetSize(a.size(3));
    long old = t.signalMask();
    if (a.addr(1) != 0) {
      long set = t.mm().readLong(a.addr(1));
      long mask = switch (a.i32(0)) {
        case SIG_BLOCK -> old | set;
        case SIG_UNBLOCK -> old & ~set;
        case SIG_SETMASK -> set;
        default -> throw EINVAL.error();
      };
      t.setSignalMask(mask);
    }
    if (a.addr(2) != 0) {
      t.mm().writeLong(a.addr(2), old);
    }
    return 0;
  }

  /** {@code man 2 rt_sigreturn}. */
  static long rtSigreturn(Task t, SyscallArgs a) {
    return SignalDelivery.sigreturn(t);
  }

  /** {@code man 2 rt_sigpending}: set, sigsetsize. */
  static long rtSigpending(Task t, SyscallArgs a) throws ErrnoException {
    if (Long.compareUnsigned(a.size(1), Signal.SET_SIZE) > 0) {
      throw EINVAL.error();
    }
    MemorySegment s = t.scratch();
    s.set(JAVA_LONG_UNALIGNED, 0, t.pendingSignals() & t.signalMask());
    t.mm().copyOut(a.addr(0), s, 0, a.size(1));
    return 0;
  }

  /** {@code man 2 rt_sigsuspend}: mask, sigsetsize. */
  static long rtSigsuspend(Task t, SyscallArgs a) throws ErrnoException {
    checkSetSize(a.size(1));
    t.setTemporaryMask(t.mm().readLong(a.addr(0)));
    return pause(t, a);
  }

  /** {@code man 2 pause}. */
  static long pause(Task t, SyscallArgs a) {
    while (t.block(Task.FOREVER) != Task.INTERRUPTED) {
      // Something old woke it; only a signal counts.
    }
    return Restart.ERESTARTNOHAND;
  }

  /** {@code man 2 rt_sigtimedwait}: set, info, timeout, sigsetsize. */
  static long rtSigtimedwait(Task t, SyscallArgs a) throws ErrnoException {
    checkSetSize(a.size(3));
    long set = t.mm().readLong(a.addr(0));
    long deadline = Task.FOREVER;
    if (a.addr(2) != 0) {
      t.mm().copyIn(a.addr(2), t.scratch(), 0, Clocks.SIZE);
      long timeout = Clocks.readTimespec(t.scratch(), 0);
      deadline = Clocks.after(t.kernel().host().clock().monotonicNanos(), timeout);
    }
    SigInfo info = SignalWait.await(t, set, deadline);
    if (info == null) {
      throw t.hasPendingInterrupt() ? EINTR.error() : EAGAIN.error();
    }
    if (a.addr(1) != 0) {
      info.write(t.scratch(), 0);
      t.mm().copyOut(a.addr(1), t.scratch(), 0, SigInfo.SIZE);
    }
    return info.signo;
  }

  /** {@code man 2 kill}: pid, sig. */
  static long kill(Task t, SyscallArgs a) throws ErrnoException {
    SignalSending.kill(t, a.i32(0), a.i32(1));
    return 0;
  }

  /** {@code man 2 tkill}: tid, sig. */
  static long tkill(Task t, SyscallArgs a) throws ErrnoException {
    int tid = a.i32(0);
    if (tid <= 0) {
      throw EINVAL.error();
    }
    SignalSending.toThread(t, 0, tid, a.i32(1), null);
    return 0;
  }

  /** {@code man 2 tgkill}: tgid, tid, sig. */
  static long tgkill(Task t, SyscallArgs a) throws ErrnoException {
    int tgid = a.i32(0);
    int tid = a.i32(1);
    if (tgid <= 0 || tid <= 0) {
      throw EINVAL.error();
    }
    SignalSending.toThread(t, tgid, tid, a.i32(2), null);
    return 0;
  }

  /** {@code man 2 rt_sigqueueinfo}: tgid, sig, info. */
  static long rtSigqueueinfo(Task t, SyscallArgs a) throws ErrnoException {
    int tgid = a.i32(0);
    SigInfo info = readInfo(t, a.i32(1), a.addr(2));
    if (forbidden(info) && tgid != t.tgid()) {
      throw EPERM.error();
    }
    SignalSending.toProcess(t, tgid, a.i32(1), info);
    return 0;
  }

  /** {@code man 2 rt_tgsigqueueinfo}: tgid, tid, sig, info. */
  static long rtTgsigqueueinfo(Task t, SyscallArgs a) throws ErrnoException {
    int tgid = a.i32(0);
    int tid = a.i32(1);
    if (tgid <= 0 || tid <= 0) {
      throw EINVAL.error();
    }
    SigInfo info = readInfo(t, a.i32(2), a.addr(3));
    if (forbidden(info) && tid != t.tid()) {
      throw EPERM.error();
    }
    SignalSending.toThread(t, tgid, tid, a.i32(2), info);
    return 0;
  }

  private static SigInfo readInfo(Task t, int signo, long addr) throws ErrnoException {
    t.mm().copyIn(addr, t.scratch(), 0, SigInfo.SIZE);
    return SigInfo.read(signo, t.scratch(), 0);
  }

  /** Whether it claims to be from the kernel or from {@code kill}. */
  private static boolean forbidden(SigInfo info) {
    return info.code >= 0 || info.code == Signal.SI_TKILL;
  }

  /** {@code man 2 sigaltstack}: ss, old_ss. */
  static long sigaltstack(Task t, SyscallArgs a) throws ErrnoException {
    MemorySegment s = t.scratch();
    long sp = t.registers().rsp();
    long[] old = t.altStack();
    int oldFlags = AltStack.flags(t, sp);
    if (a.addr(0) != 0) {
      t.mm().copyIn(a.addr(0), s, 0, STACK_SIZE);
      setAltStack(t, sp, s.get(JAVA_LONG_UNALIGNED, 0), s.get(JAVA_INT_UNALIGNED, 8), s.get(JAVA_LONG_UNALIGNED, 16));
    }
    if (a.addr(1) != 0) {
      s.set(JAVA_LONG_UNALIGNED, 0, old[0]);
      s.set(JAVA_LONG_UNALIGNED, 8, oldFlags & 0xffffffffL);
      s.set(JAVA_LONG_UNALIGNED, 16, old[1]);
      t.mm().copyOut(a.addr(1), s, 0, STACK_SIZE);
    }
    return 0;
  }

  private static void setAltStack(Task t, long sp, long base, int flags, long size) throws ErrnoException {
    if (AltStack.contains(t, sp)) {
      throw EPERM.error();
    }
    int mode = flags & ~AltStack.SS_AUTODISARM;
    if (mode != 0 && mode != AltStack.SS_ONSTACK && mode != AltStack.SS_DISABLE) {
      throw EINVAL.error();
    }
    if (mode == AltStack.SS_DISABLE) {
      t.setAltStack(0, 0, flags);
      return;
    }
    long[] now = t.altStack();
    if (base == now[0] && size == now[1] && size == 0) {
      // What is there already is set without a look at its size, even if it is nothing.
      return;
    }
    if (Long.compareUnsigned(size, AltStack.MINSIGSTKSZ) < 0) {
      throw ENOMEM.error();
    }
    t.setAltStack(base, size, flags);
  }

  /** {@code man 2 restart_syscall}. */
  static long restartSyscall(Task t, SyscallArgs a) throws ErrnoException {
    RestartBlock block = t.takeRestartBlock();
    if (block == null) {
      throw EINTR.error();
    }
    return block.restart(t);
  }

}
