package gvisor.sentry.vfs;

import gvisor.api.errno.ErrnoException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/** One mounted instance of a file system, shared by all mounts of it. Like Linux {@code struct super_block}. */
public abstract class Superblock {
  private final long dev;
  private final DentryCache dentries = new DentryCache();
  private final AtomicInteger mounts = new AtomicInteger();
  private volatile Dentry rootDentry;
  private volatile boolean readOnly;

  /** Held by a rename between directories, so that the tree holds still. Ranks above the locks of directories. */
  final ReentrantLock renameLock = new ReentrantLock();

  /** @param dev the device number {@code stat} reports for its files, from {@link DeviceNumbers} */
  protected Superblock(long dev) {
    this.dev = dev;
  }

  public final long dev() {
    return dev;
  }

  final DentryCache dentries() {
    return dentries;
  }

  /** The dentry of {@link #root}: there is one. */
  public final Dentry rootDentry() {
    Dentry d = rootDentry;
    if (d == null) {
      synchronized (this) {
        d = rootDentry;
        if (d == null) {
          d = new Dentry(null, "/", root());
          rootDentry = d;
        }
      }
    }
    return d;
  }

  /** Whether every mount of it is read-only (MS_RDONLY of the first {@code mount(2)}, or of a remount). */
  public final boolean isReadOnly() {
    return readOnly;
  }

  public final void setReadOnly(boolean on) {
    readOnly = on;
  }

  /** Changes its options ({@code mount(2)} with MS_REMOUNT). */
  public void remount(Caller caller, String options) throws ErrnoException {}

  /** One mount more; the last one less releases the superblock. */
  final void mounted() {
    mounts.getAndIncrement();
  }

  final void unmounted() {
    if (mounts.decrementAndGet() == 0) {
      release();
    }
  }

  /** As in {@code /proc/filesystems}. */
  public abstract String typeName();

  /** The root directory. */
  public abstract Inode root();

  /** Fills {@code out} ({@code man 2 statfs}). */
  public abstract void statfs(StatFs out) throws ErrnoException;

  /** Options as {@code /proc/mounts} shows them, without a leading comma; may be empty. */
  public String options() {
    return "";
  }

  /** Writes everything back ({@code man 2 syncfs}). */
  public void sync() throws ErrnoException {}

  /** The last mount is gone. */
  public void release() {}
}
