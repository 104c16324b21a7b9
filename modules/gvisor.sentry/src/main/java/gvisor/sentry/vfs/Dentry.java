package gvisor.sentry.vfs;

import gvisor.api.errno.ErrnoException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A name in a directory and what it leads to. Like Linux {@code struct dentry}. A dentry without an inode is negative:
 * it remembers that the name does not exist.
 *
 * <p>Children are found without a lock. They are held weakly, so a directory has one dentry as long as anybody uses it
 * (an open file, a current directory, a mount, a child), and the garbage collector takes the others once the
 * superblock's {@link DentryCache} has forgotten them. Names of a directory change under its {@link #lock}, which ranks
 * below the mount lock and the superblock's rename lock, and above the locks of inodes.
 */
public final class Dentry {
  private static final VarHandle CHILDREN;

  static {
    try {
      CHILDREN = MethodHandles.lookup().findVarHandle(Dentry.class, "children", ConcurrentHashMap.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Parent and name belong together: they change as one. */
  private record Place(Dentry parent, String name) {}

  private final Inode inode;
  private final ReentrantLock directoryLock;
  private volatile Place place;
  private volatile ConcurrentHashMap<String, DentryRef> children;
  private volatile boolean deleted;
  private volatile int mounts;

  static final int NOT_KEPT = -1;

  /** Where the superblock's cache keeps it; guarded by the cache. */
  int cacheSlot = NOT_KEPT;

  /** Set by every lookup, cleared by the cache's hand. A lost update costs one lookup. */
  boolean recentlyUsed;

  /** @param parent null for the root of a file system and for anonymous files */
  public Dentry(Dentry parent, String name, Inode inode) {
    this.place = new Place(parent, name);
    this.inode = inode;
    this.directoryLock = inode != null && inode.isDirectory() ? new ReentrantLock() : null;
  }

  public Dentry parent() {
    return place.parent;
  }

  public String name() {
    return place.name;
  }

  /** What the name leads to; null when it is negative. */
  public Inode inode() {
    return inode;
  }

  public boolean isNegative() {
    return inode == null;
  }

  /** Whether the name was taken away: {@code /proc/self/fd} shows it as deleted, and nothing can be made below it. */
  public boolean isDeleted() {
    return deleted;
  }

  /** Whether some mount, of any namespace, stands on it. */
  public boolean isMountpoint() {
    return mounts != 0;
  }

  /** Counts the mounts on it; under the mount lock. */
  void mountsChanged(int by) {
    mounts += by;
  }

  /** Guards which names the directory has. Like the {@code i_rwsem} of a directory. */
  ReentrantLock lock() {
    return directoryLock;
  }

  /** Whether {@code other} is this dentry or lies below it. */
  boolean isAncestorOf(Dentry other) {
    for (Dentry d = other; d != null; d = d.parent()) {
      if (d == this) {
        return true;
      }
    }
    return false;
  }

  /**
   * The child called {@code name}, which may be negative; asks the file system when the tree does not know.
   *
   * @throws ErrnoException ENOTDIR, or what the file system's lookup gives
   */
  Dentry lookup(Caller caller, String name) throws ErrnoException {
    Dentry child = cached(name);
    if (child != null && inode.cachesLookups() && inode.revalidate(name, child.inode)) {
      child.recentlyUsed = true;
      return child;
    }
    return lookupSlow(caller, name);
  }

  private Dentry lookupSlow(Caller caller, String name) throws ErrnoException {
    if (directoryLock == null) {
      throw gvisor.api.errno.Errno.ENOTDIR.error();
    }
    directoryLock.lock();
    try {
      return lookupLocked(caller, name);
    } finally {
      directoryLock.unlock();
    }
  }

  /** As {@link #lookup}, with {@link #lock} held: the answer stays true until it is released. */
  Dentry lookupLocked(Caller caller, String name) throws ErrnoException {
    Dentry child = cached(name);
    boolean caching = inode.cachesLookups();
    if (child != null && caching && inode.revalidate(name, child.inode)) {
      return child;
    }
    Inode found = deleted ? null : inode.lookup(caller, name);
    if (child != null) {
      // What has a mount on it stays: a file system that makes a new object for the old name cannot lose the mount.
      if (child.inode == found || found != null && child.isMountpoint() && child.inode.ino() == found.ino()) {
        return child;
      }
      drop(child);
    }
    Dentry made = new Dentry(this, name, found);
    if (found != null || caching) {
      add(made, caching);
    }
    return made;
  }

  private Dentry cached(String name) {
    ConcurrentHashMap<String, DentryRef> map = children;
    if (map == null) {
      return null;
    }
    DentryRef ref = map.get(name);
    return ref == null ? null : ref.get();
  }

  /** Puts a child just made into the tree, in place of a negative one; {@link #lock} is held. */
  void add(Dentry child) {
    add(child, inode.cachesLookups());
  }

  private void add(Dentry child, boolean keep) {
    ConcurrentHashMap<String, DentryRef> map = children;
    if (map == null) {
      ConcurrentHashMap<String, DentryRef> fresh = new ConcurrentHashMap<>(8);
      map = CHILDREN.compareAndSet(this, null, fresh) ? fresh : children;
    }
    DentryCache cache = inode.superblock().dentries();
    map.put(child.name(), new DentryRef(child, map, cache));
    if (keep) {
      cache.keep(child);
    }
  }

  /** Takes a child whose name is gone out of the tree; {@link #lock} is held. */
  void drop(Dentry child) {
    child.deleted = true;
    inode.superblock().dentries().forget(child);
    ConcurrentHashMap<String, DentryRef> map = children;
    if (map != null) {
      DentryRef ref = map.get(child.name());
      if (ref != null && ref.get() == child) {
        map.remove(child.name(), ref);
      }
    }
  }

  /** Gives a child another place; the locks of both directories are held. A dentry that was there is dropped. */
  void move(Dentry child, Dentry newParent, String newName) {
    Dentry replaced = newParent.cached(newName);
    if (replaced != null && replaced != child) {
      newParent.drop(replaced);
    }
    drop(child);
    child.place = new Place(newParent, newName);
    child.deleted = false;
    newParent.add(child);
  }

  /** Two dentries take each other's place; the locks of both directories are held. */
  static void exchange(Dentry a, Dentry b) {
    Place placeA = a.place;
    Place placeB = b.place;
    placeA.parent.drop(a);
    placeB.parent.drop(b);
    a.place = placeB;
    b.place = placeA;
    a.deleted = false;
    b.deleted = false;
    placeB.parent.add(a);
    placeA.parent.add(b);
  }
}
