package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.PtraceAccess;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FsContext;

/**
 * The process or thread a file of proc is about.
 *
 * @param thread the thread; null for the process as a whole
 */
record TaskRef(ProcSuperblock proc, ThreadGroup group, Task thread) {
  /** Whether it has not been waited for: its number still means it. */
  boolean isAlive() {
    Task task = thread != null ? thread : group.leader();
    Task now = proc.pids().task(task.pid().in(proc.pids()));
    return now != null && now.threadGroup() == group && (thread == null || now == thread);
  }

  /** The task whose attributes are shown. */
  Task task() throws ErrnoException {
    if (!isAlive()) {
      throw ESRCH.error();
    }
    return thread != null ? thread : group.leader();
  }

  /** A task that has memory, files and directories: the leader may be dead while other threads live. */
  Task live() throws ErrnoException {
    Task task = task();
    if (thread == null && group.anyLiveTask() instanceof Task other) {
      return other;
    }
    return task;
  }

  /** {@link #live}, if {@code caller} may look into it. */
  Task traceable(Caller caller) throws ErrnoException {
    Task task = live();
    if (!PtraceAccess.mayRead(caller, task)) {
      throw EACCES.error();
    }
    return task;
  }

  /** Its memory with a reference that the caller gives back, or null when it has none any more. */
  MemoryManager acquireMm() throws ErrnoException {
    MemoryManager mm = live().mm();
    return mm != null && mm.tryAcquire() ? mm : null;
  }

  /** Its directories, or null when it has none any more. */
  FsContext fs() throws ErrnoException {
    return live().fs();
  }

  /** Its number as this mount shows it. */
  int pid() throws ErrnoException {
    return task().pid().in(proc.pids());
  }
}
