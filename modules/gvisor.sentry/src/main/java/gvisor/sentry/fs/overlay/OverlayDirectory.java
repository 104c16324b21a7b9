package gvisor.sentry.fs.overlay;

import static gvisor.api.errno.Errno.EISDIR;
import static gvisor.api.errno.Errno.ENOTEMPTY;
import static gvisor.api.errno.Errno.ESTALE;
import static gvisor.api.errno.Errno.EXDEV;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** A directory: what the lower tree has there, but for the names that are in the upper tree or gone. */
final class OverlayDirectory extends OverlayInode {
  private static final int RENAME_EXCHANGE = 2;

  /**
   * A name that is not simply the lower tree's.
   *
   * @param inode what is in the upper tree; null when the name is gone (a whiteout)
   * @param isOverLower whether the lower tree has the name, so that taking the entry away would show it
   */
  private record Entry(OverlayInode inode, boolean isOverLower) {}

  /** Guards {@link #entries}. */
  private final ReentrantLock namesLock = new ReentrantLock();

  private final Map<String, Entry> entries = new LinkedHashMap<>();

  OverlayDirectory(OverlaySuperblock sb, Inode upper, Inode lower, OverlayDirectory parent, String name) {
    super(sb, upper, lower, parent, name);
  }

  /** Makes the upper inode of a name, in the upper directory. */
  interface Maker {
    Inode make(Inode directory) throws ErrnoException;
  }

  @Override
  public void stat(StatBuf out) throws ErrnoException {
    super.stat(out);
    if (lower != null && upper() != null) {
      // Neither layer knows how many directories there are in both. 1 is what says so to find(1) and the like.
      out.nlink = 1;
    }
  }

  @Override
  public Inode lookup(Caller caller, String name) throws ErrnoException {
    Entry e = entry(name);
    if (e != null) {
      return e.inode;
    }
    Inode below = lower == null ? null : lower.lookup(caller, name);
    return below == null ? null : sb.over(below, this, name);
  }

  @Override
  public Inode create(Caller caller, String name, int mode) throws ErrnoException {
    return add(name, false, dir -> dir.create(caller, name, mode));
  }

  @Override
  public Inode mkdir(Caller caller, String name, int mode) throws ErrnoException {
    return add(name, true, dir -> dir.mkdir(caller, name, mode));
  }

  @Override
  public Inode mknod(Caller caller, String name, int mode, long rdev) throws ErrnoException {
    return add(name, false, dir -> dir.mknod(caller, name, mode, rdev));
  }

  @Override
  public Inode symlink(Caller caller, String name, String target) throws ErrnoException {
    return add(name, false, dir -> dir.symlink(caller, name, target));
  }

  @Override
  public Inode tmpfile(Caller caller, int mode) throws ErrnoException {
    return new OverlayInode(sb, copyUp().tmpfile(caller, mode), null, null, null);
  }

  @Override
  public void link(Caller caller, String name, Inode target) throws ErrnoException {
    OverlayInode file = (OverlayInode) target;
    Inode upperFile = file.copyUp();
    Inode directory = copyUp();
    namesLock.lock();
    try {
      directory.link(caller, name, upperFile);
      put(name, file);
    } finally {
      namesLock.unlock();
    }
    file.foundAt(this, name);
  }

  @Override
  public void unlink(Caller caller, String name, Inode child) throws ErrnoException {
    remove(caller, name, (OverlayInode) child, false);
  }

  @Override
  public void rmdir(Caller caller, String name, Inode child) throws ErrnoException {
    ((OverlayDirectory) child).requireEmpty(caller);
    remove(caller, name, (OverlayInode) child, true);
  }

