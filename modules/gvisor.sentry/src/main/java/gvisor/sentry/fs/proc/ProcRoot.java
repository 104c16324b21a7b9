package gvisor.sentry.fs.proc;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.fs.kernfs.KernInode;
import gvisor.sentry.fs.kernfs.KernSuperblock;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.Inode;

/** The root of proc: the system's files, and a directory for each process. */
final class ProcRoot extends KernDir {
  private final ProcSuperblock proc;

  ProcRoot(ProcSuperblock proc) {
    super(proc, KernInode.ROOT_INO);
    this.proc = proc;
    add("self", new SelfLink(proc, inoOf("self"), false));
    add("thread-self", new SelfLink(proc, inoOf("thread-self"), true));
    if (!proc.showsOnlyPids()) {
      new SystemFiles(proc.kernel(), proc.pids()).build(this);
      new SysctlTree(proc.kernel(), proc.pids()).build(dir("sys"));
    }
  }

  /** The number that {@code name} is in decimal, without leading zeros; -1 when it is none. */
  static int number(String name) {
    int length = name.length();
    if (length == 0 || length > 9 || name.charAt(0) == '0' && length > 1) {
      return -1;
    }
    int n = 0;
    for (int i = 0; i < length; i++) {
      char c = name.charAt(i);
      if (c < '0' || c > '9') {
        return -1;
      }
      n = n * 10 + (c - '0');
    }
    return n;
  }

  @Override
  protected int links() {
    return super.links() + proc.kernel().taskCount();
  }

  @Override
  public Inode lookup(Caller caller, String name) throws ErrnoException {
    int pid = number(name);
    if (pid <= 0) {
      return super.lookup(caller, name);
    }
    ThreadGroup group = proc.pids().threadGroup(pid);
    boolean isThread = group == null;
    if (isThread) {
      // Linux: threads have a directory here too, which listings do not show.
      var task = proc.pids().task(pid);
      return task == null || !proc.isVisible(caller, task.threadGroup())
          ? null
          : new TaskDir(proc, inoOf(name), task.threadGroup(), task);
    }
    return proc.isVisible(caller, group) ? new TaskDir(proc, inoOf(name), group, null) : null;
  }

  @Override
  public boolean revalidate(String name, Inode child) throws ErrnoException {
    if (child instanceof TaskDir dir) {
      return dir.target().isAlive();
    }
    return child != null || number(name) < 0;
  }

  @Override
  protected long dynamicEntries(Caller caller, long cookie, DirSink sink) {
    long at = cookie;
    ThreadGroup group = proc.pids().nextThreadGroup((int) Math.max(1, at - FIRST_DYNAMIC));
    while (group != null) {
      int pid = group.pid().in(proc.pids());
      if (pid == 0) {
        break;
      }
      long next = FIRST_DYNAMIC + pid + 1;
      if (proc.isVisible(caller, group)) {
        String name = Integer.toString(pid);
        if (!sink.entry(name, KernSuperblock.childIno(ino(), name), S_IFDIR >> 12, next)) {
          return at;
        }
      }
      at = next;
      group = proc.pids().nextThreadGroup(pid + 1);
    }
    return at;
  }
}
