package gvisor.sentry.fs.gofer;

import static gvisor.api.errno.Errno.ENODATA;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.ERANGE;
import static gvisor.api.errno.Errno.ESTALE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.abi.Stat;
import gvisor.api.errno.ErrnoException;
import gvisor.api.p9.FileAttr;
import gvisor.api.p9.P9;
import gvisor.api.p9.P9Client;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.OwnedInode;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/** A file of any type: its attributes, its fid, extended attributes. */
abstract class GoferInode extends OwnedInode {
  private static final long NANOS = 1_000_000_000L;
  private static final int MAX_XATTR = 0x10000;
  private static final String[] NO_NAMES = new String[0];

  final GoferSuperblock sb;
  final Held held;

  /** Guards the attributes as a whole; held during the round trip that refreshes them. */
  final ReentrantLock attrLock = new ReentrantLock();

  private long nlink;
  private long rdev;
  private long blocks;
  private long blockSize;
  private long atime;
  private long mtime;
  private long ctime;

  /** When the server last told of the file, by the monotonic clock. */
  private volatile long toldNanos;

  /** A way to the file, while it has a name. */
  private volatile Place place;

  /** Known not to have extended attributes; exclusive trees only. */
  private volatile boolean hasNoXattrs;

  /** The listing epoch in which listings were told of a change. */
  private volatile int changedEpoch = -1;

  private record Place(GoferDirectory parent, String name) {}

  GoferInode(GoferSuperblock sb, FileAttr attr, GoferDirectory parent, String name) {
    super(sb, attr.qidPath, attr.mode, attr.uid, attr.gid);
    this.sb = sb;
    this.held = new Held(sb);
    this.place = parent == null ? null : new Place(parent, name);
    take(attr);
  }

  @Override
  public final void stat(StatBuf out) throws ErrnoException {
    attrLock.lock();
    try {
      refresh();
      statOwned(out);
      out.nlink = (int) nlink;
      out.rdev = rdev;
      out.size = held.size;
      out.blockSize = (int) blockSize;
      out.blocks = blocks;
      out.atime = atime;
      out.mtime = mtime;
      out.ctime = ctime;
      out.btime = 0;
    } finally {
      attrLock.unlock();
    }
  }

  @Override
  public void setAttr(Caller caller, SetAttr change) throws ErrnoException {
    gvisor.api.p9.SetAttr wire = new gvisor.api.p9.SetAttr();
    if ((change.valid & SetAttr.MODE) != 0) {
      wire.valid |= P9.SET_MODE;
      wire.mode = change.mode;
    }
    if ((change.valid & SetAttr.UID) != 0) {
      wire.valid |= P9.SET_UID;
      wire.uid = change.uid;
    }
    if ((change.valid & SetAttr.GID) != 0) {
      wire.valid |= P9.SET_GID;
      wire.gid = change.gid;
    }
    if ((change.valid & SetAttr.SIZE) != 0) {
      wire.valid |= P9.SET_SIZE;
      wire.size = change.size;
    }
    if ((change.valid & SetAttr.ATIME) != 0) {
      wire.valid |= P9.SET_ATIME | P9.SET_ATIME_SET;
      wire.atimeSeconds = Math.floorDiv(change.atime, NANOS);
      wire.atimeNanos = Math.floorMod(change.atime, NANOS);
    }
    if ((change.valid & SetAttr.MTIME) != 0) {
      wire.valid |= P9.SET_MTIME | P9.SET_MTIME_SET;
      wire.mtimeSeconds = Math.floorDiv(change.mtime, NANOS);
      wire.mtimeNanos = Math.floorMod(change.mtime, NANOS);
    }
    if (wire.valid != 0) {
      send(wire);
    }
  }

  /** Has the server change attributes. */
  final void send(gvisor.api.p9.SetAttr wire) throws ErrnoException {
    attrLock.lock();
    try {
      int fid = acquireFid();
      try {
        take(sb.client.setAttr(fid, wire));
      } finally {
        releaseFid();
      }
      sb.attributesChanged(ino());
    } finally {
      attrLock.unlock();
    }
  }

