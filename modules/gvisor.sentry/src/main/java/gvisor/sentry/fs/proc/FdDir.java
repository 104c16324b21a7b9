package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.ENOENT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.fs.kernfs.KernLink;
import gvisor.sentry.kernel.FdTable;
import gvisor.sentry.kernel.PtraceAccess;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.Path;

/** {@code /proc/[pid]/fd}, links to open files, and {@code fdinfo}, a file about each. */
final class FdDir extends KernDir {
  private final TaskRef target;
  private final boolean info;

  FdDir(TaskRef target, long ino, boolean info) {
    super(target.proc(), ino, info ? 0555 : 0500);
    this.target = target;
    this.info = info;
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
  public void checkPermission(Caller caller, int mask) throws ErrnoException {
    // Linux: a process may always look at its own descriptors, after set-user-ID programs too.
    if (caller instanceof Task task && task.threadGroup() == target.group()) {
      return;
    }
    if (info && !PtraceAccess.mayRead(caller, target.live())) {
      throw EACCES.error();
    }
    super.checkPermission(caller, mask);
  }

  @Override
  public boolean cachesLookups() {
    return false;
  }

  @Override
  public Inode lookup(Caller caller, String name) throws ErrnoException {
    int fd = ProcRoot.number(name);
    if (fd < 0) {
      return null;
    }
    FileDescription file = acquire(target, fd);
    if (file == null) {
      return null;
    }
    int access = (file.isReadable() ? 0500 : 0) | (file.isWritable() ? 0300 : 0);
    file.close();
    return info
        ? new TaskFile(target, inoOf(name), 0444, true, (c, out) -> writeInfo(fd, out), null)
        : new Link(target, inoOf(name), fd, access);
  }

  /** The open file with one more reference, or null. */
  private static FileDescription acquire(TaskRef target, int fd) throws ErrnoException {
    FdTable fds = target.live().fds();
    return fds == null ? null : fds.acquire(fd);
  }

  @Override
  protected long dynamicEntries(Caller caller, long cookie, DirSink sink) throws ErrnoException {
    Task task = target.traceable(caller);
    FdTable fds = task.fds();
    long at = cookie;
    if (fds == null) {
      return at;
    }
    int fd = fds.nextUsed((int) (at - FIRST_DYNAMIC));
    while (fd >= 0) {
      String name = Integer.toString(fd);
      if (!sink.entry(name, inoOf(name), (info ? S_IFREG : S_IFLNK) >> 12, FIRST_DYNAMIC + fd + 1)) {
        return at;
      }
      at = FIRST_DYNAMIC + fd + 1;
      fd = fds.nextUsed(fd + 1);
    }
    return at;
  }

  private void writeInfo(int fd, StringBuilder out) throws ErrnoException {
    FileDescription file = acquire(target, fd);
    if (file == null) {
      throw ENOENT.error();
    }
    try {
      FdTable fds = target.live().fds();
      int cloexec = fds != null && fds.isCloseOnExec(fd) ? 02000000 : 0;
      out.append("pos:\t").append(file.ops().isSeekable() ? file.offset : 0);
      out.append("\nflags:\t0").append(Integer.toOctalString(file.flags() | cloexec));
      out.append("\nmnt_id:\t").append(file.path().mount().id());
      out.append("\nino:\t").append(file.inode() == null ? 0 : file.inode().ino()).append('\n');
      out.append(file.ops().fdInfo(file));
    } finally {
      file.close();
    }
  }

  /** {@code fd/N}. */
  private static final class Link extends KernLink {
    private final TaskRef target;
    private final int fd;
    private final int access;

    Link(TaskRef target, long ino, int fd, int access) {
      super(target.proc(), ino, null);
      this.target = target;
      this.fd = fd;
      this.access = access;
    }

    @Override
    public int mode() {
      return S_IFLNK | access;
    }

    @Override
    protected long size() {
      return 64;
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
      target.traceable(caller);
      FileDescription file = acquire(target, fd);
      if (file == null) {
        throw ENOENT.error();
      }
      // The path keeps the inode; the open file itself may be closed meanwhile, as on Linux.
      Path path = file.path();
      file.close();
      return path;
    }

    @Override
    public String readlink(Caller caller) throws ErrnoException {
      return TaskLink.text(magicTarget(caller), caller);
    }
  }
}
