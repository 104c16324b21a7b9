package gvisor.sentry.vfs;

import gvisor.api.errno.ErrnoException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Open files without a name in any directory: eventfd, epoll, timerfd, pipes, sockets. {@code /proc/self/fd} shows the
 * name given here.
 */
public final class AnonFile {
  /** The type that {@code statfs(2)} tells of them. */
  public static final long ANON_INODE_FS_MAGIC = 0x09041934;

  private AnonFile() {}

  /**
   * An open file that {@code /proc/self/fd} shows as {@code anon_inode:name}, with the inode that all of that kind
   * share.
   *
   * @param name as Linux has it, with brackets where Linux has them: {@code [eventfd]}
   * @param flags O_* of the open file
   */
  public static FileDescription open(Vfs vfs, FileOps ops, String name, int flags) {
    AnonSuperblock superblock = vfs.anonymous();
    Dentry dentry = new Dentry(null, "anon_inode:" + name, superblock.shared);
    return new FileDescription(ops, new Path(vfs.anonymousMount(), dentry), flags);
  }

  /**
   * An open file with an inode of its own.
   *
   * @param mode type and permissions: {@link Inode#S_IFIFO} or {@link Inode#S_IFSOCK}, 0600 or 0777
   * @param kind what the name starts with: {@code pipe} gives {@code pipe:[inode number]}
   */
  public static FileDescription open(Caller caller, Vfs vfs, FileOps ops, int mode, String kind, int flags) {
    Inode inode = new AnonInode(vfs.anonymous(), mode, caller);
    return openInode(vfs, ops, inode, kind + ":[" + inode.ino() + "]", flags);
  }

  /** An open file of {@code inode}, which no directory knows, shown as {@code text} whatever that is. */
  public static FileDescription openInode(Vfs vfs, FileOps ops, Inode inode, String text, int flags) {
    return new FileDescription(ops, new Path(vfs.anonymousMount(), new Dentry(null, text, inode)), flags);
  }

  /** An inode for two ends to share, as a pipe's do. */
  public static Inode inode(Caller caller, Vfs vfs, int mode) {
    return new AnonInode(vfs.anonymous(), mode, caller);
  }

  /** Attached to an inode of {@link #inode}: opens it once more through {@code /proc/[pid]/fd}, as a pipe can be. */
  public interface Reopenable {
    /** What one more open file of it does. */
    FileOps reopen(int flags) throws ErrnoException;
  }

  /** Whether {@code path} is of a file without a name: its text is the dentry's name as it is. */
  static boolean isAnonymous(Path path) {
    return path.mount().vfs() == null && path.dentry().parent() == null;
  }

  static final class AnonSuperblock extends Superblock {
    private final AtomicLong nextIno = new AtomicLong(1);
    private final AnonInode root;
    private final AnonInode shared;

    AnonSuperblock(long dev) {
      super(dev);
      root = new AnonInode(this, Inode.S_IFDIR | 0700, null);
      shared = new AnonInode(this, 0600, null);
    }

    @Override
    public String typeName() {
      return "anon_inodefs";
    }

    @Override
    public Inode root() {
      return root;
    }

    @Override
    public void statfs(StatFs out) {
      out.type = ANON_INODE_FS_MAGIC;
    }
  }

  private static final class AnonInode extends OwnedInode {
    private final long made;

    AnonInode(AnonSuperblock superblock, int mode, Caller caller) {
      super(superblock, superblock.nextIno.getAndIncrement(), mode, caller == null ? 0 : caller.creds().fsuid(),
          caller == null ? 0 : caller.creds().fsgid());
      this.made = caller == null ? 0 : caller.realtimeNanos();
    }

    @Override
    public boolean opensItself() {
      return attachment() instanceof Reopenable;
    }

    @Override
    public FileOps open(Caller caller, Dentry dentry, int flags) throws ErrnoException {
      return attachment() instanceof Reopenable file ? file.reopen(flags) : super.open(caller, dentry, flags);
    }

    @Override
    public void stat(StatBuf out) {
      statOwned(out);
      out.nlink = 1;
      out.rdev = 0;
      out.size = 0;
      out.blockSize = 4096;
      out.blocks = 0;
      out.atime = made;
      out.mtime = made;
      out.ctime = made;
      out.btime = made;
    }

    @Override
    public void setAttr(Caller caller, SetAttr change) throws ErrnoException {
      if ((change.valid & SetAttr.SIZE) != 0) {
        throw gvisor.api.errno.Errno.EINVAL.error();
      }
      changeOwned(change);
    }
  }
}
