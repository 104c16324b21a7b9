package gvisor.sentry.vfs;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A superblock, or a directory or file of it, attached to the tree. Like Linux {@code struct mount}. Where it hangs
 * changes under {@link Vfs#mountLock}; path walks read it without a lock.
 */
public final class Mount {
  private final Vfs vfs;
  private final int id;
  private final Superblock superblock;
  private final Dentry root;
  private final String source;
  private final ConcurrentHashMap<Dentry, Mount> children = new ConcurrentHashMap<>(4);

  /** One for being mounted, and one for each open file and each current or root directory. */
  private final AtomicInteger pins = new AtomicInteger(1);
  private final AtomicInteger writers = new AtomicInteger();
  private volatile Mount parent;
  private volatile Dentry mountpoint;
  private volatile MountNamespace namespace;
  private volatile int flags;

  // Guarded by the mount lock. A group of 0 is none; a shared mount has a peer group, a slave a master group.
  boolean isUnbindable;
  int peerGroup;
  int masterGroup;
  boolean expiring;

  /** A mount of the kernel's own, outside every tree: for files without a name. */
  public Mount(Superblock superblock) {
    this(null, 0, superblock, superblock.rootDentry(), "none", 0);
  }

  Mount(Vfs vfs, int id, Superblock superblock, Dentry root, String source, int flags) {
    this.vfs = vfs;
    this.id = id;
    this.superblock = superblock;
    this.root = root;
    this.source = source;
    this.flags = flags;
    superblock.mounted();
  }

  public Superblock superblock() {
    return superblock;
  }

  /** The kernel's file layer; null for mounts outside every tree. */
  public Vfs vfs() {
    return vfs;
  }

  /** As in {@code /proc/self/mountinfo}. */
  public int id() {
    return id;
  }

  /** What stands at the mountpoint: the superblock's root, or what was bound. */
  public Dentry root() {
    return root;
  }

  /** The mount it stands on; null for the root of a namespace and for detached ones. */
  public Mount parent() {
    return parent;
  }

  /** Where on {@link #parent} it stands. */
  public Dentry mountpoint() {
    return mountpoint;
  }

  /** The namespace it is in; null when detached. */
  public MountNamespace namespace() {
    return namespace;
  }

  /** As given to {@code mount(2)}. */
  public String source() {
    return source;
  }

  /** {@link MountFlags#KEPT}. */
  public int flags() {
    return flags;
  }

  public boolean isReadOnly() {
    return (flags & MountFlags.MS_RDONLY) != 0 || superblock.isReadOnly();
  }

  public boolean isNoExec() {
    return (flags & MountFlags.MS_NOEXEC) != 0;
  }

  public boolean isNoSuid() {
    return (flags & MountFlags.MS_NOSUID) != 0;
  }

  public boolean isNoDev() {
    return (flags & MountFlags.MS_NODEV) != 0;
  }

  void setFlags(int flags) {
    this.flags = flags;
  }

  /** What stands on {@code dentry} of this mount, or null. No lock. */
  Mount mountedOn(Dentry dentry) {
    return dentry.isMountpoint() ? children.get(dentry) : null;
  }

  /** The mounts that stand on this one; a live view. */
  Iterable<Mount> children() {
    return children.values();
  }

  boolean hasChildren() {
    return !children.isEmpty();
  }

  /** Hangs it up; under the mount lock. */
  void attach(Mount parent, Dentry mountpoint, MountNamespace namespace) {
    this.parent = parent;
    this.mountpoint = mountpoint;
    this.namespace = namespace;
    if (parent != null) {
      mountpoint.mountsChanged(1);
      parent.children.put(mountpoint, this);
    }
    vfs.peerGroups().join(this);
  }

  /** Takes it down; under the mount lock. */
  void detach() {
    vfs.peerGroups().leave(this);
    if (parent != null) {
      parent.children.remove(mountpoint, this);
      mountpoint.mountsChanged(-1);
    }
    parent = null;
    mountpoint = null;
    namespace = null;
  }

  /** Something uses the mount without a file: a current or root directory. */
  void pin() {
    pins.getAndIncrement();
  }

  /** The last one lets go of the superblock: what was unmounted lazily lives on while it is used. */
  void unpin() {
    if (pins.decrementAndGet() == 0) {
      superblock.unmounted();
    }
  }

  /** Whether files are open or directories are in use. */
  boolean isBusy() {
    return pins.get() > 1;
  }

  /** Whether files are open for writing. */
  boolean hasWriters() {
    return writers.get() > 0;
  }

  /** A file of this mount was opened. */
  void fileOpened(FileDescription file) {
    pin();
    if (file.isWritable()) {
      writers.getAndIncrement();
    }
  }

  /** An open file of this mount is gone. */
  void fileClosed(FileDescription file) {
    if (file.isWritable()) {
      writers.getAndDecrement();
    }
    unpin();
  }
}
