package gvisor.sentry.fs.gofer;

import static gvisor.api.errno.Errno.EISDIR;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EXDEV;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.p9.FileAttr;
import gvisor.api.p9.P9;
import gvisor.api.p9.P9Client;
import gvisor.sentry.vfs.BoundSocket;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.OpenFlags;
import java.lang.ref.SoftReference;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A directory. Names are asked for one at a time until it is clear that many of them are wanted: then the directory is
 * read whole, with the attributes of its entries, and answers lookups, misses above all, by itself.
 */
final class GoferDirectory extends GoferInode {
  /** So many names are asked for one at a time: one costs what ten entries of a listing cost. */
  private static final int LIST_AFTER = 40;

  /** Larger directories are not read for the sake of lookups. */
  private static final int MAX_LISTED = 8192;

  private static final int AT_REMOVEDIR = 0x200;
  private static final int RENAME_NOREPLACE = 1;
  private static final int RENAME_EXCHANGE = 2;

  private final ReentrantLock listingLock = new ReentrantLock();

  /** Collected when the heap is short; guarded by {@link #listingLock}. */
  private SoftReference<DirectoryListing> listing;

  private int lookups;
  private boolean isTooLarge;

  GoferDirectory(GoferSuperblock sb, FileAttr attr, GoferDirectory parent, String name) {
    super(sb, attr, parent, name);
  }

  @Override
  public Inode lookup(Caller caller, String name) throws ErrnoException {
    listingLock.lock();
    try {
      DirectoryListing l = usableListing();
      if (l == null && sb.isExclusive && !isTooLarge && ++lookups > LIST_AFTER) {
        l = readListing(MAX_LISTED);
      }
      if (l != null) {
        FileAttr attr = l.entries.get(name);
        if (attr == null) {
          return null;
        }
        GoferInode known = sb.known(attr.qidPath);
        if (known != null && known.type() == attr.type()) {
          known.foundAt(this, name);
          return known;
        }
        if (!sb.isChanged(attr.qidPath)) {
          return sb.inode(attr, this, name);
        }
      }
    } finally {
      listingLock.unlock();
    }
    return walkTo(name);
  }

  @Override
  public boolean revalidate(String name, Inode child) throws ErrnoException {
    if (sb.isExclusive) {
      return true;
    }
    GoferInode known = (GoferInode) child;
    if (known != null && known.isFresh()) {
      return true;
    }
    int parentFid = acquireFid();
    try {
      FileAttr[] attrs = new FileAttr[1];
      int found = sb.client.walk(parentFid, P9.NO_FID, new String[] {name}, 1, attrs);
      if (found == 0) {
        return known == null;
      }
      if (known == null || attrs[0].qidPath != known.ino() || attrs[0].type() != known.type()) {
        return false;
      }
      known.attributesFromServer(attrs[0]);
      return true;
    } finally {
      releaseFid();
    }
  }

  @Override
  public Inode create(Caller caller, String name, int mode) throws ErrnoException {
    int directoryFid = acquireFid();
    try {
      int fid = sb.client.newFid();
      P9Client.Opened opened;
      try {
        opened = sb.client.create(directoryFid, fid, name, OpenFlags.O_RDWR, mode & 07777, caller.creds().fsuid(),
            newGroup(caller));
      } catch (ErrnoException e) {
        sb.client.forget(fid);
        throw e;
      }
      GoferInode made = added(name, opened.attr(), fid);
      made.held.offerFd(new SharedFd(opened.fd(), true));
      return made;
    } finally {
      releaseFid();
    }
  }

  @Override
  public Inode mkdir(Caller caller, String name, int mode) throws ErrnoException {
    int setGroup = mode() & 02000;
    return make(caller, name, S_IFDIR | mode & 07777 | setGroup, 0, "");
  }

  @Override
  public Inode mknod(Caller caller, String name, int mode, long rdev) throws ErrnoException {
    return make(caller, name, mode, rdev, "");
  }

