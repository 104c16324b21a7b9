package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.EADDRINUSE;
import static gvisor.api.errno.Errno.EBUSY;
import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISDIR;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOTDIR;
import static gvisor.api.errno.Errno.ENOTEMPTY;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.EROFS;
import static gvisor.api.errno.Errno.EXDEV;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.vfs.PathWalk.Last;

/** Calls that give names to files and take them away. {@code at} is where a relative path starts; null: the cwd. */
public final class Names {
  public static final int RENAME_NOREPLACE = 1;
  public static final int RENAME_EXCHANGE = 2;
  public static final int RENAME_WHITEOUT = 4;

  private Names() {}

  /** {@code mkdir(2)}; {@code mode} before the umask. */
  public static void mkdir(Caller caller, Path at, String path, int mode) throws ErrnoException {
    PathWalk walk = new PathWalk(caller, at, 0);
    walk.walkParent(path);
    Dentry dir = beginCreate(caller, walk, true);
    Inode made;
    try {
      made = dir.inode().mkdir(caller, walk.name, mode & 01777 & ~Open.umask(caller));
      dir.add(new Dentry(dir, walk.name, made));
    } finally {
      dir.lock().unlock();
    }
    Notify.name(dir, walk.name, made, Notify.IN_CREATE, 0);
  }

  /**
   * {@code mknod(2)}: a regular file, fifo, socket or device; {@code mode} with the type, before the umask. What it
   * made: a bound socket attaches itself to its inode, and keeps the path.
   */
  public static Path mknod(Caller caller, Path at, String path, int mode, long rdev) throws ErrnoException {
    int type = mode & Inode.S_IFMT;
    PathWalk walk = new PathWalk(caller, at, 0);
    walk.walkParent(path);
    Dentry dir = beginCreate(caller, walk, false);
    Dentry child;
    try {
      boolean isWhiteout = type == Inode.S_IFCHR && rdev == 0;
      if ((type == Inode.S_IFCHR && !isWhiteout || type == Inode.S_IFBLK)
          && !caller.creds().has(Capability.CAP_MKNOD)) {
        throw EPERM.error();
      }
      if (type == Inode.S_IFCHR && !isWhiteout || type == Inode.S_IFBLK) {
        caller.devices().check(type, rdev, DevicePolicy.MKNOD);
      }
      int permissions = mode & 07777 & ~Open.umask(caller);
      Inode made = type == Inode.S_IFREG || type == 0
          ? dir.inode().create(caller, walk.name, permissions)
          : dir.inode().mknod(caller, walk.name, type | permissions, rdev);
      child = new Dentry(dir, walk.name, made);
      dir.add(child);
    } finally {
      dir.lock().unlock();
    }
    Notify.name(dir, walk.name, child.inode(), Notify.IN_CREATE, 0);
    return new Path(walk.mount, child);
  }

  /** {@code bind(2)} of a socket to a path; EADDRINUSE when it is there. */
  public static BoundSocket bindSocket(Caller caller, String path, int permissions, int socketType)
      throws ErrnoException {
    PathWalk walk = new PathWalk(caller, null, 0);
    walk.walkParent(path);
    BoundSocket.Node made;
    Dentry child;
    try {
      Dentry dir = beginCreate(caller, walk, false);
      try {
        made = dir.inode().bindSocket(caller, walk.name, permissions & ~Open.umask(caller), socketType);
        child = new Dentry(dir, walk.name, made.inode());
        dir.add(child);
      } finally {
        dir.lock().unlock();
      }
      Notify.name(dir, walk.name, child.inode(), Notify.IN_CREATE, 0);
    } catch (ErrnoException e) {
      throw e.errno() == EEXIST ? EADDRINUSE.error() : e;
    }
    return new BoundSocket(new Path(walk.mount, child), made.host());
  }

  /** {@code symlink(2)}. */
  public static void symlink(Caller caller, String target, Path at, String path) throws ErrnoException {
    if (target.isEmpty()) {
      throw ENOENT.error();
    }
    PathWalk walk = new PathWalk(caller, at, 0);
    walk.walkParent(path);
    Dentry dir = beginCreate(caller, walk, false);
    Inode made;
    try {
      made = dir.inode().symlink(caller, walk.name, target);
      dir.add(new Dentry(dir, walk.name, made));
    } finally {
      dir.lock().unlock();
    }
    Notify.name(dir, walk.name, made, Notify.IN_CREATE, 0);
  }

  /** {@code link(2)}: one more name for what is at {@code from}. */
  public static void link(Caller caller, Path from, Path at, String path) throws ErrnoException {
    Inode target = from.dentry().inode();
    PathWalk walk = new PathWalk(caller, at, 0);
    walk.walkParent(path);
    Dentry dir = beginCreate(caller, walk, false);
    try {
      if (walk.mount != from.mount()) {
        throw EXDEV.error();
      }
      if (target.isDirectory()) {
        throw EPERM.error();
      }
      checkHardlink(caller.creds(), target);
      dir.inode().link(caller, walk.name, target);
      dir.add(new Dentry(dir, walk.name, target));
    } finally {
      dir.lock().unlock();
    }
    Notify.self(target, Notify.IN_ATTRIB);
    Notify.name(dir, walk.name, target, Notify.IN_CREATE, 0);
  }

