package gvisor.sentry.fs.kernfs;

import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;

/** What all files of a kernel tree have. Owner root and attributes that cannot be changed, unless a subclass says so. */
public abstract class KernInode extends Inode {
  public static final long ROOT_INO = 1;

  private final KernSuperblock superblock;
  private final long ino;
  private final int mode;

  protected KernInode(KernSuperblock superblock, long ino, int mode) {
    super(superblock);
    this.superblock = superblock;
    this.ino = ino;
    this.mode = mode;
  }

  protected final KernSuperblock kernSuperblock() {
    return superblock;
  }

  @Override
  public final long ino() {
    return ino;
  }

  @Override
  public int mode() {
    return mode;
  }

  @Override
  public int uid() {
    return 0;
  }

  @Override
  public int gid() {
    return 0;
  }

  /** Hard links, as {@code stat} shows them. */
  protected int links() {
    return isDirectory() ? 2 : 1;
  }

  /** Bytes, as {@code stat} shows them. */
  protected long size() {
    return 0;
  }

  @Override
  public void stat(StatBuf out) throws ErrnoException {
    out.mode = mode();
    out.nlink = links();
    out.uid = uid();
    out.gid = gid();
    out.dev = superblock().dev();
    out.ino = ino;
    out.rdev = 0;
    out.size = size();
    out.blockSize = 4096;
    out.blocks = 0;
    out.atime = superblock.mountedNanos();
    out.mtime = superblock.mountedNanos();
    out.ctime = superblock.mountedNanos();
    out.btime = 0;
  }

  @Override
  public void setAttr(Caller caller, SetAttr change) throws ErrnoException {
    if ((change.valid & (SetAttr.MODE | SetAttr.UID | SetAttr.GID)) != 0) {
      throw EPERM.error();
    }
    // Truncation, as the shell's ">" does it, and times: accepted without effect.
  }
}