  @Override
  public final byte[] getXattr(Caller caller, String name) throws ErrnoException {
    if (!isServed(name)) {
      return unserved(name);
    }
    if (hasNoXattrs || sb.isExclusive && listXattr(caller).length == 0) {
      return null;
    }
    int fid = acquireFid();
    try {
      byte[] value = new byte[256];
      while (true) {
        try {
          return Arrays.copyOf(value, sb.client.getXattr(fid, name, value));
        } catch (ErrnoException e) {
          if (e.errno() == ENODATA) {
            return null;
          }
          if (e.errno() != ERANGE || value.length >= MAX_XATTR) {
            throw e;
          }
        }
        value = new byte[value.length * 16];
      }
    } finally {
      releaseFid();
    }
  }

  @Override
  public final void setXattr(Caller caller, String name, byte[] value, int flags) throws ErrnoException {
    if (!isServed(name)) {
      throw EOPNOTSUPP.error();
    }
    int fid = acquireFid();
    try {
      sb.client.setXattr(fid, name, value, value.length, flags);
      hasNoXattrs = false;
      changed();
    } finally {
      releaseFid();
    }
  }

  @Override
  public final String[] listXattr(Caller caller) throws ErrnoException {
    if (hasNoXattrs || !isRegular() && !isDirectory()) {
      return NO_NAMES;
    }
    byte[] names = new byte[256];
    int length = -1;
    int fid = acquireFid();
    try {
      while (length < 0) {
        try {
          length = sb.client.listXattr(fid, names);
        } catch (ErrnoException e) {
          if (e.errno() == EOPNOTSUPP) {
            length = 0;
          } else if (e.errno() != ERANGE || names.length >= MAX_XATTR) {
            throw e;
          } else {
            names = new byte[names.length * 16];
          }
        }
      }
    } finally {
      releaseFid();
    }
    if (length == 0) {
      hasNoXattrs = sb.isExclusive;
      return NO_NAMES;
    }
    return new String(names, 0, length, StandardCharsets.ISO_8859_1).split("\0");
  }

  @Override
  public final void removeXattr(Caller caller, String name) throws ErrnoException {
    if (!isServed(name)) {
      throw name.startsWith("trusted.") ? ENODATA.error() : EOPNOTSUPP.error();
    }
    int fid = acquireFid();
    try {
      sb.client.removeXattr(fid, name);
      changed();
    } finally {
      releaseFid();
    }
  }

  /** Whether the gofer would tell of such an attribute at all; asking is saved for the others. */
  private static boolean isServed(String name) {
    return name.startsWith("user.") || name.equals("security.capability");
  }

  private static byte[] unserved(String name) throws ErrnoException {
    if (name.startsWith("trusted.")) {
      return null;
    }
    throw EOPNOTSUPP.error();
  }

  /**
   * The fid, walked to if there is none; {@link #releaseFid} must follow.
   *
   * @throws ErrnoException ENOENT when it was removed; ESTALE when it cannot be found any more
   */
  final int acquireFid() throws ErrnoException {
    held.lock.lock();
    try {
      if (held.fid != P9.NO_FID) {
        held.fidUsers++;
        return held.fid;
      }
    } finally {
      held.lock.unlock();
    }
    int walked = walkHere();
    int unused = P9.NO_FID;
    int fid;
    held.lock.lock();
    try {
      if (held.fid == P9.NO_FID) {
        held.fid = walked;
      } else {
        unused = walked;
      }
      held.fidUsers++;
      fid = held.fid;
    } finally {
      held.lock.unlock();
    }
    if (unused != P9.NO_FID) {
      sb.client.clunk(unused);
    } else {
      sb.used(held);
    }
    return fid;
  }

  /** Ends the use of the fid, and keeps the inode from being collected until here. */
  final void releaseFid() {
    held.lock.lock();
    held.fidUsers--;
    held.lock.unlock();
  }

