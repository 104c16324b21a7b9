package gvisor.sentry.fs.tmpfs;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.FileOps;

/** A symbolic link, or a node of a device, fifo or socket: a name for something that is elsewhere. */
final class TmpfsSpecial extends TmpfsInode {
  private final String target;
  private final long rdev;

  /** @param target of a symbolic link, else null */
  TmpfsSpecial(TmpfsSuperblock tmpfs, int mode, int uid, int gid, String target, long rdev, long now) {
    super(tmpfs, mode, uid, gid, 1, now);
    this.target = target;
    this.rdev = rdev;
  }

  @Override
  long size() {
    return target == null ? 0 : target.length();
  }

  @Override
  long rdev() {
    return rdev;
  }

  @Override
  public String readlink(Caller caller) throws ErrnoException {
    return target == null ? super.readlink(caller) : target;
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) throws ErrnoException {
    throw gvisor.api.errno.Errno.ENXIO.error();
  }
}