  @Override
  public BoundSocket.Node bindSocket(Caller caller, String name, int permissions, int socketType)
      throws ErrnoException {
    if (sb.bindsNoSockets) {
      return super.bindSocket(caller, name, permissions, socketType);
    }
    int directoryFid = acquireFid();
    try {
      int fid = sb.client.newFid();
      P9Client.Opened bound;
      try {
        bound = sb.client.bind(directoryFid, fid, name, socketType, permissions, caller.creds().fsuid(),
            newGroup(caller));
      } catch (ErrnoException e) {
        sb.client.forget(fid);
        if (e.errno() != EOPNOTSUPP) {
          throw e;
        }
        sb.bindsNoSockets = true;
        return super.bindSocket(caller, name, permissions, socketType);
      }
      GoferInode made = sb.inode(bound.attr(), this, name);
      entryAdded(name, bound.attr());
      return new BoundSocket.Node(made, new GoferListener(sb.client, fid, bound.fd()));
    } finally {
      releaseFid();
    }
  }

  /** A socket that the gofer has bound; the fid is its alone. */
  private record GoferListener(P9Client client, int fid, HostFd fd) implements BoundSocket.Host {
    @Override
    public void listen(int backlog) throws ErrnoException {
      client.listen(fid, backlog);
    }

    @Override
    public void close() {
      fd.close();
      client.clunkNow(fid);
    }
  }

  @Override
  public Inode symlink(Caller caller, String name, String target) throws ErrnoException {
    return make(caller, name, S_IFLNK | 0777, 0, target);
  }

  @Override
  public void link(Caller caller, String name, Inode target) throws ErrnoException {
    GoferInode file = (GoferInode) target;
    int directoryFid = acquireFid();
    try {
      int fid = file.acquireFid();
      try {
        sb.client.link(directoryFid, fid, name);
      } finally {
        file.releaseFid();
      }
    } finally {
      releaseFid();
    }
    file.nameAdded();
    FileAttr attr = new FileAttr();
    attr.qidPath = file.ino();
    attr.mode = file.mode();
    entryAdded(name, attr);
  }

  @Override
  public void unlink(Caller caller, String name, Inode child) throws ErrnoException {
    remove(name, (GoferInode) child, 0);
  }

  @Override
  public void rmdir(Caller caller, String name, Inode child) throws ErrnoException {
    remove(name, (GoferInode) child, AT_REMOVEDIR);
  }

