package gvisor.sentry.fs.overlay;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostClock;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.KernelCaller;
import gvisor.sentry.vfs.StatFs;
import gvisor.sentry.vfs.Superblock;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** One overlay. Thread-safe. */
final class OverlaySuperblock extends Superblock {
  private static final long OVERLAYFS_MAGIC = 0x794c7630;

  private final Superblock upper;
  private final Superblock lower;
  final CopyUp copyUp;

  /** Copies up on nobody's behalf, with nobody's limits. */
  final KernelCaller kernel;

  /** The inode over each lower inode that somebody has. Lower inodes are told apart by identity. */
  private final ConcurrentHashMap<Inode, LowerRef> overLower = new ConcurrentHashMap<>();

  private final ReferenceQueue<OverlayInode> collected = new ReferenceQueue<>();

  /** Files that were copied up and have more names in the lower tree, which must go on to lead to the copy. */
  private final Set<OverlayInode> manyNamed = ConcurrentHashMap.newKeySet();

  /** Upper directory in which each of those has one more name, so that the copy lasts as long as the others. */
  private final Inode spareNames;

  private final OverlayDirectory root;

  private static final class LowerRef extends WeakReference<OverlayInode> {
    final Inode key;

    LowerRef(OverlayInode inode, Inode key, ReferenceQueue<OverlayInode> queue) {
      super(inode, queue);
      this.key = key;
    }
  }

  OverlaySuperblock(long dev, Superblock upper, Superblock lower, PageAllocator pages, HostClock clock)
      throws ErrnoException {
    super(dev);
    this.upper = upper;
    this.lower = lower;
    this.copyUp = new CopyUp(pages);
    this.kernel = new KernelCaller(null, clock);
    Inode lowerRoot = lower.root();
    Inode upperRoot = upper.root().mkdir(kernel, "root", 0755);
    spareNames = upper.root().mkdir(kernel, "names", 0700);
    CopyUp.copyAttributes(kernel, lowerRoot, upperRoot);
    root = new OverlayDirectory(this, upperRoot, lowerRoot, null, null);
  }

  @Override
  public String typeName() {
    return "overlay";
  }

  @Override
  public Inode root() {
    return root;
  }

  @Override
  public void statfs(StatFs out) throws ErrnoException {
    upper.statfs(out);
    out.type = OVERLAYFS_MAGIC;
  }

  @Override
  public void sync() throws ErrnoException {
    upper.sync();
  }

  @Override
  public void release() {
    upper.release();
    lower.release();
  }

  /** The inode over {@code lowerInode}, which is called {@code name} in {@code parent}. */
  OverlayInode over(Inode lowerInode, OverlayDirectory parent, String name) {
    for (Object o = collected.poll(); o != null; o = collected.poll()) {
      LowerRef gone = (LowerRef) o;
      overLower.remove(gone.key, gone);
    }
    while (true) {
      LowerRef ref = overLower.get(lowerInode);
      OverlayInode known = ref == null ? null : ref.get();
      if (known != null) {
        known.foundAt(parent, name);
        return known;
      }
      OverlayInode made = lowerInode.isDirectory() ? new OverlayDirectory(this, null, lowerInode, parent, name)
          : new OverlayInode(this, null, lowerInode, parent, name);
      LowerRef fresh = new LowerRef(made, lowerInode, collected);
      boolean won = ref == null ? overLower.putIfAbsent(lowerInode, fresh) == null
          : overLower.replace(lowerInode, ref, fresh);
      if (won) {
        return made;
      }
    }
  }

  /** {@code inode} was copied up as {@code made} while it has other names in the lower tree. */
  void keepForOtherNames(OverlayInode inode, Inode made) throws ErrnoException {
    spareNames.link(kernel, Long.toHexString(inode.ino()), made);
    manyNamed.add(inode);
  }

  boolean isKeptForOtherNames(OverlayInode inode) {
    return manyNamed.contains(inode);
  }

  /** The last name of {@code inode}, which was kept for others, is gone. */
  void dropOtherNames(OverlayInode inode) throws ErrnoException {
    manyNamed.remove(inode);
    spareNames.unlink(kernel, Long.toHexString(inode.ino()), inode.upper());
  }
}
