package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.ENOENT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.kernfs.KernLink;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;

/** {@code self} and {@code thread-self}: links to the reader's own directory. */
final class SelfLink extends KernLink {
  private final ProcSuperblock proc;
  private final boolean thread;

  SelfLink(ProcSuperblock proc, long ino, boolean thread) {
    super(proc, ino, null);
    this.proc = proc;
    this.thread = thread;
  }

  @Override
  public String readlink(Caller caller) throws ErrnoException {
    if (!(caller instanceof Task task)) {
      throw ENOENT.error();
    }
    int tgid = task.threadGroup().pid().in(proc.pids());
    if (tgid == 0) {
      throw ENOENT.error();
    }
    return thread ? tgid + "/task/" + task.pid().in(proc.pids()) : Integer.toString(tgid);
  }
}
