package gvisor.sentry.fs.gofer;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostClock;
import gvisor.api.p9.FileAttr;
import gvisor.api.p9.FsStat;
import gvisor.api.p9.P9Client;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.StatFs;
import gvisor.sentry.vfs.Superblock;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/** One attach point of a gofer. Thread-safe. */
final class GoferSuperblock extends Superblock {
  /** How many inodes that nobody has open keep a fid and a descriptor; each costs one in both processes. */
  private static final int MAX_IDLE = 2000;

  /** How many of the idle list are looked at for one to give up. */
  private static final int PATIENCE = 16;

  /** When more files than this were changed, listings are forgotten instead of remembering which entries are old. */
  private static final int MAX_CHANGED = 50_000;

  /** How long names of a tree that others change, too, are believed. */
  static final long SHARED_TTL_NANOS = 20_000_000;

  final P9Client client;
  final PageAllocator pages;
  final HostClock clock;
  final CacheBudget budget;

  /** Nobody else changes the tree. */
  final boolean isExclusive;

  /** Owners are what the gofer says, not what its descriptors say. */
  final boolean isMapped;

  /** The gofer has refused to open a fifo: they are this kernel's own. */
  volatile boolean hasNoFifos;

  /** The gofer has refused to bind a socket: those of applications are this kernel's alone. */
  volatile boolean bindsNoSockets;

  private final ConcurrentHashMap<Long, InodeRef> inodes = new ConcurrentHashMap<>();
  private final ReferenceQueue<GoferInode> collected = new ReferenceQueue<>();

  /** References to files without a name: kept, or the collector would not tell of them. */
  private final Set<InodeRef> orphans = ConcurrentHashMap.newKeySet();

  /** Files that were changed since their directories were listed, so that the listing's attributes are old. */
  private final Set<Long> changed = ConcurrentHashMap.newKeySet();

  private volatile int listingEpoch;
  private final ReentrantLock idleLock = new ReentrantLock();

  /** Who holds a fid, the one used longest ago first; guarded by {@link #idleLock}. */
  private final LinkedHashSet<Held> idle = new LinkedHashSet<>();

  private final GoferInode root;

  /** How the superblock knows an inode. */
  private static final class InodeRef extends WeakReference<GoferInode> {
    final Held held;
    final long qidPath;

    InodeRef(GoferInode inode, ReferenceQueue<GoferInode> queue) {
      super(inode, queue);
      held = inode.held;
      qidPath = inode.ino();
    }
  }

  GoferSuperblock(long dev, P9Client client, String attachName, PageAllocator pages, HostClock clock,
      CacheBudget budget, boolean isExclusive, boolean isMapped) throws ErrnoException {
    super(dev);
    this.client = client;
    this.pages = pages;
    this.clock = clock;
    this.budget = budget;
    this.isExclusive = isExclusive;
    this.isMapped = isMapped;
    int fid = client.newFid();
    FileAttr attr = client.attach(fid, attachName);
    root = newInode(attr, null, null);
    root.held.fid = fid;
    // The attach point can be reached through its fid alone.
    root.held.isUnlinked = true;
    inodes.put(root.ino(), new InodeRef(root, collected));
  }

  @Override
  public String typeName() {
    return "9p";
  }

  @Override
  public Inode root() {
    return root;
  }

  @Override
  public void statfs(StatFs out) throws ErrnoException {
    int fid = root.acquireFid();
    FsStat s;
    try {
      s = client.statFs(fid);
    } finally {
      root.releaseFid();
    }
    // Linux: V9FS_MAGIC. Here, too, so that programs that ask are not told of a file system the kernel does not have.
    out.type = 0x01021997;
    out.blockSize = Integer.toUnsignedLong(s.blockSize());
    out.fragmentSize = out.blockSize;
    out.blocks = s.blocks();
    out.blocksFree = s.freeBlocks();
    out.blocksAvailable = s.availableBlocks();
    out.files = s.files();
    out.filesFree = s.freeFiles();
    out.nameLength = Integer.toUnsignedLong(s.maxName());
  }

  @Override
  public void sync() throws ErrnoException {
    for (InodeRef ref : inodes.values()) {
      PageCache cache = ref.held.cache();
      if (cache != null) {
        cache.writeBack(0, Long.MAX_VALUE);
      }
    }
  }

