package gvisor.sentry.fs.overlay;

import static gvisor.api.errno.Errno.ESTALE;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A file of either layer. It is the lower inode until something would change it; then it is copied up and is the upper one
 * for ever. Who has the lower file open for reading goes on reading that, as on Linux.
 */
class OverlayInode extends Inode {
  /** Set in numbers of inodes that are in the upper tree alone; lower trees do not have such numbers. */
  private static final long UPPER_ONLY = 1L << 62;

  final OverlaySuperblock sb;

  /** What is below, or null for what was made here. */
  final Inode lower;

  private final long ino;

  /** Held while it is copied up. */
  private final ReentrantLock copyLock = new ReentrantLock();

  /** Set once, under {@link #copyLock}. */
  private volatile Inode upper;

  /** A name it has, or null while none is known. */
  private volatile Place place;

  /** Names it has beyond what the layer it is in counts. Changes under the lock of the directory concerned. */
  private volatile int otherNames;

  private record Place(OverlayDirectory parent, String name) {}

  OverlayInode(OverlaySuperblock sb, Inode upper, Inode lower, OverlayDirectory parent, String name) {
    super(sb);
    this.sb = sb;
    this.upper = upper;
    this.lower = lower;
    this.place = parent == null ? null : new Place(parent, name);
    this.ino = lower != null ? lower.ino() : UPPER_ONLY | upper.ino();
  }

  /** The layer it is in. */
  final Inode real() {
    Inode u = upper;
    return u != null ? u : lower;
  }

  /** The upper inode, or null while it was not copied up. */
  final Inode upper() {
    return upper;
  }

  @Override
  public final long ino() {
    return ino;
  }

  @Override
  public final int mode() {
    return real().mode();
  }

  @Override
  public final int uid() {
    return real().uid();
  }

  @Override
  public final int gid() {
    return real().gid();
  }

  @Override
  public void stat(StatBuf out) throws ErrnoException {
    real().stat(out);
    out.dev = sb.dev();
    out.ino = ino;
    out.nlink += otherNames;
  }

  @Override
  public final void setAttr(Caller caller, SetAttr change) throws ErrnoException {
    boolean truncates = (change.valid & SetAttr.SIZE) != 0;
    copyUp(truncates ? change.size : Long.MAX_VALUE).setAttr(caller, change);
  }

  @Override
  public final void accessed(Caller caller) {
    Inode u = upper;
    if (u != null) {
      u.accessed(caller);
    }
  }

  @Override
  public final String readlink(Caller caller) throws ErrnoException {
    return real().readlink(caller);
  }

