package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.kernel.ProcessGroup;
import gvisor.sentry.kernel.Rlimits;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.syscall.SyscallArgs;
import java.util.ArrayList;
import java.util.List;

/** Nice values and I/O priorities: stored and reported. */
final class SysPriority {
  private static final int WHICH_PROCESS = 0;
  private static final int WHICH_GROUP = 1;
  private static final int WHICH_USER = 2;
  private static final int MAX_NICE = 19;
  private static final int MIN_NICE = -20;
  private static final int IOPRIO_CLASS_SHIFT = 13;
  private static final int IOPRIO_CLASS_RT = 1;
  private static final int IOPRIO_CLASS_IDLE = 3;
  private static final int IOPRIO_LEVELS = 8;

  private SysPriority() {}

  /** The tasks that {@code which} and {@code who} name; ESRCH when there are none. */
  private static List<Task> select(Task t, int which, int who) throws ErrnoException {
    List<Task> found = new ArrayList<>();
    switch (which) {
      case WHICH_PROCESS -> {
        Task one = who == 0 ? t : t.pidNamespace().task(who);
        if (one != null) {
          found.add(one);
        }
      }
      case WHICH_GROUP -> {
        ProcessGroup group = who == 0 ? t.threadGroup().processGroup() : t.pidNamespace().processGroup(who);
        for (ThreadGroup p : t.pidNamespace().threadGroups()) {
          if (group != null && p.processGroup() == group) {
            found.addAll(p.tasks());
          }
        }
      }
      case WHICH_USER -> {
        int uid = who == 0 ? t.creds().uid() : who;
        for (ThreadGroup p : t.pidNamespace().threadGroups()) {
          if (p.leader().creds().uid() == uid) {
            found.addAll(p.tasks());
          }
        }
      }
      default -> throw EINVAL.error();
    }
    if (found.isEmpty()) {
      throw ESRCH.error();
    }
    return found;
  }

  /** {@code man 2 getpriority}: which, who; 20 minus the lowest nice value. */
  static long getpriority(Task t, SyscallArgs a) throws ErrnoException {
    int lowest = MAX_NICE;
    for (Task of : select(t, a.i32(0), a.i32(1))) {
      lowest = Math.min(lowest, of.scheduling().nice);
    }
    return 20 - lowest;
  }

  /** {@code man 2 setpriority}: which, who, prio. */
  static long setpriority(Task t, SyscallArgs a) throws ErrnoException {
    for (Task of : select(t, a.i32(0), a.i32(1))) {
      setNice(t, of, a.i32(2));
    }
    return 0;
  }

  static void setNice(Task t, Task of, int value) throws ErrnoException {
    int nice = Math.max(MIN_NICE, Math.min(MAX_NICE, value));
    checkOwner(t, of);
    if (nice < of.scheduling().nice && !t.creds().has(Capability.CAP_SYS_NICE)
        && of.rlimits().exceeds(Rlimits.RLIMIT_NICE, 20 - nice)) {
      throw EACCES.error();
    }
    of.scheduling().nice = nice;
  }

  private static void checkOwner(Task t, Task of) throws ErrnoException {
    Credentials c = t.creds();
    Credentials o = of.creds();
    if (c.euid() != o.uid() && c.euid() != o.euid() && !c.has(Capability.CAP_SYS_NICE)) {
      throw EPERM.error();
    }
  }

  /** {@code man 2 ioprio_get}: which, who. */
  static long ioprioGet(Task t, SyscallArgs a) throws ErrnoException {
    int best = 0;
    for (Task of : select(t, a.i32(0) - 1, a.i32(1))) {
      int p = of.scheduling().ioPriority;
      best = best == 0 || p != 0 && p < best ? p : best;
    }
    return best;
  }

  /** {@code man 2 ioprio_set}: which, who, ioprio. */
  static long ioprioSet(Task t, SyscallArgs a) throws ErrnoException {
    int priority = a.i32(2);
    int ioClass = priority >>> IOPRIO_CLASS_SHIFT;
    int data = priority & (1 << IOPRIO_CLASS_SHIFT) - 1;
    if (ioClass < 0 || ioClass > IOPRIO_CLASS_IDLE || ioClass == 0 && data != 0
        || ioClass != IOPRIO_CLASS_IDLE && data >= IOPRIO_LEVELS) {
      throw EINVAL.error();
    }
    if (ioClass == IOPRIO_CLASS_RT && !t.creds().has(Capability.CAP_SYS_ADMIN)
        && !t.creds().has(Capability.CAP_SYS_NICE)) {
      throw EPERM.error();
    }
    for (Task of : select(t, a.i32(0) - 1, a.i32(1))) {
      checkOwner(t, of);
      of.scheduling().ioPriority = priority;
    }
    return 0;
  }
}