  private int walkHere() throws ErrnoException {
    Place p = place;
    if (p == null || held.isUnlinked) {
      throw held.isGone ? ENOENT.error() : ESTALE.error();
    }
    int parentFid = p.parent.acquireFid();
    try {
      int fid = sb.client.newFid();
      FileAttr[] attrs = new FileAttr[1];
      int found;
      try {
        found = sb.client.walk(parentFid, fid, new String[] {p.name}, 1, attrs);
      } catch (ErrnoException e) {
        sb.client.forget(fid);
        throw e;
      }
      if (found == 0) {
        sb.client.forget(fid);
        throw ESTALE.error();
      }
      if (attrs[0].qidPath != ino()) {
        sb.client.clunk(fid);
        throw ESTALE.error();
      }
      return fid;
    } finally {
      p.parent.releaseFid();
    }
  }

  /**
   * Walks to the file and opens it in one round trip, if it has no fid and a name is known; null otherwise.
   *
   * @throws ErrnoException ESTALE when the name leads to another file by now
   */
  final P9Client.Opened walkAndOpen(int flags) throws ErrnoException {
    Place p = place;
    held.lock.lock();
    boolean hasFid = held.fid != P9.NO_FID;
    held.lock.unlock();
    if (hasFid || p == null || held.isUnlinked) {
      return null;
    }
    int parentFid = p.parent.acquireFid();
    try {
      int fid = sb.client.newFid();
      P9Client.Opened opened;
      try {
        opened = sb.client.walkOpen(parentFid, fid, p.name, flags);
      } catch (ErrnoException e) {
        sb.client.forget(fid);
        throw e.errno() == ENOENT ? ESTALE.error() : e;
      }
      if (opened.attr().qidPath != ino()) {
        opened.fd().close();
        sb.client.clunk(fid);
        throw ESTALE.error();
      }
      adoptFid(fid);
      return opened;
    } finally {
      p.parent.releaseFid();
    }
  }

  /** Takes over a fid that was bound to this file; gives it back when there is one already. */
  final void adoptFid(int fid) {
    boolean unused;
    held.lock.lock();
    try {
      unused = held.fid != P9.NO_FID;
      if (!unused) {
        held.fid = fid;
      }
    } finally {
      held.lock.unlock();
    }
    if (unused) {
      sb.client.clunk(fid);
    } else {
      sb.used(held);
    }
  }

  /** The file is called {@code name} in {@code parent}. */
  final void foundAt(GoferDirectory parent, String name) {
    Place p = place;
    if (p == null || p.parent != parent || !p.name.equals(name)) {
      attrLock.lock();
      try {
        if (nlink > 0) {
          place = new Place(parent, name);
          held.isUnlinked = false;
        }
      } finally {
        attrLock.unlock();
      }
    }
  }

  /** Makes sure that the file can be reached after one of its names is gone, if anybody may want to. */
  final void pinForUnlink() throws ErrnoException {
    boolean isWanted;
    if (!sb.isExclusive && !isDirectory()) {
      // Others may have given it more names, or taken some.
      attrLock.lock();
      try {
        refresh();
      } finally {
        attrLock.unlock();
      }
    }
    held.lock.lock();
    try {
      isWanted = held.fid == P9.NO_FID && (held.opens > 0 || nlink > 1);
    } finally {
      held.lock.unlock();
    }
    if (isWanted) {
      acquireFid();
      releaseFid();
    }
  }

  /** It was given one more name. */
  final void nameAdded() {
    attrLock.lock();
    try {
      nlink++;
    } finally {
      attrLock.unlock();
    }
    changed();
  }

  /** The name it had in {@code parent} was taken away. */
  final void nameRemoved(GoferDirectory parent, String name) {
    attrLock.lock();
    try {
      nlink = isDirectory() ? 0 : Math.max(0, nlink - 1);
      ctime = sb.clock.realtimeNanos();
      Place p = place;
      if (nlink == 0) {
        held.isUnlinked = true;
        held.isGone = true;
        sb.forget(this);
      } else {
        if (p != null && p.parent == parent && p.name.equals(name)) {
          // The fid, which was made sure of before, is the one way left that is known.
          held.isUnlinked = true;
        }
        changed();
      }
    } finally {
      attrLock.unlock();
    }
    held.releaseIfGone();
  }