  @Override
  public void release() {
    for (InodeRef ref : inodes.values()) {
      ref.held.close();
    }
    inodes.clear();
    for (InodeRef ref : orphans) {
      ref.held.close();
    }
    orphans.clear();
  }

  /** The inode for a file that the server has just told of; {@code parent} and {@code name} lead to it. */
  GoferInode inode(FileAttr attr, GoferDirectory parent, String name) {
    drainCollected();
    while (true) {
      InodeRef ref = inodes.get(attr.qidPath);
      GoferInode known = ref == null ? null : ref.get();
      if (known != null && known.type() == attr.type()) {
        known.foundAt(parent, name);
        known.attributesFromServer(attr);
        return known;
      }
      // Absent, collected, or a number the server uses again for another file.
      GoferInode made = newInode(attr, parent, name);
      InodeRef fresh = new InodeRef(made, collected);
      boolean won = ref == null ? inodes.putIfAbsent(attr.qidPath, fresh) == null
          : inodes.replace(attr.qidPath, ref, fresh);
      if (won) {
        return made;
      }
    }
  }

  /** The inode with {@code qidPath} if somebody has it; its attributes are newer than any listing's. */
  GoferInode known(long qidPath) {
    InodeRef ref = inodes.get(qidPath);
    return ref == null ? null : ref.get();
  }

  /** The last name of {@code inode} is gone: its number may come back for another file. */
  void forget(GoferInode inode) {
    InodeRef ref = inodes.get(inode.ino());
    if (ref != null && ref.get() == inode) {
      inodes.remove(inode.ino(), ref);
      orphans.add(ref);
    }
  }

  /** The attributes of {@code qidPath} changed: those in listings are old. */
  void attributesChanged(long qidPath) {
    if (changed.add(qidPath) && changed.size() > MAX_CHANGED) {
      listingEpoch++;
      changed.clear();
    }
  }

  boolean isChanged(long qidPath) {
    return changed.contains(qidPath);
  }

  int listingEpoch() {
    return listingEpoch;
  }

  /** {@code held} has a fid and was used now; the one used longest ago may have to give its own up. */
  void used(Held held) {
    Held[] candidates = null;
    idleLock.lock();
    try {
      idle.remove(held);
      idle.add(held);
      if (idle.size() > MAX_IDLE) {
        candidates = new Held[PATIENCE];
        Iterator<Held> i = idle.iterator();
        for (int n = 0; n < PATIENCE && i.hasNext(); n++) {
          candidates[n] = i.next();
          i.remove();
        }
      }
    } finally {
      idleLock.unlock();
    }
    if (candidates != null) {
      relaxOneOf(candidates);
    }
  }

  private void relaxOneOf(Held[] candidates) {
    int given = 0;
    boolean[] kept = new boolean[candidates.length];
    for (int n = 0; n < candidates.length; n++) {
      kept[n] = candidates[n] != null && (given > 1 || !candidates[n].tryRelax());
      given += kept[n] ? 0 : 1;
    }
    idleLock.lock();
    try {
      for (int n = 0; n < candidates.length; n++) {
        if (kept[n]) {
          idle.add(candidates[n]);
        }
      }
    } finally {
      idleLock.unlock();
    }
  }

  private void drainCollected() {
    for (Object o = collected.poll(); o != null; o = collected.poll()) {
      InodeRef ref = (InodeRef) o;
      inodes.remove(ref.qidPath, ref);
      orphans.remove(ref);
      idleLock.lock();
      try {
        idle.remove(ref.held);
      } finally {
        idleLock.unlock();
      }
      ref.held.close();
    }
  }

  private GoferInode newInode(FileAttr attr, GoferDirectory parent, String name) {
    return switch (attr.type()) {
      case Inode.S_IFDIR -> new GoferDirectory(this, attr, parent, name);
      case Inode.S_IFREG -> new GoferRegular(this, attr, parent, name);
      case Inode.S_IFLNK -> new GoferSymlink(this, attr, parent, name);
      default -> new GoferSpecial(this, attr, parent, name);
    };
  }
}
