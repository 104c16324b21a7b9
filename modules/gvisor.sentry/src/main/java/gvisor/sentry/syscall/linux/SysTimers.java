package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPERM;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.PosixTimer;
import gvisor.sentry.kernel.ProcessTimers;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.TaskClock;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.time.Clocks;
import java.lang.foreign.MemorySegment;

/** Interval timers and POSIX timers. */
final class SysTimers {
  private static final int TIMER_ABSTIME = 1;
  private static final int SPEC_SIZE = 32;
  private static final int SIGEVENT_SIZE = 64;

  private SysTimers() {}

  private static void checkWhich(int which) throws ErrnoException {
    if (which < ProcessTimers.ITIMER_REAL || which > ProcessTimers.ITIMER_PROF) {
      throw EINVAL.error();
    }
  }

  /** {@code man 2 getitimer}: which, curr_value. */
  static long getitimer(Task t, SyscallArgs a) throws ErrnoException {
    checkWhich(a.i32(0));
    long[] now = new long[2];
    t.threadGroup().timers().getInterval(a.i32(0), now);
    writeItimerval(t, a.addr(1), now);
    return 0;
  }

  /** {@code man 2 setitimer}: which, new_value, old_value. */
  static long setitimer(Task t, SyscallArgs a) throws ErrnoException {
    checkWhich(a.i32(0));
    long interval = 0;
    long value = 0;
    if (a.addr(1) != 0) {
      t.mm().copyIn(a.addr(1), t.scratch(), 0, SPEC_SIZE);
      interval = Clocks.readTimeval(t.scratch(), 0);
      value = Clocks.readTimeval(t.scratch(), 16);
    }
    long[] old = new long[2];
    t.threadGroup().timers().setInterval(a.i32(0), value, interval, old);
    if (a.addr(2) != 0) {
      writeItimerval(t, a.addr(2), old);
    }
    return 0;
  }

  private static void writeItimerval(Task t, long addr, long[] times) throws ErrnoException {
    Clocks.writeTimeval(t.scratch(), 0, times[1]);
    Clocks.writeTimeval(t.scratch(), 16, times[0]);
    t.mm().copyOut(addr, t.scratch(), 0, SPEC_SIZE);
  }

  /** {@code man 2 alarm}: the seconds left, rounded to what a person expects. */
  static long alarm(Task t, SyscallArgs a) {
    long seconds = a.i64(0) & 0xffffffffL;
    long[] old = new long[2];
    t.threadGroup().timers().setInterval(ProcessTimers.ITIMER_REAL, seconds * Clocks.NANOS_PER_SECOND, 0, old);
    long whole = old[0] / Clocks.NANOS_PER_SECOND;
    long rest = old[0] % Clocks.NANOS_PER_SECOND;
    return rest >= Clocks.NANOS_PER_SECOND / 2 || whole == 0 && rest > 0 ? whole + 1 : whole;
  }

  /** {@code man 2 timer_create}: clockid, sevp, timerid. */
  static long timerCreate(Task t, SyscallArgs a) throws ErrnoException {
    int id = a.i32(0);
    if (id == TaskClock.CLOCK_REALTIME_COARSE || id == TaskClock.CLOCK_MONOTONIC_COARSE
        || id == TaskClock.CLOCK_MONOTONIC_RAW) {
      throw EOPNOTSUPP.error();
    }
    if ((id == TaskClock.CLOCK_REALTIME_ALARM || id == TaskClock.CLOCK_BOOTTIME_ALARM)
        && !t.creds().has(Capability.CAP_WAKE_ALARM)) {
      throw EPERM.error();
    }
    TaskClock clock = TaskClock.of(t, id);
    int notify = PosixTimer.SIGEV_SIGNAL;
    int signo = Signal.SIGALRM;
    Long value = null;
    Task target = null;
    if (a.addr(1) != 0) {
      MemorySegment s = t.scratch();
      t.mm().copyIn(a.addr(1), s, 0, SIGEVENT_SIZE);
      value = s.get(JAVA_LONG_UNALIGNED, 0);
      signo = s.get(JAVA_INT_UNALIGNED, 8);
      notify = s.get(JAVA_INT_UNALIGNED, 12);
      if ((notify & PosixTimer.SIGEV_THREAD_ID) != 0) {
        target = t.pidNamespace().task(s.get(JAVA_INT_UNALIGNED, 16));
        if (target == null || target.threadGroup() != t.threadGroup()) {
          throw EINVAL.error();
        }
      }
      if (notify != PosixTimer.SIGEV_NONE && notify != PosixTimer.SIGEV_SIGNAL
          && notify != PosixTimer.SIGEV_THREAD_ID || notify != PosixTimer.SIGEV_NONE && !Signal.isValid(signo)) {
        throw EINVAL.error();
      }
    }
    PosixTimer timer = PosixTimer.create(t, id, clock, notify, signo, value, target);
    try {
      t.mm().writeInt(a.addr(2), timer.id());
    } catch (ErrnoException e) {
      t.threadGroup().timers().delete(timer.id());
      throw e;
    }
    return 0;
  }

  /** {@code man 2 timer_settime}: timerid, flags, new_value, old_value. */
  static long timerSettime(Task t, SyscallArgs a) throws ErrnoException {
    if (a.addr(2) == 0) {
      throw EINVAL.error();
    }
    t.mm().copyIn(a.addr(2), t.scratch(), 0, SPEC_SIZE);
    long interval = Clocks.readTimespec(t.scratch(), 0);
    long value = Clocks.readTimespec(t.scratch(), 16);
    PosixTimer timer = t.threadGroup().timers().posix(a.i32(0));
    long[] old = new long[2];
    timer.set(value, (a.i32(1) & TIMER_ABSTIME) != 0, interval, old);
    if (a.addr(3) != 0) {
      writeItimerspec(t, a.addr(3), old);
    }
    return 0;
  }

  /** {@code man 2 timer_gettime}: timerid, curr_value. */
  static long timerGettime(Task t, SyscallArgs a) throws ErrnoException {
    PosixTimer timer = t.threadGroup().timers().posix(a.i32(0));
    long[] now = new long[2];
    timer.get(now);
    writeItimerspec(t, a.addr(1), now);
    return 0;
  }

  static void writeItimerspec(Task t, long addr, long[] times) throws ErrnoException {
    Clocks.writeTimespec(t.scratch(), 0, times[1]);
    Clocks.writeTimespec(t.scratch(), 16, times[0]);
    t.mm().copyOut(addr, t.scratch(), 0, SPEC_SIZE);
  }

  /** {@code man 2 timer_getoverrun}. */
  static long timerGetoverrun(Task t, SyscallArgs a) throws ErrnoException {
    return t.threadGroup().timers().posix(a.i32(0)).overrun();
  }

  /** {@code man 2 timer_delete}. */
  static long timerDelete(Task t, SyscallArgs a) throws ErrnoException {
    t.threadGroup().timers().delete(a.i32(0));
    return 0;
  }
}
