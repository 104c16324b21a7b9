package gvisor.sentry.fs.mqueue;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOENT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;

/** The directory of a mounted mqueue file system. */
final class MqueueRoot extends Inode {
  private static final int PERMISSIONS = 01777;

  private final MqueueSuperblock mounted;
  private final long madeNanos;

  MqueueRoot(MqueueSuperblock superblock, long nowNanos) {
    super(superblock);
    this.mounted = superblock;
    this.madeNanos = nowNanos;
  }

  @Override
  public long ino() {
    return 1;
  }

  @Override
  public int mode() {
    return S_IFDIR | PERMISSIONS;
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
    out.mode = mode();
    out.nlink = 2;
    out.uid = 0;
    out.gid = 0;
    out.dev = superblock().dev();
    out.ino = 1;
    out.rdev = 0;
    out.size = 0;
    out.blocks = 0;
    out.blockSize = 4096;
    out.atime = madeNanos;
    out.mtime = madeNanos;
    out.ctime = madeNanos;
    out.btime = madeNanos;
  }

  @Override
  public void setAttr(Caller caller, SetAttr change) {}

  @Override
  public boolean cachesLookups() {
    return false;
  }

  @Override
  public Inode lookup(Caller caller, String name) {
    Mqueues queues = mounted.queues(caller);
    return queues == null ? null : queues.find(name);
  }

  @Override
  public boolean revalidate(String name, Inode child) {
    Mqueues queues = mounted.queues(null);
    return queues != null && queues.find(name) == child;
  }

  @Override
  public Inode create(Caller caller, String name, int mode) throws ErrnoException {
    Mqueues queues = mounted.queues(caller);
    if (queues == null) {
      throw ENOENT.error();
    }
    return queues.create(caller, name, mode);
  }

  @Override
  public void unlink(Caller caller, String name, Inode child) throws ErrnoException {
    Mqueues queues = mounted.queues(caller);
    if (queues == null || !(child instanceof MqueueInode queue)) {
      throw ENOENT.error();
    }
    queues.remove(name, queue);
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) {
    return new Listing();
  }

  private final class Listing implements FileOps {
    @Override
    public boolean isSeekable() {
      return true;
    }

    @Override
    public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
      if (whence != 0 || offset < 0) {
        throw EINVAL.error();
      }
      return offset;
    }

    @Override
    public long readdir(Caller caller, FileDescription file, long cookie, DirSink sink) {
      long at = cookie;
      for (; at < 2; at++) {
        if (!sink.entry(at == 0 ? "." : "..", 1, S_IFDIR >> 12, at + 1)) {
          return at;
        }
      }
      Mqueues queues = mounted.queues(caller);
      String[] names = queues == null ? new String[0] : queues.names();
      for (; at - 2 < names.length; at++) {
        String name = names[(int) at - 2];
        MqueueInode queue = queues.find(name);
        if (queue != null && !sink.entry(name, queue.ino(), S_IFREG >> 12, at + 1)) {
          return at;
        }
      }
      return at;
    }
  }
}
