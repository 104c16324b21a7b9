package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPERM;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.TaskClock;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.time.Clocks;
import java.lang.foreign.MemorySegment;

/** Clocks, sleeping and accounts of time. */
final class SysTime {
  private static final int TIMER_ABSTIME = 1;
  private static final long COARSE_NANOS = 4_000_000;
  private static final int RUSAGE_SELF = 0;
  private static final int RUSAGE_CHILDREN = -1;
  private static final int RUSAGE_THREAD = 1;
  private static final int TIMEX_SIZE = 208;
  private static final int TIMEX_TICK = 88;
  private static final int TIMEX_TIME = 72;
  private static final int TIMEX_STATUS = 40;
  private static final int STA_UNSYNC = 0x40;
  private static final int TIME_ERROR = 5;
  private static final int TIMEX_FREQ = 16;
  private static final int ADJ_FREQUENCY = 0x2;
  private static final int ADJ_SETOFFSET = 0x100;
  private static final int ADJ_NANO = 0x2000;
  private static final int ADJ_TICK = 0x4000;
  private static final int ADJ_ADJTIME = 0x8000;
  private static final int ADJ_OFFSET_SINGLESHOT = 0x8001;
  private static final int ADJ_OFFSET_READONLY = 0x2000;
  private static final int MIN_TICK = 9000;
  private static final int MAX_TICK = 11_000;
  /** Parts per million with 16 bits behind the point, as they are scaled to 32. */
  private static final long MAX_FREQ = Long.MAX_VALUE / (1000L << 16);
  private static final int TIMEZONE_SIZE = 8;
  private static final int MAX_MINUTES_WEST = 15 * 60;

  private SysTime() {}

  /** {@code man 2 gettimeofday}: tv, tz. */
  static long gettimeofday(Task t, SyscallArgs a) throws ErrnoException {
    MemorySegment s = t.scratch();
    if (a.addr(0) != 0) {
      Clocks.writeTimeval(s, 0, t.realtimeNanos());
      t.mm().copyOut(a.addr(0), s, 0, Clocks.SIZE);
    }
    if (a.addr(1) != 0) {
      t.mm().writeLong(a.addr(1), 0);
    }
    return 0;
  }

  /** {@code man 2 settimeofday}: tv, tz; the clock and its zone are the host's, and nobody may. */
  static long settimeofday(Task t, SyscallArgs a) throws ErrnoException {
    MemorySegment s = t.scratch();
    if (a.addr(0) != 0) {
      t.mm().copyIn(a.addr(0), s, 0, Clocks.SIZE);
      Clocks.readTimeval(s, 0);
    }
    if (a.addr(1) != 0) {
      t.mm().copyIn(a.addr(1), s, 0, TIMEZONE_SIZE);
    }
    if (!t.creds().has(Capability.CAP_SYS_TIME)) {
      throw EPERM.error();
    }
    if (a.addr(1) != 0 && Math.abs((long) s.get(JAVA_INT_UNALIGNED, 0)) > MAX_MINUTES_WEST) {
      throw EINVAL.error();
    }
    if (a.addr(0) != 0 || a.addr(1) != 0) {
      throw EPERM.error();
    }
    return 0;
  }

  /** {@code man 2 time}. */
  static long time(Task t, SyscallArgs a) throws ErrnoException {
    long seconds = t.realtimeNanos() / Clocks.NANOS_PER_SECOND;
    if (a.addr(0) != 0) {
      t.mm().writeLong(a.addr(0), seconds);
    }
    return seconds;
  }

  /** {@code man 2 clock_gettime}: clockid, tp. */
  static long clockGettime(Task t, SyscallArgs a) throws ErrnoException {
    long now = TaskClock.read(t, a.i32(0));
    MemorySegment s = t.scratch();
    Clocks.writeTimespec(s, 0, now);
    t.mm().copyOut(a.addr(1), s, 0, Clocks.SIZE);
    return 0;
  }

