package gvisor.sentry.kernel;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.platform.Registers;
import gvisor.sentry.seccomp.SeccompFilter;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * What a task may call ({@code man 2 seccomp}): strict mode, or filters. Immutable and shared after fork; a task has
 * its own evaluation memory.
 */
public final class Seccomp {
  private static final Logger LOG = LogManager.getLogger(Seccomp.class);

  public static final int MODE_STRICT = 1;
  public static final int MODE_FILTER = 2;

  /** {@link #check}: go on. */
  static final long ALLOWED = Long.MAX_VALUE;

  /** {@link #check}: the call is not made and the registers are as they should be. */
  static final long NO_RESULT = Long.MAX_VALUE - 1;

  private static final int NR_READ = 0;
  private static final int NR_WRITE = 1;
  private static final int NR_RT_SIGRETURN = 15;
  private static final int NR_EXIT = 60;
  private static final int MAX_ERRNO = 4095;
  private static final int ENOSYS = 38;

  private final int mode;
  private final SeccompFilter filter;

  public Seccomp(int mode, SeccompFilter filter) {
    this.mode = mode;
    this.filter = filter;
  }

  public int mode() {
    return mode;
  }

  /** The filters, or null in strict mode. */
  public SeccompFilter filter() {
    return filter;
  }

  /**
   * Puts {@code task} into strict mode.
   *
   * @throws ErrnoException EINVAL when it has filters
   */
  public static void setStrict(Task task) throws ErrnoException {
    Seccomp now = task.seccomp;
    if (now != null && now.mode != MODE_STRICT) {
      throw Errno.EINVAL.error();
    }
    task.seccomp = new Seccomp(MODE_STRICT, null);
    task.syscallTrace = true;
  }

  /** Puts this over {@code task}, which has none yet and has not run. */
  public void putOver(Task task) {
    task.seccomp = this;
    task.syscallTrace = true;
  }

  /**
   * Adds a filter to {@code task}, or to every thread of its process.
   *
   * @param program {@code struct sock_filter}s, each as one little-endian word
   * @param allThreads SECCOMP_FILTER_FLAG_TSYNC
   * @return 0, or the id of a thread whose filters are not an ancestor of the caller's: nothing was changed then
   * @throws ErrnoException EINVAL in strict mode or for a program Linux would refuse, ENOMEM when there are too many
   */
  public static int install(Task task, long[] program, boolean allThreads, boolean logs) throws ErrnoException {
    Seccomp now = task.seccomp;
    if (now != null && now.mode != MODE_FILTER) {
      throw Errno.EINVAL.error();
    }
    SeccompFilter before = now == null ? null : now.filter;
    Seccomp next = new Seccomp(MODE_FILTER, SeccompFilter.install(program, before, logs));
    if (!allThreads) {
      task.seccomp = next;
      task.syscallTrace = true;
      return 0;
    }
    Kernel kernel = task.kernel();
    kernel.tasksLock.lock();
    try {
      for (Task other : task.group.tasks) {
        Seccomp theirs = other.seccomp;
        if (theirs != null && (theirs.mode != MODE_FILTER || before == null || !before.descendsFrom(theirs.filter))) {
          return other.tid();
        }
      }
      boolean noNewPrivs = task.creds().noNewPrivs();
      for (Task other : task.group.tasks) {
        if (noNewPrivs && !other.creds().noNewPrivs()) {
          other.setCreds(other.creds().withNoNewPrivs());
        }
        other.seccomp = next;
        other.syscallTrace = true;
      }
      return 0;
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  /** Whether {@code task} may make call {@code number}: {@link #ALLOWED}, {@link #NO_RESULT}, or what it returns. */
  long check(Task task, long number) {
    return check(task, number, false);
  }

  /** {@link #check}; with {@code asked}, a tracer has been told already and said to go on, perhaps with another call. */
  private long check(Task task, long number, boolean asked) {
    if (mode == MODE_STRICT) {
      if (number == NR_READ || number == NR_WRITE || number == NR_EXIT || number == NR_RT_SIGRETURN) {
        return ALLOWED;
      }
      killThread(task, Signal.SIGKILL);
      return NO_RESULT;
    }
    if (filter.allowsAlways(number)) {
      return ALLOWED;
    }
    Registers r = task.registers;
    int verdict = task.seccompEvaluation().evaluate(filter, (int) number, r.rip(), r.argument(0), r.argument(1),
        r.argument(2), r.argument(3), r.argument(4), r.argument(5));
    int data = verdict & SeccompFilter.SECCOMP_RET_DATA;
    return switch (verdict & SeccompFilter.SECCOMP_RET_ACTION_FULL) {
      case SeccompFilter.SECCOMP_RET_ALLOW -> ALLOWED;
      case SeccompFilter.SECCOMP_RET_LOG -> {
        LOG.debug("task {} makes system call {}: seccomp asks to log it", task, number);
        yield ALLOWED;
      }
      case SeccompFilter.SECCOMP_RET_ERRNO -> -Math.min(data, MAX_ERRNO);
      case SeccompFilter.SECCOMP_RET_TRAP -> {
        r.rax(number);
        task.syscallNumber = -1;
        Faults.force(task, SigInfo.seccomp(data, r.rip(), (int) number, SeccompFilter.ARCH));
        yield NO_RESULT;
      }
      case SeccompFilter.SECCOMP_RET_TRACE -> {
        Tracee tracee = task.tracee;
        if (tracee == null || !tracee.wantsSeccomp()) {
          yield -ENOSYS;
        }
        if (asked) {
          yield ALLOWED;
        }
        tracee.seccompStop(data);
        if (task.isDying()) {
          yield NO_RESULT;
        }
        // The tracer may have made another call of it, which has to pass as well.
        yield task.syscallNumber < 0 ? r.rax() : check(task, task.syscallNumber, true);
      }
      case SeccompFilter.SECCOMP_RET_USER_NOTIF -> -ENOSYS;
      case SeccompFilter.SECCOMP_RET_KILL_THREAD -> {
        LOG.debug("task {} ends: seccomp does not let it make system call {}", task, number);
        killThread(task, Signal.SIGSYS);
        yield NO_RESULT;
      }
      default -> {
        LOG.debug("task {} ends with its process: seccomp does not let it make system call {}", task, number);
        killProcess(task);
        yield NO_RESULT;
      }
    };
  }

  private static void killThread(Task task, int signo) {
    Kernel kernel = task.kernel();
    kernel.tasksLock.lock();
    try {
      if (task.group.liveTasks == 1) {
        task.group.exitGroup(signo);
      } else {
        task.exitStatus = signo;
        task.interrupt(Task.WORK_KILL);
      }
    } finally {
      kernel.tasksLock.unlock();
    }
  }

  private static void killProcess(Task task) {
    Kernel kernel = task.kernel();
    kernel.tasksLock.lock();
    try {
      boolean core = task.rlimits().soft(Rlimits.RLIMIT_CORE) != 0;
      task.group.exitGroup(Signal.SIGSYS | (core ? 0x80 : 0));
    } finally {
      kernel.tasksLock.unlock();
    }
  }
}
