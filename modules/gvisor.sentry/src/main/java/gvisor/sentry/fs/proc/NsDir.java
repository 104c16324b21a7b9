package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.ENOENT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.fs.kernfs.KernLink;
import gvisor.sentry.kernel.CloneArgs;
import gvisor.sentry.kernel.NamespaceFile;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FsContext;
import gvisor.sentry.vfs.MountNamespace;
import gvisor.sentry.vfs.Path;

/** {@code /proc/[pid]/ns}: which namespaces it is in ({@code man 7 namespaces}). */
final class NsDir extends KernDir {
  /** What Linux numbers the first namespaces of kinds of which there is one here. */
  private static final long FIRST_USER = 4026531837L;
  private static final long FIRST_CGROUP = 4026531835L;
  private static final long FIRST_TIME = 4026531834L;

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
      return NsInode.path(task.kernel(), number(task), text(task), file(task));
    }

    private NamespaceFile file(Task task) throws ErrnoException {
      return switch (kind) {
        case "ipc" -> new NamespaceFile(CloneArgs.CLONE_NEWIPC, task.ipc());
        case "uts" -> new NamespaceFile(CloneArgs.CLONE_NEWUTS, task.uts());
        case "pid" -> new NamespaceFile(CloneArgs.CLONE_NEWPID, task.pidNamespace());
        case "pid_for_children" -> new NamespaceFile(CloneArgs.CLONE_NEWPID, task.childPidNamespace());
        case "net" -> new NamespaceFile(CloneArgs.CLONE_NEWNET, task.netNamespace());
        case "mnt" -> new NamespaceFile(CloneArgs.CLONE_NEWNS, mounts(task));
        case "user" -> new NamespaceFile(CloneArgs.CLONE_NEWUSER, null);
        case "cgroup" -> new NamespaceFile(CloneArgs.CLONE_NEWCGROUP, null);
        default -> new NamespaceFile(CloneArgs.CLONE_NEWTIME, null);
      };
    }

    private static MountNamespace mounts(Task task) throws ErrnoException {
      FsContext fs = task.fs();
      MountNamespace namespace = fs == null ? null : fs.root().mount().namespace();
      if (namespace == null) {
        throw ENOENT.error();
      }
      return namespace;
    }

    private String text(Task task) throws ErrnoException {
      int suffix = kind.indexOf('_');
      return (suffix < 0 ? kind : kind.substring(0, suffix)) + ":[" + number(task) + "]";
    }

    private long number(Task task) throws ErrnoException {
      return switch (kind) {
        case "ipc" -> task.ipc().inode();
        case "uts" -> task.uts().inode();
        case "pid" -> task.pidNamespace().inode();
        case "pid_for_children" -> task.childPidNamespace().inode();
        case "user" -> FIRST_USER;
        case "cgroup" -> FIRST_CGROUP;
        case "net" -> task.netNamespace().inode();
        case "mnt" -> mounts(task).inode();
        default -> FIRST_TIME;
      };
    }
  }
}
