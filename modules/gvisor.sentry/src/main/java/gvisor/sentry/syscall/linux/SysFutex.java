package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOSYS;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;
import static gvisor.api.errno.Errno.ETIMEDOUT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.PidNamespace;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.RobustList;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.TaskClock;
import gvisor.sentry.kernel.futex.FutexTable;
import gvisor.sentry.kernel.futex.FutexWaiter;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.time.Clocks;
import java.lang.foreign.MemorySegment;

/** {@code man 2 futex} and its kin. */
final class SysFutex {
  private static final int FUTEX_WAIT = 0;
  private static final int FUTEX_WAKE = 1;
  private static final int FUTEX_REQUEUE = 3;
  private static final int FUTEX_CMP_REQUEUE = 4;
  private static final int FUTEX_WAKE_OP = 5;
  private static final int FUTEX_LOCK_PI = 6;
  private static final int FUTEX_UNLOCK_PI = 7;
  private static final int FUTEX_TRYLOCK_PI = 8;
  private static final int FUTEX_WAIT_BITSET = 9;
  private static final int FUTEX_WAKE_BITSET = 10;
  private static final int FUTEX_LOCK_PI2 = 13;
  private static final int FUTEX_PRIVATE_FLAG = 128;
  private static final int FUTEX_CLOCK_REALTIME = 256;
  private static final int MATCH_ANY = -1;

  // struct futex_waitv: val, uaddr, flags, reserved.
  private static final int WAITV_SIZE = 24;
  private static final int WAITV_MAX = 128;
  private static final int FUTEX2_SIZE_U32 = 2;
  private static final int FUTEX2_PRIVATE = 128;

  private SysFutex() {}

  /** {@code man 2 futex}: uaddr, op, val, timeout or val2, uaddr2, val3. */
  static long futex(Task t, SyscallArgs a) throws ErrnoException {
    int op = a.i32(1);
    boolean isPrivate = (op & FUTEX_PRIVATE_FLAG) != 0;
    boolean realtime = (op & FUTEX_CLOCK_REALTIME) != 0;
    int command = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
    if (realtime && command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET && command != FUTEX_LOCK_PI2) {
      throw ENOSYS.error();
    }
    FutexTable table = t.kernel().futexes();
    long addr = a.addr(0);
    int val = a.i32(2);
    return switch (command) {
      case FUTEX_WAIT -> wait(t, addr, isPrivate, val, MATCH_ANY, relative(t, a.addr(3)));
      case FUTEX_WAIT_BITSET -> {
        if (a.i32(5) == 0) {
          throw EINVAL.error();
        }
        yield wait(t, addr, isPrivate, val, a.i32(5), absolute(t, a.addr(3), realtime));
      }
      case FUTEX_WAKE -> table.wake(t.mm(), addr, isPrivate, MATCH_ANY, Math.max(val, 1));
      case FUTEX_WAKE_BITSET -> {
        if (a.i32(5) == 0) {
          throw EINVAL.error();
        }
        yield table.wake(t.mm(), addr, isPrivate, a.i32(5), Math.max(val, 1));
      }
      case FUTEX_REQUEUE -> requeue(t, a, isPrivate, false);
      case FUTEX_CMP_REQUEUE -> requeue(t, a, isPrivate, true);
      case FUTEX_WAKE_OP ->
          table.wakeOp(t.mm(), addr, a.addr(4), isPrivate, Math.max(val, 1), a.i32(3), a.i32(5));
      case FUTEX_LOCK_PI -> lockPi(t, addr, isPrivate, absolute(t, a.addr(3), true), false);
      case FUTEX_LOCK_PI2 -> lockPi(t, addr, isPrivate, absolute(t, a.addr(3), realtime), false);
      case FUTEX_TRYLOCK_PI -> lockPi(t, addr, isPrivate, Task.FOREVER, true);
      case FUTEX_UNLOCK_PI -> {
        table.unlockPi(t.mm(), addr, isPrivate, t.tid());
        yield 0;
      }
      default -> throw ENOSYS.error();
    };
  }

