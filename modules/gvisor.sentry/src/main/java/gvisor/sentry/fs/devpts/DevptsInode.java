package gvisor.sentry.fs.devpts;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;

/** What all inodes of devpts have: attributes that can be changed. Thread-safe; a change is not atomic with others. */
abstract class DevptsInode extends Inode {
  private final long ino;
  private final int type;
  private volatile int permissions;
  private volatile int uid;
  private volatile int gid;
  private volatile long changedNanos;
  private volatile long modifiedNanos;

  DevptsInode(DevptsSuperblock superblock, long ino, int mode, int uid, int gid, long nowNanos) {
    super(superblock);
    this.ino = ino;
    this.type = mode & S_IFMT;
    this.permissions = mode & ~S_IFMT;
    this.uid = uid;
    this.gid = gid;
    this.changedNanos = nowNanos;
    this.modifiedNanos = nowNanos;
  }

  /** Its device number, 0 for the directory. */
  abstract long rdev();

  void setPermissions(int bits) {
    permissions = bits;
  }

  @Override
  public long ino() {
    return ino;
  }

  @Override
  public int mode() {
    return type | permissions;
  }

  @Override
  public int uid() {
    return uid;
  }

  @Override
  public int gid() {
    return gid;
  }

  @Override
  public void stat(StatBuf out) {
    out.mode = mode();
    out.nlink = isDirectory() ? 2 : 1;
    out.uid = uid;
    out.gid = gid;
    out.dev = superblock().dev();
    out.ino = ino;
    out.rdev = rdev();
    out.size = 0;
    out.blockSize = 1024;
    out.blocks = 0;
    out.atime = modifiedNanos;
    out.mtime = modifiedNanos;
    out.ctime = changedNanos;
    out.btime = 0;
  }

  @Override
  public void setAttr(Caller caller, SetAttr change) throws ErrnoException {
    if ((change.valid & SetAttr.SIZE) != 0) {
      // Linux: O_TRUNC of a device has no effect, truncate(2) fails.
      throw EINVAL.error();
    }
    if ((change.valid & SetAttr.MODE) != 0) {
      permissions = change.mode & 07777;
    }
    if ((change.valid & SetAttr.UID) != 0) {
      uid = change.uid;
    }
    if ((change.valid & SetAttr.GID) != 0) {
      gid = change.gid;
    }
    if ((change.valid & SetAttr.MTIME) != 0) {
      modifiedNanos = change.mtime;
    }
    changedNanos = caller.realtimeNanos();
  }
}
