package gvisor.sentry.fs.host;

import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;

/** The root every superblock has; nobody can reach this one. */
final class HostRoot extends Inode {
  HostRoot(HostFiles superblock) {
    super(superblock);
  }

  @Override
  public long ino() {
    return 1;
  }

  @Override
  public int mode() {
    return S_IFDIR;
  }

  @Override
  public int uid() {
    return 0;
  }

  @Override
  public int gid() {
    return 0;
  }

  @Override
  public void stat(StatBuf out) {
    out.mode = S_IFDIR;
    out.nlink = 2;
    out.ino = 1;
    out.dev = superblock().dev();
  }

  @Override
  public void setAttr(Caller caller, SetAttr change) throws ErrnoException {
    throw EPERM.error();
  }
}