  private static long relative(Task t, long addr) throws ErrnoException {
    if (addr == 0) {
      return Task.FOREVER;
    }
    t.mm().copyIn(addr, t.scratch(), 0, Clocks.SIZE);
    return Clocks.after(t.kernel().host().clock().monotonicNanos(), Clocks.readTimespec(t.scratch(), 0));
  }

  private static long absolute(Task t, long addr, boolean realtime) throws ErrnoException {
    if (addr == 0) {
      return Task.FOREVER;
    }
    t.mm().copyIn(addr, t.scratch(), 0, Clocks.SIZE);
    long time = Clocks.readTimespec(t.scratch(), 0);
    return realtime ? realtimeDeadline(t, time) : time;
  }

  private static long realtimeDeadline(Task t, long time) {
    long left = time - t.realtimeNanos();
    return Clocks.after(t.kernel().host().clock().monotonicNanos(), left);
  }

  private static long wait(Task t, long addr, boolean isPrivate, int val, int bitset, long deadline)
      throws ErrnoException {
    FutexTable table = t.kernel().futexes();
    FutexWaiter w = t.futexWaiter();
    if (table.prepareWait(w, t.mm(), addr, isPrivate, val, bitset) == FutexTable.CHANGED) {
      return -EAGAIN.number();
    }
    while (true) {
      int outcome = t.block(deadline);
      if (w.isWoken()) {
        return 0;
      }
      if (outcome == Task.WOKEN) {
        continue;
      }
      if (!table.cancel(w)) {
        return 0;
      }
      if (outcome == Task.TIMED_OUT) {
        return -ETIMEDOUT.number();
      }
      if (deadline == Task.FOREVER) {
        return Restart.ERESTARTSYS;
      }
      return t.restartWith(again -> wait(again, addr, isPrivate, val, bitset, deadline));
    }
  }

  private static long requeue(Task t, SyscallArgs a, boolean isPrivate, boolean compare) throws ErrnoException {
    int wakeCount = a.i32(2);
    int moveCount = a.i32(3);
    if (wakeCount < 0 || moveCount < 0) {
      throw EINVAL.error();
    }
    int n = t.kernel().futexes()
        .requeue(t.mm(), a.addr(0), a.addr(4), isPrivate, wakeCount, moveCount, compare, a.i32(5));
    return n == FutexTable.REQUEUE_CHANGED ? -EAGAIN.number() : n;
  }

  private static long lockPi(Task t, long addr, boolean isPrivate, long deadline, boolean tryOnly)
      throws ErrnoException {
    FutexTable table = t.kernel().futexes();
    FutexWaiter w = t.futexWaiter();
    PidNamespace ns = t.pidNamespace();
    int state = table.lockPi(w, t.mm(), addr, isPrivate, t.tid(), tryOnly, tid -> {
      if (!ns.hasTask(tid)) {
        throw ESRCH.error();
      }
    });
    if (state == FutexTable.PI_OWNED) {
      return 0;
    }
    if (state == FutexTable.PI_BUSY) {
      return -EAGAIN.number();
    }
    while (true) {
      int outcome = t.block(deadline);
      if (w.isWoken()) {
        return 0;
      }
      if (outcome == Task.WOKEN) {
        continue;
      }
      if (!table.cancel(w)) {
        return 0;
      }
      return outcome == Task.TIMED_OUT ? -ETIMEDOUT.number() : Restart.ERESTARTNOINTR;
    }
  }

  /** {@code man 2 set_robust_list}: head, len. */
  static long setRobustList(Task t, SyscallArgs a) throws ErrnoException {
    if (a.size(1) != RobustList.HEAD_SIZE) {
      throw EINVAL.error();
    }
    t.setRobustList(a.addr(0));
    return 0;
  }

