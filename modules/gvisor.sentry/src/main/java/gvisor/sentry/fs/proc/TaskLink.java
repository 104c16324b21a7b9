package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.ENOENT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.kernfs.KernLink;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FsContext;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathText;

/** {@code cwd}, {@code root} and {@code exe}: links that lead to the place itself, whatever it is called. */
final class TaskLink extends KernLink {
  enum Kind { CWD, ROOT, EXE }

  private final TaskRef target;
  private final Kind kind;

  TaskLink(TaskRef target, long ino, Kind kind) {
    super(target.proc(), ino, null);
    this.target = target;
    this.kind = kind;
  }

  @Override
  public int uid() {
    return TaskFile.owner(target).euid();
  }

  @Override
  public int gid() {
    return TaskFile.owner(target).egid();
  }

  @Override
  public Path magicTarget(Caller caller) throws ErrnoException {
    Task task = target.traceable(caller);
    if (kind == Kind.EXE) {
      FileDescription file = task.threadGroup().acquireExecutable();
      if (file == null) {
        throw ENOENT.error();
      }
      Path path = file.path();
      file.close();
      return path;
    }
    FsContext fs = task.fs();
    if (fs == null) {
      throw ENOENT.error();
    }
    return kind == Kind.CWD ? fs.cwd() : fs.root();
  }

  @Override
  public String readlink(Caller caller) throws ErrnoException {
    return text(magicTarget(caller), caller);
  }

  /** A place as the reader's root has it. */
  static String text(Path path, Caller caller) {
    FsContext fs = caller.fs();
    return PathText.of(path, fs != null ? fs.root() : new Path(path.mount(), null));
  }
}
