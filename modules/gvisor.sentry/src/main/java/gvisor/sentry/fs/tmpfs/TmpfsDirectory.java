package gvisor.sentry.fs.tmpfs;

import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISDIR;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOSPC;
import static gvisor.api.errno.Errno.ENOTEMPTY;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.Names;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/** A directory in memory, and what an open one does. Entries have increasing numbers, which are readdir's cookies. */
final class TmpfsDirectory extends TmpfsInode implements FileOps {
  private static final int S_ISGID = 02000;

  /** What one entry adds to the size {@code stat} reports, as Linux has it. */
  private static final int ENTRY_SIZE = 20;

  private record Entry(String name, TmpfsInode inode, long number) {}

  // Guarded by the superblock's names lock.
  private Map<String, Entry> byName;
  private TreeMap<Long, Entry> byNumber;
  private long nextNumber = 2;
  private TmpfsDirectory parent;
  private boolean isRemoved;

  /** @param parent null for the root */
  TmpfsDirectory(TmpfsSuperblock tmpfs, TmpfsDirectory parent, int permissions, int uid, int gid, long now) {
    super(tmpfs, S_IFDIR | permissions, uid, gid, 2, now);
    this.parent = parent == null ? this : parent;
  }

  @Override
  long size() {
    Map<String, Entry> entries = byName;
    return ENTRY_SIZE * (2L + (entries == null ? 0 : entries.size()));
  }

  @Override
  public Inode lookup(Caller caller, String name) {
    tmpfs.namesLock.lock();
    try {
      Entry e = byName == null ? null : byName.get(name);
      return e == null ? null : e.inode;
    } finally {
      tmpfs.namesLock.unlock();
    }
  }

  @Override
  public Inode create(Caller caller, String name, int mode) throws ErrnoException {
    return make(caller, name, S_IFREG | mode, null, 0);
  }

  @Override
  public Inode mkdir(Caller caller, String name, int mode) throws ErrnoException {
    return make(caller, name, S_IFDIR | mode, null, 0);
  }

  @Override
  public Inode mknod(Caller caller, String name, int mode, long rdev) throws ErrnoException {
    return make(caller, name, mode, null, rdev);
  }

  @Override
  public Inode symlink(Caller caller, String name, String target) throws ErrnoException {
    return make(caller, name, S_IFLNK | 0777, target, 0);
  }

  private Inode make(Caller caller, String name, int mode, String target, long rdev) throws ErrnoException {
    Credentials creds = caller.creds();
    long now = caller.realtimeNanos();
    boolean inherits = (mode() & S_ISGID) != 0;
    int gid = inherits ? gid() : creds.fsgid();
    int made = mode;
    if (inherits && (mode & S_IFMT) == S_IFDIR) {
      made |= S_ISGID;
    } else if ((made & (S_ISGID | 0010)) == (S_ISGID | 0010) && !creds.inGroup(gid)
        && !creds.has(Capability.CAP_FSETID)) {
      made &= ~S_ISGID;
    }
    tmpfs.namesLock.lock();
    try {
      checkAlive();
      if (byName != null && byName.containsKey(name)) {
        throw EEXIST.error();
      }
      if (!tmpfs.chargeInode()) {
        throw ENOSPC.error();
      }
      TmpfsInode inode = switch (mode & S_IFMT) {
        case S_IFREG -> new TmpfsRegular(tmpfs, made & 07777, creds.fsuid(), gid, 1, FileData.F_SEAL_SEAL, now);
        case S_IFDIR -> new TmpfsDirectory(tmpfs, this, made & 07777, creds.fsuid(), gid, now);
        default -> new TmpfsSpecial(tmpfs, made, creds.fsuid(), gid, target, rdev, now);
      };
      put(name, inode);
      modified(now);
      return inode;
    } finally {
      tmpfs.namesLock.unlock();
    }
  }

  @Override
  public Inode tmpfile(Caller caller, int mode) throws ErrnoException {
    if (!tmpfs.chargeInode()) {
      throw ENOSPC.error();
    }
    // Without a name it is not counted: it is gone when it is closed.
    tmpfs.unchargeInode();
    int gid = (mode() & S_ISGID) != 0 ? gid() : caller.creds().fsgid();
    return new TmpfsRegular(tmpfs, mode & 07777, caller.creds().fsuid(), gid, 0, FileData.F_SEAL_SEAL,
        caller.realtimeNanos());
  }

  @Override
  public void link(Caller caller, String name, Inode target) throws ErrnoException {
    TmpfsInode inode = (TmpfsInode) target;
    long now = caller.realtimeNanos();
    tmpfs.namesLock.lock();
    try {
      checkAlive();
      if (byName != null && byName.containsKey(name)) {
        throw EEXIST.error();
      }
      if (inode.nlink() == 0) {
        if (!(inode instanceof TmpfsRegular r && r.isLinkable())) {
          throw ENOENT.error();
        }
        if (!tmpfs.chargeInode()) {
          throw ENOSPC.error();
        }
      }
      inode.setNlink(inode.nlink() + 1);
      put(name, inode);
      inode.changed(now);
      modified(now);
    } finally {
      tmpfs.namesLock.unlock();
    }
  }

  @Override
  public void unlink(Caller caller, String name, Inode child) throws ErrnoException {
    long now = caller.realtimeNanos();
    tmpfs.namesLock.lock();
    try {
      Entry e = require(name, child);
      if (e.inode instanceof TmpfsDirectory) {
        throw EISDIR.error();
      }
      remove(e);
      lostName(e.inode, now);
      modified(now);
    } finally {
      tmpfs.namesLock.unlock();
    }
  }