  /** {@code man 2 clock_settime}: the clock is the host's, and nobody may. */
  static long clockSettime(Task t, SyscallArgs a) throws ErrnoException {
    int id = a.i32(0);
    if (id != TaskClock.CLOCK_REALTIME) {
      throw EINVAL.error();
    }
    t.mm().copyIn(a.addr(1), t.scratch(), 0, Clocks.SIZE);
    Clocks.readTimespec(t.scratch(), 0);
    throw EPERM.error();
  }

  /** {@code man 2 clock_getres}: clockid, res. */
  static long clockGetres(Task t, SyscallArgs a) throws ErrnoException {
    int id = a.i32(0);
    TaskClock.of(t, id);
    if (a.addr(1) != 0) {
      boolean coarse = id == TaskClock.CLOCK_REALTIME_COARSE || id == TaskClock.CLOCK_MONOTONIC_COARSE;
      Clocks.writeTimespec(t.scratch(), 0, coarse ? COARSE_NANOS : 1);
      t.mm().copyOut(a.addr(1), t.scratch(), 0, Clocks.SIZE);
    }
    return 0;
  }

  /** {@code man 2 nanosleep}: req, rem. */
  static long nanosleep(Task t, SyscallArgs a) throws ErrnoException {
    return sleep(t, TaskClock.CLOCK_MONOTONIC, false, a.addr(0), a.addr(1));
  }

  /** {@code man 2 clock_nanosleep}: clockid, flags, request, remain. */
  static long clockNanosleep(Task t, SyscallArgs a) throws ErrnoException {
    int id = a.i32(0);
    TaskClock.of(t, id);
    TaskClock.checkSleep(id);
    return sleep(t, id, (a.i32(1) & TIMER_ABSTIME) != 0, a.addr(2), a.addr(3));
  }

  private static long sleep(Task t, int id, boolean absolute, long request, long remain) throws ErrnoException {
    t.mm().copyIn(request, t.scratch(), 0, Clocks.SIZE);
    long time = Clocks.readTimespec(t.scratch(), 0);
    TaskClock clock = TaskClock.of(t, id);
    return sleepUntil(t, clock, absolute ? time : Clocks.after(clock.now(), time), absolute, remain);
  }

  private static long sleepUntil(Task t, TaskClock clock, long until, boolean absolute, long remain)
      throws ErrnoException {
    while (clock.now() < until) {
      if (t.block(clock.due(until)) == Task.INTERRUPTED) {
        if (absolute) {
          return Restart.ERESTARTNOHAND;
        }
        if (remain != 0) {
          Clocks.writeTimespec(t.scratch(), 0, Math.max(0, until - clock.now()));
          t.mm().copyOut(remain, t.scratch(), 0, Clocks.SIZE);
        }
        return t.restartWith(again -> sleepUntil(again, clock, until, false, remain));
      }
    }
    return 0;
  }

  /** {@code man 2 times}. */
  static long times(Task t, SyscallArgs a) throws ErrnoException {
    if (a.addr(0) != 0) {
      ThreadGroup tg = t.threadGroup();
      MemorySegment s = t.scratch();
      s.set(JAVA_LONG_UNALIGNED, 0, tg.utime() / Clocks.NANOS_PER_TICK);
      s.set(JAVA_LONG_UNALIGNED, 8, tg.stime() / Clocks.NANOS_PER_TICK);
      s.set(JAVA_LONG_UNALIGNED, 16, tg.childUtime() / Clocks.NANOS_PER_TICK);
      s.set(JAVA_LONG_UNALIGNED, 24, tg.childStime() / Clocks.NANOS_PER_TICK);
      t.mm().copyOut(a.addr(0), s, 0, 32);
    }
    return t.kernel().host().clock().monotonicNanos() / Clocks.NANOS_PER_TICK;
  }

