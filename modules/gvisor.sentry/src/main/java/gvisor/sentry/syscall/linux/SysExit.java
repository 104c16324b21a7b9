package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.ECHILD;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ESRCH;
import static gvisor.api.errno.Errno.EAGAIN;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Pid;
import gvisor.sentry.kernel.PidFd;
import gvisor.sentry.kernel.ProcessGroup;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.TaskExit;
import gvisor.sentry.kernel.TaskWait;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;

/** The ends of processes, and waiting for them. */
final class SysExit {
  private static final int P_ALL = 0;
  private static final int P_PID = 1;
  private static final int P_PGID = 2;
  private static final int P_PIDFD = 3;
  private static final int SIGINFO_STATUS = 24;
  private static final int SIGINFO_SIZE = 128;

  private SysExit() {}

  /** {@code man 2 exit}. */
  static long exit(Task t, SyscallArgs a) {
    TaskExit.exitThread(t, a.i32(0));
    return 0;
  }

  /** {@code man 2 exit_group}. */
  static long exitGroup(Task t, SyscallArgs a) {
    TaskExit.exitGroup(t, a.i32(0));
    return 0;
  }

  /** {@code man 2 wait4}: pid, status, options, rusage. */
  static long wait4(Task t, SyscallArgs a) throws ErrnoException {
    int pid = a.i32(0);
    int options = a.i32(2);
    int known = TaskWait.WNOHANG | TaskWait.WUNTRACED | TaskWait.WCONTINUED | TaskWait.WNOTHREAD | TaskWait.WALL
        | TaskWait.WCLONE;
    if ((options & ~known) != 0) {
      throw EINVAL.error();
    }
    if (pid == Integer.MIN_VALUE) {
      throw ESRCH.error();
    }
    Pid wanted = null;
    ProcessGroup group = null;
    if (pid > 0) {
      wanted = childPid(t, pid);
    } else if (pid == 0) {
      group = t.threadGroup().processGroup();
    } else if (pid < -1) {
      group = t.pidNamespace().processGroup(-pid);
      if (group == null) {
        throw ECHILD.error();
      }
    }
    TaskWait w = new TaskWait(t, options | TaskWait.WEXITED, wanted, group);
    long result = w.run();
    if (result != 0 || w.pid == 0) {
      return result;
    }
    if (a.addr(1) != 0) {
      t.mm().writeInt(a.addr(1), w.status);
    }
    if (a.addr(3) != 0) {
      writeUsage(t, a.addr(3), w);
    }
    return w.pid;
  }

  private static Pid childPid(Task t, int pid) throws ErrnoException {
    Task child = t.pidNamespace().task(pid);
    if (child == null) {
      throw ECHILD.error();
    }
    return child.pid();
  }

  private static void writeUsage(Task t, long addr, TaskWait w) throws ErrnoException {
    MemorySegment s = t.scratch();
    Rusage.write(s, 0, w.utimeNanos, w.stimeNanos, w.maxRssBytes, w.minorFaults, 0, 0);
    t.mm().copyOut(addr, s, 0, Rusage.SIZE);
  }

  /** {@code man 2 waitid}: idtype, id, info, options, rusage. */
  static long waitid(Task t, SyscallArgs a) throws ErrnoException {
    int type = a.i32(0);
    int id = a.i32(1);
    int options = a.i32(3);
    int what = TaskWait.WEXITED | TaskWait.WUNTRACED | TaskWait.WCONTINUED;
    int known = what | TaskWait.WNOHANG | TaskWait.WNOWAIT | TaskWait.WNOTHREAD | TaskWait.WALL | TaskWait.WCLONE;
    if ((options & ~known) != 0 || (options & what) == 0) {
      throw EINVAL.error();
    }
    Pid wanted = null;
    ProcessGroup group = null;
    boolean nonblocking = false;
    switch (type) {
      case P_ALL -> {
      }
      case P_PID -> {
        if (id <= 0) {
          throw EINVAL.error();
        }
        wanted = childPid(t, id);
      }
      case P_PGID -> {
        if (id < 0) {
          throw EINVAL.error();
        }
        group = id == 0 ? t.threadGroup().processGroup() : t.pidNamespace().processGroup(id);
        if (group == null) {
          throw ECHILD.error();
        }
      }
      case P_PIDFD -> {
        if (id < 0) {
          throw EINVAL.error();
        }
        FileDescription f = t.fds().get(id);
        try {
          if (!(f.ops() instanceof PidFd pidFd)) {
            throw EBADF.error();
          }
          wanted = pidFd.pid();
          nonblocking = f.isNonblocking();
        } finally {
          f.close();
        }
      }
      default -> throw EINVAL.error();
    }
    TaskWait w = new TaskWait(t, nonblocking ? options | TaskWait.WNOHANG : options, wanted, group);
    long result = w.run();
    if (result != 0) {
      return result;
    }
    if (w.pid == 0 && nonblocking && (options & TaskWait.WNOHANG) == 0) {
      throw EAGAIN.error();
    }
    if (a.addr(4) != 0 && w.pid != 0) {
      writeUsage(t, a.addr(4), w);
    }
    if (a.addr(2) != 0) {
      MemorySegment s = t.scratch();
      s.asSlice(0, SIGINFO_SIZE).fill((byte) 0);
      if (w.pid != 0) {
        s.set(JAVA_INT_UNALIGNED, 0, Signal.SIGCHLD);
        s.set(JAVA_INT_UNALIGNED, 8, w.code);
        s.set(JAVA_INT_UNALIGNED, 16, w.pid);
        s.set(JAVA_INT_UNALIGNED, 20, w.uid);
        s.set(JAVA_INT_UNALIGNED, SIGINFO_STATUS, w.codeStatus);
      }
      // Linux writes the fields it knows and leaves the rest of the struct alone.
      t.mm().copyOut(a.addr(2), s, 0, 12);
      t.mm().copyOut(a.addr(2) + 16, s, 16, 12);
    }
    return 0;
  }
}