  @Override
  public void rename(Caller caller, String oldName, Inode child, Inode newDir, String newName, Inode replaced, int flags)
      throws ErrnoException {
    if (!(newDir instanceof OverlayDirectory to) || to.sb != sb) {
      throw EXDEV.error();
    }
    OverlayInode moved = (OverlayInode) child;
    OverlayInode target = (OverlayInode) replaced;
    boolean isExchange = (flags & RENAME_EXCHANGE) != 0;
    ensureUpperName(caller, oldName, moved);
    Inode toUpper = to.copyUp();
    if (isExchange) {
      to.ensureUpperName(caller, newName, target);
    } else if (target instanceof OverlayDirectory d) {
      d.requireEmpty(caller);
    } else if (target != null) {
      target.keepOtherNames();
    }
    Entry atTarget = to.entry(newName);
    Inode upperTarget = atTarget == null || atTarget.inode == null ? null : atTarget.inode.upper();
    upper().rename(caller, oldName, moved.upper(), toUpper, newName, upperTarget, flags & RENAME_EXCHANGE);
    if (isExchange) {
      replaceEntry(oldName, target);
      target.movedTo(this, oldName);
    } else {
      takeEntry(oldName, false);
      if (target != null) {
        target.nameRemoved(to, newName, upperTarget != null);
      }
    }
    to.putOver(newName, moved, atTarget == null && target != null);
    moved.movedTo(to, newName);
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) throws ErrnoException {
    if ((flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY) {
      throw EISDIR.error();
    }
    Dentry parent = dentry.parent();
    return new OverlayDirectoryFile(this, dentry, parent == null ? ino() : parent.inode().ino());
  }

  /** A name as an open directory shows it. */
  record Name(String name, long ino, int type) {}

  /** Every name, without "." and "..". */
  List<Name> names(Caller caller, Dentry dentry) throws ErrnoException {
    List<Name> below = new ArrayList<>();
    if (lower != null) {
      readLower(caller, dentry, below);
    }
    namesLock.lock();
    try {
      if (entries.isEmpty()) {
        return below;
      }
      List<Name> all = new ArrayList<>(below.size() + entries.size());
      for (Name n : below) {
        if (!entries.containsKey(n.name)) {
          all.add(n);
        }
      }
      for (Map.Entry<String, Entry> e : entries.entrySet()) {
        OverlayInode inode = e.getValue().inode;
        if (inode != null) {
          all.add(new Name(e.getKey(), inode.ino(), inode.type() >>> 12));
        }
      }
      return all;
    } finally {
      namesLock.unlock();
    }
  }

  /**
   * Has the upper inode of {@code inode} made and enters it, when {@code name} still is the lower tree's.
   *
   * @throws ErrnoException ESTALE when the name was taken away or taken over meanwhile
   */
  Inode adopt(String name, OverlayInode inode, Maker maker) throws ErrnoException {
    Inode directory = copyUp();
    namesLock.lock();
    try {
      if (entries.containsKey(name)) {
        throw ESTALE.error();
      }
      // To whoever reads the directory, copying a file up does not change it.
      StatBuf before = new StatBuf();
      directory.stat(before);
      Inode made = maker.make(directory);
      entries.put(name, new Entry(inode, true));
      restoreTimes(directory, before);
      return made;
    } finally {
      namesLock.unlock();
    }
  }

  private void restoreTimes(Inode directory, StatBuf before) throws ErrnoException {
    SetAttr times = new SetAttr();
    times.valid = SetAttr.ATIME | SetAttr.MTIME;
    times.atime = before.atime;
    times.mtime = before.mtime;
    directory.setAttr(sb.kernel, times);
  }

  private void readLower(Caller caller, Dentry dentry, List<Name> out) throws ErrnoException {
    FileOps ops = lower.open(caller, dentry, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
    try {
      DirSink sink = (name, ino, type, next) -> {
        if (!name.equals(".") && !name.equals("..")) {
          out.add(new Name(name, ino, type));
        }
        return true;
      };
      long cookie = 0;
      long next = ops.readdir(caller, null, cookie, sink);
      while (next != cookie) {
        cookie = next;
        next = ops.readdir(caller, null, cookie, sink);
      }
    } finally {
      ops.release(null);
    }
  }

  private void requireEmpty(Caller caller) throws ErrnoException {
    if (!names(caller, new Dentry(null, "/", this)).isEmpty()) {
      throw ENOTEMPTY.error();
    }
  }

  private OverlayInode add(String name, boolean isDirectory, Maker maker) throws ErrnoException {
    Inode directory = copyUp();
    namesLock.lock();
    try {
      Inode made = maker.make(directory);
      OverlayInode inode = isDirectory ? new OverlayDirectory(sb, made, null, this, name)
          : new OverlayInode(sb, made, null, this, name);
      put(name, inode);
      return inode;
    } finally {
      namesLock.unlock();
    }
  }

  private void remove(Caller caller, String name, OverlayInode child, boolean isDirectory) throws ErrnoException {
    Inode directory = copyUp();
    child.keepOtherNames();
    boolean wasUpper;
    namesLock.lock();
    try {
      Entry e = entries.get(name);
      wasUpper = e != null;
      if (wasUpper) {
        if (isDirectory) {
          directory.rmdir(caller, name, child.upper());
        } else {
          directory.unlink(caller, name, child.upper());
        }
      }
      takeEntry(name, !wasUpper);
    } finally {
      namesLock.unlock();
    }
    child.nameRemoved(this, name, wasUpper);
    if (!wasUpper) {
      touch(caller, directory);
    }
  }

  /** A whiteout leaves no trace in the upper directory: its times must be told. */
  private static void touch(Caller caller, Inode directory) throws ErrnoException {
    SetAttr now = new SetAttr();
    now.valid = SetAttr.MTIME;
    now.mtime = caller.realtimeNanos();
    directory.setAttr(caller, now);
  }

  /** Copies {@code child} up and makes sure that the upper directory has it under {@code name}. */
  private void ensureUpperName(Caller caller, String name, OverlayInode child) throws ErrnoException {
    Inode upperChild = child.copyUp();
    Inode directory = copyUp();
    namesLock.lock();
    try {
      if (!entries.containsKey(name)) {
        // It was copied up under another of its names.
        directory.link(caller, name, upperChild);
        entries.put(name, new Entry(child, true));
        child.nameCopiedUp();
      }
    } finally {
      namesLock.unlock();
    }
  }

  private Entry entry(String name) {
    namesLock.lock();
    try {
      return entries.get(name);
    } finally {
      namesLock.unlock();
    }
  }

  /** Enters {@code inode} under a name that was free or a whiteout; {@link #namesLock} is held. */
  private void put(String name, OverlayInode inode) {
    Entry old = entries.get(name);
    entries.put(name, new Entry(inode, old != null && old.isOverLower));
  }

  /** @param isOverLowerOnly whether what it takes the place of was in the lower tree alone */
  private void putOver(String name, OverlayInode inode, boolean isOverLowerOnly) {
    namesLock.lock();
    try {
      Entry old = entries.get(name);
      entries.put(name, new Entry(inode, isOverLowerOnly || old != null && old.isOverLower));
    } finally {
      namesLock.unlock();
    }
  }

  private void replaceEntry(String name, OverlayInode inode) {
    putOver(name, inode, false);
  }

  /** Takes the entry away, or leaves a whiteout if the lower tree has the name. */
  private void takeEntry(String name, boolean isLowerOnly) {
    namesLock.lock();
    try {
      Entry old = entries.remove(name);
      if (isLowerOnly || old != null && old.isOverLower) {
        entries.put(name, new Entry(null, true));
      }
    } finally {
      namesLock.unlock();
    }
  }
}