  /** {@code man 2 getrusage}: who, usage. */
  static long getrusage(Task t, SyscallArgs a) throws ErrnoException {
    ThreadGroup tg = t.threadGroup();
    MemorySegment s = t.scratch();
    if (a.i32(0) != RUSAGE_CHILDREN) {
      tg.noteResident(t.mm().peakResident());
    }
    switch (a.i32(0)) {
      case RUSAGE_SELF -> Rusage.write(s, 0, tg.utime(), tg.stime(), tg.maxRssBytes(), tg.minorFaults(),
          t.voluntarySwitches(), t.involuntarySwitches());
      case RUSAGE_THREAD -> Rusage.write(s, 0, t.utime(), t.stime(), tg.maxRssBytes(), t.minorFaults(),
          t.voluntarySwitches(), t.involuntarySwitches());
      case RUSAGE_CHILDREN -> Rusage.write(s, 0, tg.childUtime(), tg.childStime(), tg.childMaxRssBytes(),
          tg.childMinorFaults(), 0, 0);
      default -> throw EINVAL.error();
    }
    t.mm().copyOut(a.addr(1), s, 0, Rusage.SIZE);
    return 0;
  }

  /** {@code man 2 adjtimex}: tells that the clock is not adjusted here; changing it is nobody's. */
  static long adjtimex(Task t, SyscallArgs a) throws ErrnoException {
    return adjust(t, a.addr(0));
  }

  /** {@code man 2 clock_adjtime}: clk_id, buf. */
  static long clockAdjtime(Task t, SyscallArgs a) throws ErrnoException {
    t.mm().copyIn(a.addr(1), t.scratch(), 0, TIMEX_SIZE);
    if (a.i32(0) != TaskClock.CLOCK_REALTIME) {
      TaskClock.of(t, a.i32(0));
      throw EOPNOTSUPP.error();
    }
    return adjust(t, a.addr(1));
  }

  /** What cannot be is EINVAL, and what could be is EPERM for everybody: only reading is left. */
  private static void checkAdjustment(Task t, MemorySegment s, int modes) throws ErrnoException {
    if ((modes & ADJ_ADJTIME) != 0) {
      if ((modes & ADJ_OFFSET_SINGLESHOT) != ADJ_OFFSET_SINGLESHOT) {
        throw EINVAL.error();
      }
      if ((modes & ADJ_OFFSET_READONLY) == 0) {
        throw EPERM.error();
      }
      return;
    }
    if (modes == 0) {
      return;
    }
    if (!t.creds().has(Capability.CAP_SYS_TIME)) {
      throw EPERM.error();
    }
    long tick = s.get(JAVA_LONG_UNALIGNED, TIMEX_TICK);
    long freq = s.get(JAVA_LONG_UNALIGNED, TIMEX_FREQ);
    long fraction = s.get(JAVA_LONG_UNALIGNED, TIMEX_TIME + 8);
    long second = (modes & ADJ_NANO) != 0 ? Clocks.NANOS_PER_SECOND : 1_000_000;
    if ((modes & ADJ_TICK) != 0 && (tick < MIN_TICK || tick > MAX_TICK)
        || (modes & ADJ_SETOFFSET) != 0 && (fraction < 0 || fraction >= second)
        || (modes & ADJ_FREQUENCY) != 0 && (freq < -MAX_FREQ || freq > MAX_FREQ)) {
      throw EINVAL.error();
    }
    throw EPERM.error();
  }

  private static long adjust(Task t, long addr) throws ErrnoException {
    MemorySegment s = t.scratch();
    t.mm().copyIn(addr, s, 0, TIMEX_SIZE);
    checkAdjustment(t, s, s.get(JAVA_INT_UNALIGNED, 0));
    s.asSlice(8, TIMEX_SIZE - 8).fill((byte) 0);
    s.set(JAVA_INT_UNALIGNED, TIMEX_STATUS, STA_UNSYNC);
    s.set(JAVA_LONG_UNALIGNED, TIMEX_TICK, 10_000);
    Clocks.writeTimeval(s, TIMEX_TIME, t.realtimeNanos());
    t.mm().copyOut(addr, s, 0, TIMEX_SIZE);
    return TIME_ERROR;
  }
}