  @Override
  public void rmdir(Caller caller, String name, Inode child) throws ErrnoException {
    long now = caller.realtimeNanos();
    tmpfs.namesLock.lock();
    try {
      Entry e = require(name, child);
      ((TmpfsDirectory) e.inode).checkEmpty();
      remove(e);
      lostName(e.inode, now);
      modified(now);
    } finally {
      tmpfs.namesLock.unlock();
    }
  }

  @Override
  public void rename(Caller caller, String oldName, Inode child, Inode newDir, String newName, Inode replaced,
      int flags) throws ErrnoException {
    TmpfsDirectory to = (TmpfsDirectory) newDir;
    long now = caller.realtimeNanos();
    tmpfs.namesLock.lock();
    try {
      Entry source = require(oldName, child);
      to.checkAlive();
      Entry target = to.byName == null ? null : to.byName.get(newName);
      if ((target == null ? null : target.inode) != replaced) {
        throw ENOENT.error();
      }
      if ((flags & Names.RENAME_EXCHANGE) != 0) {
        remove(source);
        to.remove(target);
        put(oldName, target.inode);
        to.put(newName, source.inode);
        target.inode.changed(now);
      } else {
        if (target != null) {
          if (target.inode instanceof TmpfsDirectory d) {
            d.checkEmpty();
          }
          to.remove(target);
          to.lostName(target.inode, now);
        }
        remove(source);
        to.put(newName, source.inode);
        if ((flags & Names.RENAME_WHITEOUT) != 0 && tmpfs.chargeInode()) {
          put(oldName, new TmpfsSpecial(tmpfs, S_IFCHR, caller.creds().fsuid(), caller.creds().fsgid(), null, 0, now));
        }
      }
      source.inode.changed(now);
      modified(now);
      to.modified(now);
    } finally {
      tmpfs.namesLock.unlock();
    }
  }

  private void checkAlive() throws ErrnoException {
    if (isRemoved) {
      throw ENOENT.error();
    }
  }

  private void checkEmpty() throws ErrnoException {
    if (byName != null && !byName.isEmpty()) {
      throw ENOTEMPTY.error();
    }
  }

  private Entry require(String name, Inode child) throws ErrnoException {
    Entry e = byName == null ? null : byName.get(name);
    if (e == null || e.inode != child) {
      throw ENOENT.error();
    }
    return e;
  }

  private void put(String name, TmpfsInode inode) {
    if (byName == null) {
      byName = new HashMap<>();
      byNumber = new TreeMap<>();
    }
    Entry e = new Entry(name, inode, nextNumber++);
    byName.put(name, e);
    byNumber.put(e.number, e);
    if (inode instanceof TmpfsDirectory d) {
      d.parent = this;
      setNlink(nlink() + 1);
    }
  }

  private void remove(Entry e) {
    byName.remove(e.name);
    byNumber.remove(e.number);
    if (e.inode instanceof TmpfsDirectory) {
      setNlink(nlink() - 1);
    }
  }

  private void lostName(TmpfsInode inode, long now) {
    inode.changed(now);
    if (inode instanceof TmpfsDirectory d) {
      d.isRemoved = true;
      d.setNlink(0);
    } else {
      inode.setNlink(inode.nlink() - 1);
    }
    if (inode.nlink() == 0) {
      inode.unlinked();
    }
  }

  /** The file system is gone: gives the pages of every file back. Iterative, for trees of any depth. */
  void freeAll() {
    tmpfs.namesLock.lock();
    try {
      java.util.ArrayDeque<TmpfsDirectory> left = new java.util.ArrayDeque<>();
      left.add(this);
      for (TmpfsDirectory d = left.poll(); d != null; d = left.poll()) {
        if (d.byName == null) {
          continue;
        }
        for (Entry e : d.byName.values()) {
          if (e.inode instanceof TmpfsDirectory below) {
            left.add(below);
          } else if (e.inode instanceof TmpfsRegular r) {
            r.free();
          }
        }
      }
    } finally {
      tmpfs.namesLock.unlock();
    }
  }

  // ---- as an open file ----

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) {
    return this;
  }

  @Override
  public boolean isSeekable() {
    return true;
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    throw EISDIR.error();
  }

  @Override
  public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
    if (whence == 0) {
      return offset;
    }
    throw EINVAL.error();
  }

  @Override
  public void sync(FileDescription file, boolean dataOnly) {}

  @Override
  public long readdir(Caller caller, FileDescription file, long cookie, DirSink sink) {
    long next = Math.max(0, cookie);
    if (next == 0) {
      if (!sink.entry(".", ino(), S_IFDIR >> 12, 1)) {
        return 0;
      }
      next = 1;
    }
    tmpfs.namesLock.lock();
    try {
      if (next == 1) {
        if (!sink.entry("..", parent.ino(), S_IFDIR >> 12, 2)) {
          return 1;
        }
        next = 2;
      }
      if (byNumber == null) {
        return next;
      }
      for (Entry e : byNumber.tailMap(next, true).values()) {
        if (!sink.entry(e.name, e.inode.ino(), e.inode.type() >> 12, e.number + 1)) {
          return next;
        }
        next = e.number + 1;
      }
      return next;
    } finally {
      tmpfs.namesLock.unlock();
    }
  }
}
