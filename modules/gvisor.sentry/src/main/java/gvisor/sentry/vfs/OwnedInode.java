package gvisor.sentry.vfs;

/**
 * An inode whose number, type, permissions and owner are kept in memory. Thread-safe; a change of several is not atomic
 * with others.
 */
public abstract class OwnedInode extends Inode {
  private static final int S_IRWXUGO = 07777;

  private final long ino;
  private volatile int mode;
  private volatile int uid;
  private volatile int gid;

  /** An inode with {@code mode}, type and permission bits. */
  protected OwnedInode(Superblock superblock, long ino, int mode, int uid, int gid) {
    super(superblock);
    this.ino = ino;
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
  }

  @Override
  public final long ino() {
    return ino;
  }

  @Override
  public final int mode() {
    return mode;
  }

  @Override
  public final int uid() {
    return uid;
  }

  @Override
  public final int gid() {
    return gid;
  }

  /** For a file system whose attributes are somebody else's, who told of new ones: type and permission bits. */
  protected final void setMode(int mode) {
    this.mode = mode;
  }

  /** As {@link #setMode}. */
  protected final void setOwner(int uid, int gid) {
    this.uid = uid;
    this.gid = gid;
  }

  /** Does what {@code change} says of permissions and owner; the type stays. Whether the caller may was asked before. */
  protected final void changeOwned(SetAttr change) {
    if ((change.valid & SetAttr.MODE) != 0) {
      mode = mode & S_IFMT | change.mode & S_IRWXUGO;
    }
    if ((change.valid & SetAttr.UID) != 0) {
      uid = change.uid;
    }
    if ((change.valid & SetAttr.GID) != 0) {
      gid = change.gid;
    }
  }

  /** Fills what is kept here, and the device. */
  protected final void statOwned(StatBuf out) {
    out.mode = mode;
    out.uid = uid;
    out.gid = gid;
    out.dev = superblock().dev();
    out.ino = ino;
  }
}
