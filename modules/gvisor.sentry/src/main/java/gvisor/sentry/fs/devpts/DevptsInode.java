package gvisor.sentry.fs.devpts;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.OwnedInode;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;

/** What all inodes of devpts have: attributes that can be changed. Thread-safe; a change is not atomic with others. */
abstract class DevptsInode extends OwnedInode {
  private volatile long changedNanos;
  private volatile long modifiedNanos;

  DevptsInode(DevptsSuperblock superblock, long ino, int mode, int uid, int gid, long nowNanos) {
    super(superblock, ino, mode, uid, gid);
    this.changedNanos = nowNanos;
    this.modifiedNanos = nowNanos;
  }

  /** Its device number, 0 for the directory. */
  abstract long rdev();

  void setPermissions(int bits) {
    setMode(type() | bits);
  }

  @Override
  public void stat(StatBuf out) {
    statOwned(out);
    out.nlink = isDirectory() ? 2 : 1;
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
    changeOwned(change);
    if ((change.valid & SetAttr.MTIME) != 0) {
      modifiedNanos = change.mtime;
    }
    changedNanos = caller.realtimeNanos();
  }
}
