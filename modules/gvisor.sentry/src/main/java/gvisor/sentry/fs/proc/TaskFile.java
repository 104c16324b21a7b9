package gvisor.sentry.fs.proc;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.fs.kernfs.Content;
import gvisor.sentry.fs.kernfs.KernFile;
import gvisor.sentry.fs.kernfs.Store;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;

/** A generated file about a process; it belongs to who the process runs as. */
final class TaskFile extends KernFile {
  private final TaskRef target;
  private final boolean guarded;

  /** @param guarded whether only who may trace the process may open it */
  TaskFile(TaskRef target, long ino, int permissions, boolean guarded, Content content, Store store) {
    super(target.proc(), ino, permissions, content, store);
    this.target = target;
    this.guarded = guarded;
  }

  @Override
  protected void checkOpen(Caller caller, int flags) throws ErrnoException {
    if (guarded) {
      target.traceable(caller);
    }
  }

  @Override
  public int uid() {
    return owner(target).euid();
  }

  @Override
  public int gid() {
    return owner(target).egid();
  }

  /** Whose the files of a process are: root's, if it may not be dumped. */
  static Credentials owner(TaskRef target) {
    Task task = target.thread() != null ? target.thread() : target.group().leader();
    return target.group().dumpable() == 1 ? task.creds() : ROOT;
  }

  private static final Credentials ROOT = Credentials.root(0);
}
