package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.ENOENT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.Inode;

/** {@code /proc/[pid]/task}: a directory for each thread. */
final class TaskListDir extends KernDir {
  private final ProcSuperblock proc;
  private final ThreadGroup group;

  TaskListDir(ProcSuperblock proc, long ino, ThreadGroup group) {
    super(proc, ino);
    this.proc = proc;
    this.group = group;
  }

  @Override
  protected int links() {
    return 2 + group.threadCount();
  }

  @Override
  public int uid() {
    return TaskFile.owner(new TaskRef(proc, group, null)).euid();
  }

  @Override
  public int gid() {
    return TaskFile.owner(new TaskRef(proc, group, null)).egid();
  }

  @Override
  public Inode lookup(Caller caller, String name) throws ErrnoException {
    int tid = ProcRoot.number(name);
    Task task = tid <= 0 ? null : proc.pids().task(tid);
    return task == null || task.threadGroup() != group ? null : new TaskDir(proc, inoOf(name), group, task);
  }

  @Override
  public boolean revalidate(String name, Inode child) {
    return child instanceof TaskDir dir && dir.target().isAlive();
  }

  @Override
  protected long dynamicEntries(Caller caller, long cookie, DirSink sink) throws ErrnoException {
    if (!new TaskRef(proc, group, null).isAlive()) {
      throw ENOENT.error();
    }
    long at = cookie;
    while (true) {
      int least = (int) (at - FIRST_DYNAMIC);
      int best = Integer.MAX_VALUE;
      for (Task task : group.tasks()) {
        int tid = task.pid().in(proc.pids());
        if (tid >= least && tid < best) {
          best = tid;
        }
      }
      if (best == Integer.MAX_VALUE) {
        return at;
      }
      String name = Integer.toString(best);
      long next = FIRST_DYNAMIC + best + 1;
      if (!sink.entry(name, inoOf(name), S_IFDIR >> 12, next)) {
        return at;
      }
      at = next;
    }
  }
}
