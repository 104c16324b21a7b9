package gvisor.sentry.fs.tmpfs;

import static gvisor.api.errno.Errno.E2BIG;
import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.ENODATA;
import static gvisor.api.errno.Errno.ENOSPC;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Attributes;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.OwnedInode;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;
import java.util.LinkedHashMap;
import java.util.Map;

/** What every kind of file in memory has: attributes and extended attributes. */
abstract class TmpfsInode extends OwnedInode {
  private static final long DAY_NANOS = 86_400_000_000_000L;

  /** The most bytes of extended attributes, names and values, of one file. */
  private static final int XATTR_LIMIT = 256 * 1024;

  final TmpfsSuperblock tmpfs;
  private final long btime;
  private volatile long atime;
  private volatile long mtime;
  private volatile long ctime;

  /** Changes under the superblock's names lock. */
  private volatile int nlink;

  // Guarded by this.
  private Map<String, byte[]> xattrs;
  private int xattrBytes;

  /** An inode must have been charged to the superblock. */
  TmpfsInode(TmpfsSuperblock tmpfs, int mode, int uid, int gid, int nlink, long now) {
    super(tmpfs, tmpfs.newIno(), mode, uid, gid);
    this.tmpfs = tmpfs;
    this.nlink = nlink;
    this.atime = now;
    this.mtime = now;
    this.ctime = now;
    this.btime = now;
  }

  final int nlink() {
    return nlink;
  }

  /** Under the names lock. */
  final void setNlink(int n) {
    nlink = n;
  }

  /** The last name is gone; under the names lock. */
  void unlinked() {
    tmpfs.unchargeInode();
  }

  long size() {
    return 0;
  }

  long allocatedBytes() {
    return 0;
  }

  long rdev() {
    return 0;
  }

  @Override
  public final void stat(StatBuf out) {
    statOwned(out);
    out.nlink = nlink;
    out.rdev = rdev();
    out.size = size();
    out.blockSize = 4096;
    out.blocks = allocatedBytes() >>> 9;
    out.atime = atime;
    out.mtime = mtime;
    out.ctime = ctime;
    out.btime = btime;
  }

  @Override
  public final void setAttr(Caller caller, SetAttr change) throws ErrnoException {
    long now = caller.realtimeNanos();
    if ((change.valid & SetAttr.SIZE) != 0) {
      truncate(change.size);
      mtime = now;
    }
    changeOwned(change);
    if ((change.valid & SetAttr.ATIME) != 0) {
      atime = change.atime;
    }
    if ((change.valid & SetAttr.MTIME) != 0) {
      mtime = change.mtime;
    }
    ctime = now;
  }

  void truncate(long size) throws ErrnoException {
    throw gvisor.api.errno.Errno.EINVAL.error();
  }

  /** Content or names changed. */
  final void modified(long now) {
    mtime = now;
    ctime = now;
  }

  final void changed(long now) {
    ctime = now;
  }

  @Override
  public final void accessed(Caller caller) {
    long now = caller.realtimeNanos();
    if (atime <= mtime || atime <= ctime || now - atime >= DAY_NANOS) {
      atime = now;
    }
  }

  @Override
  public final synchronized byte[] getXattr(Caller caller, String name) {
    return xattrs == null ? null : xattrs.get(name);
  }

  @Override
  public final synchronized void setXattr(Caller caller, String name, byte[] value, int flags) throws ErrnoException {
    byte[] old = xattrs == null ? null : xattrs.get(name);
    if (old != null && (flags & Attributes.XATTR_CREATE) != 0) {
      throw EEXIST.error();
    }
    if (old == null && (flags & Attributes.XATTR_REPLACE) != 0) {
      throw ENODATA.error();
    }
    int bytes = xattrBytes + value.length + (old == null ? name.length() : -old.length);
    if (value.length > XATTR_LIMIT) {
      throw E2BIG.error();
    }
    if (bytes > XATTR_LIMIT) {
      throw ENOSPC.error();
    }
    if (xattrs == null) {
      xattrs = new LinkedHashMap<>();
    }
    xattrs.put(name, value);
    xattrBytes = bytes;
    ctime = caller.realtimeNanos();
  }

  @Override
  public final synchronized String[] listXattr(Caller caller) {
    return xattrs == null ? new String[0] : xattrs.keySet().toArray(new String[0]);
  }

  @Override
  public final synchronized void removeXattr(Caller caller, String name) throws ErrnoException {
    byte[] old = xattrs == null ? null : xattrs.remove(name);
    if (old == null) {
      throw ENODATA.error();
    }
    xattrBytes -= name.length() + old.length;
    ctime = caller.realtimeNanos();
  }
}
