package gvisor.sentry.fs.devpts;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;

/** The root directory of devpts: {@code ptmx} and a name for each terminal. */
final class DevptsRoot extends DevptsInode {
  /** Cookies: 1 after ".", 2 after "..", 3 after "ptmx", then 4 + N after terminal N. */
  private static final long FIRST_SLAVE = 3;

  private final DevptsSuperblock devpts;

  DevptsRoot(DevptsSuperblock devpts, long nowNanos) {
    super(devpts, DevptsSuperblock.ROOT_INO, S_IFDIR | 0755, 0, 0, nowNanos);
    this.devpts = devpts;
  }

  @Override
  long rdev() {
    return 0;
  }

  @Override
  public Inode lookup(Caller caller, String name) {
    return find(name);
  }

  @Override
  public boolean revalidate(String name, Inode child) {
    return find(name) == child;
  }

  private Inode find(String name) {
    if (name.equals("ptmx")) {
      return devpts.ptmx();
    }
    if (name.isEmpty() || name.length() > 5 || name.charAt(0) == '0' && name.length() > 1) {
      return null;
    }
    int index = 0;
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c < '0' || c > '9') {
        return null;
      }
      index = index * 10 + (c - '0');
    }
    return devpts.slave(index);
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) {
    return new Listing(dentry);
  }

  private final class Listing implements FileOps {
    private final Dentry dentry;

    Listing(Dentry dentry) {
      this.dentry = dentry;
    }

    @Override
    public boolean isSeekable() {
      return true;
    }

    @Override
    public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
      if (whence != 0 || offset < 0) {
        throw gvisor.api.errno.Errno.EINVAL.error();
      }
      return offset;
    }

    @Override
    public long readdir(Caller caller, FileDescription file, long cookie, DirSink sink) {
      long at = cookie;
      if (at == 0) {
        if (!sink.entry(".", ino(), S_IFDIR >> 12, 1)) {
          return at;
        }
        at = 1;
      }
      if (at == 1) {
        Dentry parent = dentry.parent();
        long up = parent == null ? ino() : parent.inode().ino();
        if (!sink.entry("..", up, S_IFDIR >> 12, 2)) {
          return at;
        }
        at = 2;
      }
      if (at == 2) {
        if (!sink.entry("ptmx", DevptsSuperblock.PTMX_INO, S_IFCHR >> 12, FIRST_SLAVE)) {
          return at;
        }
        at = FIRST_SLAVE;
      }
      PtsInode slave = devpts.nextSlave((int) Math.min(at - FIRST_SLAVE, Integer.MAX_VALUE));
      while (slave != null) {
        long next = FIRST_SLAVE + slave.index() + 1;
        if (!sink.entry(Integer.toString(slave.index()), slave.ino(), S_IFCHR >> 12, next)) {
          return at;
        }
        at = next;
        slave = devpts.nextSlave(slave.index() + 1);
      }
      return at;
    }
  }
}