  @Override
  public void rename(Caller caller, String oldName, Inode child, Inode newDir, String newName, Inode replaced, int flags)
      throws ErrnoException {
    if (!(newDir instanceof GoferDirectory to) || to.sb != sb) {
      throw EXDEV.error();
    }
    GoferInode moved = (GoferInode) child;
    GoferInode target = (GoferInode) replaced;
    boolean isExchange = (flags & RENAME_EXCHANGE) != 0;
    if (target != null && !isExchange) {
      target.pinForUnlink();
    }
    int fromFid = acquireFid();
    try {
      int toFid = to.acquireFid();
      try {
        sb.client.rename(fromFid, oldName, toFid, newName, flags & (RENAME_NOREPLACE | RENAME_EXCHANGE));
      } finally {
        to.releaseFid();
      }
    } finally {
      releaseFid();
    }
    FileAttr movedAttr = entryRemoved(oldName);
    FileAttr targetAttr = to.entryRemoved(newName);
    moved.foundAt(to, newName);
    moved.changed();
    to.entryAdded(newName, movedAttr);
    if (target != null && isExchange) {
      target.foundAt(this, oldName);
      target.changed();
      entryAdded(oldName, targetAttr);
    } else if (target != null) {
      target.nameRemoved(to, newName);
    }
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) throws ErrnoException {
    if ((flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY) {
      throw EISDIR.error();
    }
    Dentry parent = dentry.parent();
    return new GoferDirectoryFile(this, parent == null ? ino() : parent.inode().ino());
  }

  /** All entries as of now. */
  Entries entries() throws ErrnoException {
    listingLock.lock();
    try {
      DirectoryListing l = usableListing();
      if (l == null) {
        l = readListing(Integer.MAX_VALUE);
      }
      return new Entries(l);
    } finally {
      listingLock.unlock();
    }
  }

  /** What an open directory reads from: a copy, so that removing while reading skips nothing. */
  static final class Entries {
    final String[] names;
    final long[] inos;
    final byte[] types;

    private Entries(DirectoryListing l) {
      int count = l.entries.size();
      names = new String[count];
      inos = new long[count];
      types = new byte[count];
      int i = 0;
      for (var e : l.entries.entrySet()) {
        names[i] = e.getKey();
        inos[i] = e.getValue().qidPath;
        types[i] = (byte) (e.getValue().type() >>> 12);
        i++;
      }
    }
  }

  private Inode walkTo(String name) throws ErrnoException {
    int parentFid = acquireFid();
    try {
      int fid = sb.client.newFid();
      FileAttr[] attrs = new FileAttr[1];
      int found;
      try {
        found = sb.client.walk(parentFid, fid, new String[] {name}, 1, attrs);
      } catch (ErrnoException e) {
        sb.client.forget(fid);
        throw e;
      }
      if (found == 0) {
        sb.client.forget(fid);
        return null;
      }
      GoferInode inode = sb.inode(attrs[0], this, name);
      inode.adoptFid(fid);
      return inode;
    } finally {
      releaseFid();
    }
  }

  private Inode make(Caller caller, String name, int mode, long rdev, String target) throws ErrnoException {
    int directoryFid = acquireFid();
    try {
      int fid = sb.client.newFid();
      FileAttr attr;
      try {
        attr = sb.client.make(directoryFid, fid, name, mode, caller.creds().fsuid(), newGroup(caller),
            DeviceNumbers.major(rdev), DeviceNumbers.minor(rdev), target);
      } catch (ErrnoException e) {
        sb.client.forget(fid);
        throw e;
      }
      return added(name, attr, fid);
    } finally {
      releaseFid();
    }
  }

  /** A set-group-id directory hands its group on. */
  private int newGroup(Caller caller) {
    return (mode() & 02000) != 0 ? gid() : caller.creds().fsgid();
  }

  private GoferInode added(String name, FileAttr attr, int fid) {
    GoferInode made = sb.inode(attr, this, name);
    made.adoptFid(fid);
    entryAdded(name, attr);
    return made;
  }

  private void remove(String name, GoferInode child, int flags) throws ErrnoException {
    child.pinForUnlink();
    int fid = acquireFid();
    try {
      sb.client.unlink(fid, name, flags);
    } finally {
      releaseFid();
    }
    entryRemoved(name);
    child.nameRemoved(this, name);
  }

  /** @param attr null when it is not known, which makes the listing useless */
  private void entryAdded(String name, FileAttr attr) {
    changed();
    listingLock.lock();
    try {
      DirectoryListing l = usableListing();
      if (attr == null) {
        listing = null;
      } else if (l != null) {
        l.entries.put(name, attr);
      }
    } finally {
      listingLock.unlock();
    }
  }

  /** @return the attributes the listing had, or null */
  private FileAttr entryRemoved(String name) {
    changed();
    listingLock.lock();
    try {
      DirectoryListing l = usableListing();
      return l == null ? null : l.entries.remove(name);
    } finally {
      listingLock.unlock();
    }
  }

  /** The listing if it can still be believed; {@link #listingLock} is held. */
  private DirectoryListing usableListing() {
    DirectoryListing l = listing == null ? null : listing.get();
    if (l == null || l.epoch != sb.listingEpoch()
        || !sb.isExclusive && sb.clock.monotonicNanos() - l.readNanos > GoferSuperblock.SHARED_TTL_NANOS) {
      listing = null;
      return null;
    }
    return l;
  }

  /** Reads the directory; null when it has more than {@code max} entries. {@link #listingLock} is held. */
  private DirectoryListing readListing(int max) throws ErrnoException {
    DirectoryListing l = new DirectoryListing(sb.listingEpoch(), sb.clock.monotonicNanos());
    long[] next = new long[1];
    P9Client.EntrySink sink = (name, attr, offset) -> {
      l.entries.put(name, attr);
      next[0] = offset;
    };
    int fid = acquireFid();
    try {
      while (sb.client.readDirectory(fid, next[0], sink) > 0) {
        if (l.entries.size() > max) {
          isTooLarge = true;
          return null;
        }
      }
    } finally {
      releaseFid();
    }
    lookups = 0;
    listing = new SoftReference<>(l);
    return l;
  }
}