  /** {@code man 5 proc}, {@code protected_hardlinks}: 1. */
  private static void checkHardlink(Credentials creds, Inode target) throws ErrnoException {
    if (Permissions.isOwner(creds, target)) {
      return;
    }
    int mode = target.mode();
    boolean isSetid = (mode & Permissions.S_ISUID) != 0
        || (mode & (Permissions.S_ISGID | 0010)) == (Permissions.S_ISGID | 0010);
    if (!target.isRegular() || isSetid
        || !Permissions.allows(creds, target, Permissions.MAY_READ | Permissions.MAY_WRITE)) {
      throw EPERM.error();
    }
  }

  /** Checks that a name can be made where the walk ended; on return the directory's lock is held. */
  private static Dentry beginCreate(Caller caller, PathWalk walk, boolean directory) throws ErrnoException {
    if (walk.last != Last.NAME) {
      throw EEXIST.error();
    }
    walk.requireDirectory();
    Dentry dir = walk.dentry;
    dir.lock().lock();
    boolean done = false;
    try {
      Dentry child = dir.lookupLocked(caller, walk.name);
      if (!child.isNegative()) {
        throw EEXIST.error();
      }
      if (walk.trailingSlash && !directory || dir.isDeleted()) {
        throw ENOENT.error();
      }
      if (walk.mount.isReadOnly()) {
        throw EROFS.error();
      }
      Permissions.checkCreate(caller, dir.inode());
      done = true;
      return dir;
    } finally {
      if (!done) {
        dir.lock().unlock();
      }
    }
  }

  /** {@code unlink(2)}. */
  public static void unlink(Caller caller, Path at, String path) throws ErrnoException {
    PathWalk walk = new PathWalk(caller, at, 0);
    walk.walkParent(path);
    if (walk.last != Last.NAME) {
      throw EISDIR.error();
    }
    walk.requireDirectory();
    Dentry dir = walk.dentry;
    Dentry child;
    dir.lock().lock();
    try {
      child = dir.lookupLocked(caller, walk.name);
      if (child.isNegative()) {
        throw ENOENT.error();
      }
      Inode inode = child.inode();
      if (walk.trailingSlash) {
        throw inode.isDirectory() ? EISDIR.error() : ENOTDIR.error();
      }
      if (walk.mount.isReadOnly()) {
        throw EROFS.error();
      }
      Permissions.checkDelete(caller, dir.inode(), inode);
      if (inode.isDirectory()) {
        throw EISDIR.error();
      }
      if (child.isMountpoint()) {
        throw EBUSY.error();
      }
      dir.inode().unlink(caller, walk.name, inode);
      dir.drop(child);
    } finally {
      dir.lock().unlock();
    }
    removed(dir, child);
  }

  /** {@code rmdir(2)}. */
  public static void rmdir(Caller caller, Path at, String path) throws ErrnoException {
    PathWalk walk = new PathWalk(caller, at, 0);
    walk.walkParent(path);
    switch (walk.last) {
      case DOT -> throw EINVAL.error();
      case DOTDOT -> throw ENOTEMPTY.error();
      case ROOT -> throw EBUSY.error();
      case NAME -> {}
    }
    walk.requireDirectory();
    Dentry dir = walk.dentry;
    Dentry child;
    dir.lock().lock();
    try {
      child = dir.lookupLocked(caller, walk.name);
      if (child.isNegative()) {
        throw ENOENT.error();
      }
      if (walk.mount.isReadOnly()) {
        throw EROFS.error();
      }
      Permissions.checkDelete(caller, dir.inode(), child.inode());
      if (!child.inode().isDirectory()) {
        throw ENOTDIR.error();
      }
      if (child.isMountpoint()) {
        throw EBUSY.error();
      }
      dir.inode().rmdir(caller, walk.name, child.inode());
      dir.drop(child);
    } finally {
      dir.lock().unlock();
    }
    removed(dir, child);
  }

  private static void removed(Dentry dir, Dentry child) throws ErrnoException {
    Inode inode = child.inode();
    if (inode.watches(false) != null) {
      StatBuf stat = new StatBuf();
      inode.stat(stat);
      Notify.unlinked(inode, inode.isDirectory() || stat.nlink == 0);
    }
    Notify.name(dir, child.name(), inode, Notify.IN_DELETE, 0);
  }