  @Override
  public final Path magicTarget(Caller caller) throws ErrnoException {
    return real().magicTarget(caller);
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) throws ErrnoException {
    boolean writes = (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY;
    Inode inode = writes ? copyUp() : real();
    return inode.open(caller, dentry, flags);
  }

  @Override
  public final byte[] getXattr(Caller caller, String name) throws ErrnoException {
    return real().getXattr(caller, name);
  }

  @Override
  public final String[] listXattr(Caller caller) throws ErrnoException {
    return real().listXattr(caller);
  }

  @Override
  public final void setXattr(Caller caller, String name, byte[] value, int flags) throws ErrnoException {
    copyUp().setXattr(caller, name, value, flags);
  }

  @Override
  public final void removeXattr(Caller caller, String name) throws ErrnoException {
    copyUp().removeXattr(caller, name);
  }

  /** The upper inode, copied up whole if it was not there. */
  final Inode copyUp() throws ErrnoException {
    return copyUp(Long.MAX_VALUE);
  }

  /**
   * The upper inode; if it was not there, with the first {@code length} bytes of the content.
   *
   * @throws ErrnoException ESTALE when it has no name any more; ENOSPC, ENOMEM; EIO when the lower tree is gone
   */
  private Inode copyUp(long length) throws ErrnoException {
    Inode u = upper;
    if (u != null) {
      return u;
    }
    Place p = place;
    if (p == null) {
      throw ESTALE.error();
    }
    p.parent.copyUp();
    copyLock.lock();
    try {
      if (upper == null) {
        upper = copyTo(place, length);
      }
      return upper;
    } finally {
      copyLock.unlock();
    }
  }

  private Inode copyTo(Place p, long length) throws ErrnoException {
    if (p == null) {
      throw ESTALE.error();
    }
    Inode directory = p.parent.copyUp();
    StatBuf stat = new StatBuf();
    lower.stat(stat);
    Inode made;
    if (lower.isRegular()) {
      made = copyRegular(p, directory, Math.min(stat.size, length));
    } else {
      String target = lower.isSymlink() ? lower.readlink(sb.kernel) : null;
      made = p.parent.adopt(p.name, this, dir -> switch (stat.mode & S_IFMT) {
        case S_IFDIR -> dir.mkdir(sb.kernel, p.name, stat.mode & 07777);
        case S_IFLNK -> dir.symlink(sb.kernel, p.name, target);
        default -> dir.mknod(sb.kernel, p.name, stat.mode, stat.rdev);
      });
      CopyUp.copyAttributes(sb.kernel, lower, made);
    }
    if (stat.nlink > 1 && !lower.isDirectory()) {
      // One that the upper layer counts is the name copied up, another the spare one that nobody sees.
      sb.keepForOtherNames(this, made);
      otherNames += stat.nlink - 2;
    }
    return made;
  }

  /** The copy gets its name when it is complete, so a failure on the way leaves nothing. */
  private Inode copyRegular(Place p, Inode directory, long length) throws ErrnoException {
    Inode made = directory.tmpfile(sb.kernel, 0600);
    FileOps to = made.open(sb.kernel, null, OpenFlags.O_RDWR);
    try {
      if (length > 0) {
        FileOps from = lower.open(sb.kernel, null, OpenFlags.O_RDONLY);
        try {
          sb.copyUp.copyContent(sb.kernel, from, to, length);
        } finally {
          from.release(null);
        }
        SetAttr size = new SetAttr();
        size.valid = SetAttr.SIZE;
        size.size = length;
        made.setAttr(sb.kernel, size);
      }
      CopyUp.copyAttributes(sb.kernel, lower, made);
      return p.parent.adopt(p.name, this, dir -> {
        dir.link(sb.kernel, p.name, made);
        return made;
      });
    } finally {
      to.release(null);
    }
  }

  /**
   * One of its names is about to go: if it has others, which only the lower tree knows, it is copied up while there is a
   * name to do that by.
   */
  final void keepOtherNames() throws ErrnoException {
    if (upper == null && !isDirectory()) {
      StatBuf now = new StatBuf();
      stat(now);
      if (now.nlink > 1) {
        copyUp();
      }
    }
  }

  /** It is called {@code name} in {@code parent}. */
  final void foundAt(OverlayDirectory parent, String name) {
    if (place == null) {
      place = new Place(parent, name);
    }
  }

  /** It was moved. */
  final void movedTo(OverlayDirectory parent, String name) {
    place = new Place(parent, name);
  }

  /**
   * It is no longer called {@code name} in {@code parent}.
   *
   * @param wasUpper whether that name was in the upper tree, which then counts one less
   */
  final void nameRemoved(OverlayDirectory parent, String name, boolean wasUpper) throws ErrnoException {
    if (!wasUpper) {
      otherNames--;
    }
    Place p = place;
    if (p != null && p.parent == parent && p.name.equals(name)) {
      place = null;
    }
    if (sb.isKeptForOtherNames(this)) {
      StatBuf now = new StatBuf();
      stat(now);
      if (now.nlink == 0) {
        sb.dropOtherNames(this);
        otherNames++;
      }
    }
  }

  /** A name that only the lower tree had is in the upper one, too, now. */
  final void nameCopiedUp() {
    otherNames--;
  }
}
