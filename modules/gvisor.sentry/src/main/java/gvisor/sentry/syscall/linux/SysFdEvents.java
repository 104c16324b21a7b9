package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.SignalFd;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.TaskClock;
import gvisor.sentry.kernel.TimerFd;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.time.Clocks;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.OpenFlags;

/** Timers and signals as files. */
final class SysFdEvents {
  private static final int TFD_TIMER_ABSTIME = 1;
  private static final int TFD_TIMER_CANCEL_ON_SET = 2;
  private static final int SPEC_SIZE = 32;
  private static final int FLAGS = OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK;

  private SysFdEvents() {}

  /** {@code man 2 timerfd_create}: clockid, flags. */
  static long timerfdCreate(Task t, SyscallArgs a) throws ErrnoException {
    int clock = a.i32(0);
    int flags = a.i32(1);
    boolean alarm = clock == TaskClock.CLOCK_REALTIME_ALARM || clock == TaskClock.CLOCK_BOOTTIME_ALARM;
    if ((flags & ~FLAGS) != 0 || clock != TaskClock.CLOCK_REALTIME && clock != TaskClock.CLOCK_MONOTONIC
        && clock != TaskClock.CLOCK_BOOTTIME && !alarm) {
      throw EINVAL.error();
    }
    if (alarm && !t.creds().has(Capability.CAP_WAKE_ALARM)) {
      throw EPERM.error();
    }
    FileDescription f = TimerFd.open(t, clock, OpenFlags.O_RDWR | flags & OpenFlags.O_NONBLOCK);
    return t.fds().install(f, (flags & OpenFlags.O_CLOEXEC) != 0, t.fdLimit());
  }

  private static TimerFd timer(FileDescription f) throws ErrnoException {
    if (f.ops() instanceof TimerFd timer) {
      return timer;
    }
    throw EINVAL.error();
  }

  /** {@code man 2 timerfd_settime}: fd, flags, new_value, old_value. */
  static long timerfdSettime(Task t, SyscallArgs a) throws ErrnoException {
    t.mm().copyIn(a.addr(2), t.scratch(), 0, SPEC_SIZE);
    int flags = a.i32(1);
    if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0) {
      throw EINVAL.error();
    }
    long interval = Clocks.readTimespec(t.scratch(), 0);
    long value = Clocks.readTimespec(t.scratch(), 16);
    long[] old = new long[2];
    FileDescription f = t.fds().get(a.fd(0));
    try {
      timer(f).set(value, (flags & TFD_TIMER_ABSTIME) != 0, interval, old);
    } finally {
      f.close();
    }
    if (a.addr(3) != 0) {
      SysTimers.writeItimerspec(t, a.addr(3), old);
    }
    return 0;
  }

  /** {@code man 2 timerfd_gettime}: fd, curr_value. */
  static long timerfdGettime(Task t, SyscallArgs a) throws ErrnoException {
    long[] now = new long[2];
    FileDescription f = t.fds().get(a.fd(0));
    try {
      timer(f).get(now);
    } finally {
      f.close();
    }
    SysTimers.writeItimerspec(t, a.addr(1), now);
    return 0;
  }

  /** {@code man 2 signalfd}: fd, mask, sizemask. */
  static long signalfd(Task t, SyscallArgs a) throws ErrnoException {
    return signalfd(t, a, 0);
  }

  /** {@code man 2 signalfd4}: fd, mask, sizemask, flags. */
  static long signalfd4(Task t, SyscallArgs a) throws ErrnoException {
    return signalfd(t, a, a.i32(3));
  }

  private static long signalfd(Task t, SyscallArgs a, int flags) throws ErrnoException {
    if (a.size(2) != Signal.SET_SIZE || (flags & ~FLAGS) != 0) {
      throw EINVAL.error();
    }
    long set = t.mm().readLong(a.addr(1));
    if (a.fd(0) == -1) {
      FileDescription f = SignalFd.open(t, set, OpenFlags.O_RDWR | flags & OpenFlags.O_NONBLOCK);
      return t.fds().install(f, (flags & OpenFlags.O_CLOEXEC) != 0, t.fdLimit());
    }
    FileDescription f = t.fds().get(a.fd(0));
    try {
      if (!(f.ops() instanceof SignalFd signals)) {
        throw EINVAL.error();
      }
      signals.setSignals(set);
      return a.fd(0);
    } finally {
      f.close();
    }
  }
}