  /** {@code renameat2(2)}; {@code flags} have been checked for being known. */
  public static void rename(Caller caller, Path oldAt, String oldPath, Path newAt, String newPath, int flags)
      throws ErrnoException {
    PathWalk from = new PathWalk(caller, oldAt, 0);
    from.walkParent(oldPath);
    PathWalk to = new PathWalk(caller, newAt, 0);
    to.walkParent(newPath);
    if (from.mount != to.mount) {
      throw EXDEV.error();
    }
    if (from.last != Last.NAME) {
      throw EBUSY.error();
    }
    if (to.last != Last.NAME) {
      throw (flags & RENAME_NOREPLACE) != 0 ? EEXIST.error() : EBUSY.error();
    }
    from.requireDirectory();
    to.requireDirectory();
    Dentry fromDir = from.dentry;
    Dentry toDir = to.dentry;
    Superblock superblock = fromDir.inode().superblock();
    if (fromDir == toDir) {
      fromDir.lock().lock();
      try {
        renameLocked(caller, from, to, flags);
      } finally {
        fromDir.lock().unlock();
      }
      return;
    }
    superblock.renameLock.lock();
    try {
      // The tree holds still: an ancestor comes first, and nobody else locks two directories.
      Dentry first = toDir.isAncestorOf(fromDir) ? toDir : fromDir;
      Dentry second = first == toDir ? fromDir : toDir;
      first.lock().lock();
      second.lock().lock();
      try {
        renameLocked(caller, from, to, flags);
      } finally {
        second.lock().unlock();
        first.lock().unlock();
      }
    } finally {
      superblock.renameLock.unlock();
    }
  }

  private static void renameLocked(Caller caller, PathWalk from, PathWalk to, int flags) throws ErrnoException {
    Dentry fromDir = from.dentry;
    Dentry toDir = to.dentry;
    Dentry source = fromDir.lookupLocked(caller, from.name);
    if (source.isNegative()) {
      throw ENOENT.error();
    }
    Dentry target = toDir.lookupLocked(caller, to.name);
    boolean exchange = (flags & RENAME_EXCHANGE) != 0;
    if ((flags & RENAME_NOREPLACE) != 0 && !target.isNegative()) {
      throw EEXIST.error();
    }
    if (exchange && target.isNegative()) {
      throw ENOENT.error();
    }
    Inode sourceInode = source.inode();
    Inode targetInode = target.inode();
    if (exchange && to.trailingSlash && !targetInode.isDirectory()) {
      throw ENOTDIR.error();
    }
    if (!sourceInode.isDirectory() && (from.trailingSlash || !exchange && to.trailingSlash)) {
      throw ENOTDIR.error();
    }
    if (source.isAncestorOf(toDir)) {
      throw EINVAL.error();
    }
    if (!target.isNegative() && target.isAncestorOf(fromDir)) {
      throw exchange ? EINVAL.error() : ENOTEMPTY.error();
    }
    if (sourceInode == targetInode) {
      return;
    }
    if (from.mount.isReadOnly()) {
      throw EROFS.error();
    }
    Permissions.checkDelete(caller, fromDir.inode(), sourceInode);
    if (target.isNegative()) {
      Permissions.checkCreate(caller, toDir.inode());
      if (toDir.isDeleted()) {
        throw ENOENT.error();
      }
    } else {
      Permissions.checkDelete(caller, toDir.inode(), targetInode);
      if (!exchange) {
        if (sourceInode.isDirectory() && !targetInode.isDirectory()) {
          throw ENOTDIR.error();
        }
        if (!sourceInode.isDirectory() && targetInode.isDirectory()) {
          throw EISDIR.error();
        }
      } else if (targetInode.isDirectory() && fromDir != toDir) {
        targetInode.checkPermission(caller, Permissions.MAY_WRITE);
      }
    }
    if (sourceInode.isDirectory() && fromDir != toDir) {
      sourceInode.checkPermission(caller, Permissions.MAY_WRITE);
    }
    if (source.isMountpoint() || target.isMountpoint()) {
      throw EBUSY.error();
    }
    fromDir.inode().rename(caller, from.name, sourceInode, toDir.inode(), to.name, targetInode, flags);
    if (exchange) {
      Dentry.exchange(source, target);
    } else {
      fromDir.move(source, toDir, to.name);
    }
    Vfs vfs = from.mount.vfs();
    int cookie = vfs == null ? 1 : vfs.newCookie();
    Notify.name(fromDir, from.name, sourceInode, Notify.IN_MOVED_FROM, cookie);
    Notify.name(toDir, to.name, sourceInode, Notify.IN_MOVED_TO, cookie);
    Notify.self(sourceInode, Notify.IN_MOVE_SELF);
    if (exchange) {
      Notify.name(toDir, to.name, targetInode, Notify.IN_MOVED_FROM, cookie + 1);
      Notify.name(fromDir, from.name, targetInode, Notify.IN_MOVED_TO, cookie + 1);
    } else if (targetInode != null && targetInode.watches(false) != null) {
      StatBuf stat = new StatBuf();
      targetInode.stat(stat);
      Notify.unlinked(targetInode, targetInode.isDirectory() || stat.nlink == 0);
    }
  }
}
