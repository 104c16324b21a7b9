package gvisor.sentry.fs.devpts;

import static gvisor.api.errno.Errno.EIO;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.tty.Terminal;
import gvisor.sentry.tty.TerminalFile;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Mount;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Path;

/** {@code /dev/pts/N}: a terminal for programs. */
final class PtsInode extends DevptsInode {
  private final int index;
  private final Terminal terminal;

  /** The other end; null for a terminal of the host. Set once, before anybody finds the inode. */
  private PtyMaster master;

  /** Where {@link #master} was opened, for TIOCGPTPEER. */
  private Path ptmx;

  private volatile boolean published;

  PtsInode(DevptsSuperblock superblock, int index, Terminal terminal, int mode, int uid, int gid, long nowNanos) {
    super(superblock, DevptsSuperblock.FIRST_PTS_INO + index, S_IFCHR | mode, uid, gid, nowNanos);
    this.index = index;
    this.terminal = terminal;
  }

  void setMaster(PtyMaster master, Path ptmx) {
    this.master = master;
    this.ptmx = ptmx;
  }

  /** It is complete: it may be found by its name. */
  void publish() {
    published = true;
  }

  boolean isPublished() {
    return published;
  }

  int index() {
    return index;
  }

  Terminal terminal() {
    return terminal;
  }

  @Override
  long rdev() {
    return terminal.rdev();
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) throws ErrnoException {
    if (master != null && master.isLocked()) {
      throw EIO.error();
    }
    return new TerminalFile(terminal, caller, flags);
  }

  /** {@code TIOCGPTPEER}: opens this end from the other, whatever is mounted where; the new descriptor. */
  long openPeer(Task task, int flags) throws ErrnoException {
    Path at = peerPath();
    FileOps ops = new TerminalFile(terminal, task, flags);
    FileDescription file = new FileDescription(ops, at, flags & ~OpenFlags.O_CLOEXEC);
    try {
      return task.fds().install(file, (flags & OpenFlags.O_CLOEXEC) != 0, task.fdLimit());
    } catch (ErrnoException e) {
      file.close();
      throw e;
    }
  }

  private Path peerPath() {
    Mount mount = ptmx.mount();
    Dentry directory = ptmx.dentry().parent();
    return new Path(mount, new Dentry(directory, Integer.toString(index), this));
  }
}