  /** The file was changed through us: what is known of it and what listings say is old. */
  final void changed() {
    held.isStale = true;
    int epoch = sb.listingEpoch();
    if (changedEpoch != epoch) {
      sb.attributesChanged(ino());
      changedEpoch = epoch;
    }
  }

  /** The server has told of the file by the way. */
  final void attributesFromServer(FileAttr attr) {
    if (sb.isExclusive || held.isStale) {
      // What is known is as good; or the message may have been overtaken by a write.
      return;
    }
    attrLock.lock();
    try {
      take(attr);
    } finally {
      attrLock.unlock();
    }
  }

  /** Whether what is known is as good as asking. */
  final boolean isFresh() {
    return !held.isStale && (sb.isExclusive || sb.clock.monotonicNanos() - toldNanos < GoferSuperblock.SHARED_TTL_NANOS);
  }

  /** Asks again if need be; {@link #attrLock} is held. */
  final void refresh() throws ErrnoException {
    if (isFresh()) {
      return;
    }
    boolean isKnownToGofer = !held.isUnlinked || held.fid != P9.NO_FID;
    SharedFd fd = sb.isMapped && isKnownToGofer ? null : held.acquireFd(false);
    if (fd != null) {
      try {
        takeStat(fd);
      } finally {
        fd.release();
      }
      return;
    }
    if (!isKnownToGofer) {
      return;
    }
    held.isStale = false;
    int fid = acquireFid();
    try {
      take(sb.client.getAttr(fid));
    } finally {
      releaseFid();
    }
  }

  private void take(FileAttr a) {
    toldNanos = sb.clock.monotonicNanos();
    setMode(a.mode);
    setOwner(a.uid, a.gid);
    nlink = a.nlink;
    rdev = a.rdev;
    blocks = a.blocks;
    blockSize = a.blockSize;
    atime = a.atimeSeconds * NANOS + a.atimeNanos;
    contentAt(a.size, a.mtimeSeconds * NANOS + a.mtimeNanos);
    ctime = a.ctimeSeconds * NANOS + a.ctimeNanos;
  }

  private void takeStat(SharedFd fd) throws ErrnoException {
    MemorySegment stat = MemorySegment.ofArray(new byte[Stat.SIZE]);
    held.isStale = false;
    fd.fd.fstat(stat);
    toldNanos = sb.clock.monotonicNanos();
    setMode(stat.get(JAVA_INT_UNALIGNED, Stat.ST_MODE));
    if (!sb.isMapped) {
      setOwner(stat.get(JAVA_INT_UNALIGNED, Stat.ST_UID), stat.get(JAVA_INT_UNALIGNED, Stat.ST_GID));
    }
    nlink = stat.get(JAVA_LONG_UNALIGNED, Stat.ST_NLINK);
    blocks = stat.get(JAVA_LONG_UNALIGNED, Stat.ST_BLOCKS);
    blockSize = stat.get(JAVA_LONG_UNALIGNED, Stat.ST_BLKSIZE);
    atime = time(stat, Stat.ST_ATIME);
    contentAt(stat.get(JAVA_LONG_UNALIGNED, Stat.ST_SIZE), time(stat, Stat.ST_MTIME));
    ctime = time(stat, Stat.ST_CTIME);
  }

  private static long time(MemorySegment stat, long at) {
    return stat.get(JAVA_LONG_UNALIGNED, at) * NANOS + stat.get(JAVA_LONG_UNALIGNED, at + 8);
  }

  private void contentAt(long size, long newMtime) {
    boolean isOther = !sb.isExclusive && mtime != 0 && (size != held.size || newMtime != mtime);
    held.size = size;
    mtime = newMtime;
    if (isOther) {
      contentMayDiffer();
    }
  }

  /** Somebody else may have changed the content. Called with {@link #attrLock} held. */
  void contentMayDiffer() {}
}
