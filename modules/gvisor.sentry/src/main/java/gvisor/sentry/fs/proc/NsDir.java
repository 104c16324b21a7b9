package gvisor.sentry.fs.proc;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.fs.kernfs.KernLink;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Path;

/** {@code /proc/[pid]/ns}: which namespaces it is in ({@code man 7 namespaces}). */
final class NsDir extends KernDir {
  /** What Linux numbers the first namespaces of kinds of which there is one here. */
  private static final long FIRST_USER = 4026531837L;
  private static final long FIRST_CGROUP = 4026531835L;
  private static final long FIRST_TIME = 4026531834L;
  private static final long FIRST_NET = 4026531840L;
  private static final long FIRST_MNT = 4026531841L;

  private static final String[] KINDS = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time",
      "time_for_children", "user", "uts"};

  NsDir(TaskRef target, long ino) {
    super(target.proc(), ino, 0511);
    for (String kind : KINDS) {
      add(kind, new Link(target, inoOf(kind), kind));
    }
  }

  private static final class Link extends KernLink {
    private final TaskRef target;
    private final String kind;

    Link(TaskRef target, long ino, String kind) {
      super(target.proc(), ino, null);
      this.target = target;
      this.kind = kind;
    }

    @Override
    public String readlink(Caller caller) throws ErrnoException {
      return text(target.traceable(caller));
    }

    @Override
    public Path magicTarget(Caller caller) throws ErrnoException {
      Task task = target.traceable(caller);
      return NsInode.path(task.kernel(), number(task), text(task));
    }

    private String text(Task task) {
      int suffix = kind.indexOf('_');
      return (suffix < 0 ? kind : kind.substring(0, suffix)) + ":[" + number(task) + "]";
    }

    private long number(Task task) {
      return switch (kind) {
        case "ipc" -> task.ipc().inode();
        case "uts" -> task.uts().inode();
        case "pid" -> task.pidNamespace().inode();
        case "pid_for_children" -> task.childPidNamespace().inode();
        case "user" -> FIRST_USER;
        case "cgroup" -> FIRST_CGROUP;
        case "net" -> FIRST_NET;
        case "mnt" -> FIRST_MNT;
        default -> FIRST_TIME;
      };
    }
  }
}