  /** {@code man 2 get_robust_list}: pid, head_ptr, len_ptr. */
  static long getRobustList(Task t, SyscallArgs a) throws ErrnoException {
    Task of = a.i32(0) == 0 ? t : t.pidNamespace().task(a.i32(0));
    if (of == null) {
      throw ESRCH.error();
    }
    if (of.threadGroup() != t.threadGroup() && of.creds().uid() != t.creds().uid()
        && !t.creds().has(Capability.CAP_SYS_PTRACE)) {
      throw EPERM.error();
    }
    t.mm().writeLong(a.addr(2), RobustList.HEAD_SIZE);
    t.mm().writeLong(a.addr(1), of.robustList());
    return 0;
  }

  /** {@code futex_waitv(2)}: waiters, nr_futexes, flags, timeout, clockid. */
  static long futexWaitv(Task t, SyscallArgs a) throws ErrnoException {
    int count = a.i32(1);
    int clock = a.i32(4);
    if (a.i32(2) != 0 || count < 1 || count > WAITV_MAX || a.addr(0) == 0) {
      throw EINVAL.error();
    }
    long deadline = Task.FOREVER;
    if (a.addr(3) != 0) {
      if (clock != TaskClock.CLOCK_REALTIME && clock != TaskClock.CLOCK_MONOTONIC) {
        throw EINVAL.error();
      }
      deadline = absolute(t, a.addr(3), clock == TaskClock.CLOCK_REALTIME);
    }
    MemorySegment s = t.scratch();
    t.mm().copyIn(a.addr(0), s, 0, (long) count * WAITV_SIZE);
    for (int i = 0; i < count; i++) {
      int flags = s.get(JAVA_INT_UNALIGNED, (long) i * WAITV_SIZE + 16);
      if ((flags & ~(FUTEX2_SIZE_U32 | FUTEX2_PRIVATE)) != 0 || (flags & FUTEX2_SIZE_U32) == 0
          || s.get(JAVA_INT_UNALIGNED, (long) i * WAITV_SIZE + 4) != 0
          || s.get(JAVA_INT_UNALIGNED, (long) i * WAITV_SIZE + 20) != 0) {
        throw EINVAL.error();
      }
    }
    return waitAny(t, count, deadline);
  }

  private static long waitAny(Task t, int count, long deadline) throws ErrnoException {
    FutexTable table = t.kernel().futexes();
    MemorySegment s = t.scratch();
    FutexWaiter[] waiters = new FutexWaiter[count];
    int prepared = 0;
    try {
      for (; prepared < count; prepared++) {
        long at = (long) prepared * WAITV_SIZE;
        waiters[prepared] = new FutexWaiter(t.waiter(), prepared);
        boolean isPrivate = (s.get(JAVA_INT_UNALIGNED, at + 16) & FUTEX2_PRIVATE) != 0;
        int outcome = table.prepareWait(waiters[prepared], t.mm(), s.get(JAVA_LONG_UNALIGNED, at + 8), isPrivate,
            (int) s.get(JAVA_LONG_UNALIGNED, at), MATCH_ANY);
        if (outcome == FutexTable.CHANGED) {
          int woken = firstWoken(waiters, prepared);
          return woken >= 0 ? woken : -EAGAIN.number();
        }
      }
      while (true) {
        int outcome = t.block(deadline);
        int woken = firstWoken(waiters, count);
        if (woken >= 0) {
          return woken;
        }
        if (outcome == Task.TIMED_OUT) {
          return -ETIMEDOUT.number();
        }
        if (outcome == Task.INTERRUPTED) {
          return Restart.ERESTARTSYS;
        }
      }
    } finally {
      for (int i = 0; i < prepared; i++) {
        table.cancel(waiters[i]);
      }
    }
  }

  private static int firstWoken(FutexWaiter[] waiters, int count) {
    for (int i = count - 1; i >= 0; i--) {
      if (waiters[i].isWoken()) {
        return i;
      }
    }
    return -1;
  }
}
