package gvisor.sentry.fs.kernfs;

import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.StatFs;
import gvisor.sentry.vfs.Superblock;

/** A superblock whose root is set once its tree has been built. */
public class KernSuperblock extends Superblock {
  private final String typeName;
  private final long magic;
  private final long mountedNanos;
  private volatile Inode root;

  /**
   * @param magic what {@code statfs(2)} says
   * @param nowNanos wall clock, in nanoseconds since the epoch: the time stamp of its files
   */
  public KernSuperblock(long dev, String typeName, long magic, long nowNanos) {
    super(dev);
    this.typeName = typeName;
    this.magic = magic;
    this.mountedNanos = nowNanos;
  }

  /** Sets the root directory, before the superblock is mounted. */
  public final void setRoot(Inode root) {
    this.root = root;
  }

  @Override
  public final String typeName() {
    return typeName;
  }

  @Override
  public Inode root() {
    return root;
  }

  final long mountedNanos() {
    return mountedNanos;
  }

  @Override
  public void statfs(StatFs out) {
    out.type = magic;
  }

  /** The inode number of {@code name} in directory {@code parent}: the same for every object made for it. */
  public static long childIno(long parent, String name) {
    long h = 0xcbf29ce484222325L ^ parent;
    for (int i = 0; i < name.length(); i++) {
      h = (h ^ name.charAt(i)) * 0x100000001b3L;
    }
    h ^= h >>> 29;
    // Positive, in 52 bits so that programs that keep it in a double do not lose any; never 0 or the root's 1.
    return h & 0xfffffffffffffL | 0x100000L;
  }
}
