package gvisor.sentry.vfs;

import gvisor.api.errno.ErrnoException;

/** One mounted instance of a file system, shared by all mounts of it. Like Linux {@code struct super_block}. */
public abstract class Superblock {
  private final long dev;

  /** @param dev the device number {@code stat} reports for its files, from {@link DeviceNumbers} */
  protected Superblock(long dev) {
    this.dev = dev;
  }

  public final long dev() {
    return dev;
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
