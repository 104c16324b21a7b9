package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.EISDIR;
import static gvisor.api.errno.Errno.ELOOP;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOTDIR;
import static gvisor.api.errno.Errno.ENXIO;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.EROFS;
import static gvisor.api.errno.Errno.ETXTBSY;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.PathWalk.Last;

/** {@code open(2)} and its kin. */
public final class Open {
  private Open() {}

  /**
   * Opens {@code path}. A fifo whose other end is missing is opened; who opened it waits ({@link FileOps#isOpening}).
   *
   * @param at where a relative path starts; null for the current directory
   * @param flags O_*, checked for unknown bits
   * @param mode permission bits of a new file, before the umask
   * @param resolve RESOLVE_* of {@code openat2(2)}
   */
  public static FileDescription open(Caller caller, Path at, String path, int flags, int mode, int resolve)
      throws ErrnoException {
    PathWalk walk = new PathWalk(caller, at, resolve);
    if ((flags & OpenFlags.O_PATH) != 0) {
      walk.lookup(path, (flags & OpenFlags.O_NOFOLLOW) == 0);
      if ((flags & OpenFlags.O_DIRECTORY) != 0) {
        walk.requireDirectory();
      }
      walk.dentry.inode().pin();
      return new FileDescription(PathOps.INSTANCE, walk.path(), flags);
    }
    if ((flags & OpenFlags.O_TMPFILE) == OpenFlags.O_TMPFILE) {
      return openTemporary(caller, walk, path, flags, mode);
    }
    if ((flags & OpenFlags.O_CREAT) == 0) {
      walk.lookup(path, (flags & OpenFlags.O_NOFOLLOW) == 0);
      return openExisting(caller, walk.path(), flags);
    }
    return openOrCreate(caller, walk, path, flags, mode);
  }

  private static FileDescription openOrCreate(Caller caller, PathWalk walk, String path, int flags, int mode)
      throws ErrnoException {
    walk.walkParent(path);
    while (true) {
      if (walk.last != Last.NAME) {
        throw (flags & OpenFlags.O_EXCL) != 0 ? EEXIST.error() : EISDIR.error();
      }
      if (walk.trailingSlash) {
        throw EISDIR.error();
      }
      walk.requireDirectory();
      Dentry child = walk.dentry.lookup(caller, walk.name);
      if (child.isNegative()) {
        FileDescription made = create(caller, walk, flags, mode);
        if (made != null) {
          return made;
        }
        continue;
      }
      if ((flags & OpenFlags.O_EXCL) != 0) {
        throw EEXIST.error();
      }
      if (child.inode().isSymlink()) {
        if ((flags & OpenFlags.O_NOFOLLOW) != 0) {
          throw ELOOP.error();
        }
        if (!walk.followLast(child)) {
          continue;
        }
      } else {
        walk.enter(child);
      }
      if (walk.dentry.inode().isDirectory()) {
        throw EISDIR.error();
      }
      checkSticky(caller, walk.dentry);
      return openExisting(caller, walk.path(), flags & ~OpenFlags.O_CREAT);
    }
  }

  /** {@code man 5 proc}, {@code protected_fifos} and {@code protected_regular}: both 1. */
  private static void checkSticky(Caller caller, Dentry dentry) throws ErrnoException {
    Dentry parent = dentry.parent();
    if (parent == null) {
      return;
    }
    Inode dir = parent.inode();
    Inode inode = dentry.inode();
    int shared = Permissions.S_ISVTX | 0002;
    int type = inode.type();
    if ((dir.mode() & shared) == shared && (type == Inode.S_IFREG || type == Inode.S_IFIFO)
        && inode.uid() != dir.uid() && inode.uid() != caller.creds().fsuid()) {
      throw EACCES.error();
    }
  }

  /** Makes the file the walk ends at; null when somebody else has made it meanwhile. */
  private static FileDescription create(Caller caller, PathWalk walk, int flags, int mode) throws ErrnoException {
    Dentry dir = walk.dentry;
    Dentry made;
    dir.lock().lock();
    try {
      if (!dir.lookupLocked(caller, walk.name).isNegative()) {
        return null;
      }
      if (dir.isDeleted()) {
        throw ENOENT.error();
      }
      if (walk.mount.isReadOnly()) {
        throw EROFS.error();
      }
      Permissions.checkCreate(caller, dir.inode());
      Inode inode = dir.inode().create(caller, walk.name, mode & 07777 & ~umask(caller));
      made = new Dentry(dir, walk.name, inode);
      dir.add(made);
    } finally {
      dir.lock().unlock();
    }
    Notify.name(dir, walk.name, made.inode(), Notify.IN_CREATE, 0);
    // Whoever makes a file may use it as asked, whatever its mode says.
    return openRegular(caller, new Path(walk.mount, made), flags & ~OpenFlags.O_TRUNC);
  }

  private static FileDescription openTemporary(Caller caller, PathWalk walk, String path, int flags, int mode)
      throws ErrnoException {
    walk.lookup(path, (flags & OpenFlags.O_NOFOLLOW) == 0);
    walk.requireDirectory();
    Inode dir = walk.dentry.inode();
    if (walk.mount.isReadOnly()) {
      throw EROFS.error();
    }
    Permissions.checkCreate(caller, dir);
    Inode inode = dir.tmpfile(caller, mode & 07777 & ~umask(caller));
    Dentry dentry = new Dentry(walk.dentry, "#" + inode.ino(), inode);
    walk.dentry.drop(dentry);
    return openRegular(caller, new Path(walk.mount, dentry), flags & ~OpenFlags.O_DIRECTORY);
  }

  /** Opens what is at {@code path} for what {@code flags} ask, after checking that the caller may. */
  public static FileDescription openExisting(Caller caller, Path path, int flags) throws ErrnoException {
    Inode inode = path.dentry().inode();
    int type = inode.type();
    boolean writes = (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY;
    boolean truncates = (flags & OpenFlags.O_TRUNC) != 0 && type == Inode.S_IFREG;
    if (type == Inode.S_IFLNK) {
      throw (flags & OpenFlags.O_DIRECTORY) != 0 ? ENOTDIR.error() : ELOOP.error();
    }
    if (type == Inode.S_IFDIR) {
      if (writes || (flags & OpenFlags.O_TRUNC) != 0) {
        throw EISDIR.error();
      }
    } else if ((flags & OpenFlags.O_DIRECTORY) != 0) {
      throw ENOTDIR.error();
    }
    Mount mount = path.mount();
    boolean isDevice = type == Inode.S_IFCHR || type == Inode.S_IFBLK;
    if (isDevice && mount.isNoDev()) {
      throw EACCES.error();
    }
    if ((writes || truncates) && type == Inode.S_IFREG && mount.isReadOnly()) {
      throw EROFS.error();
    }
    inode.checkPermission(caller, accessMask(flags));
    if ((flags & OpenFlags.O_NOATIME) != 0 && !Permissions.isOwner(caller.creds(), inode)) {
      throw EPERM.error();
    }
    if (inode.opensItself()) {
      return openRegular(caller, path, flags);
    }
    return switch (type) {
      case Inode.S_IFSOCK -> throw ENXIO.error();
      case Inode.S_IFIFO -> {
        FileOps host = inode.openHostFifo(flags);
        yield host == null ? openDevice(caller, path, type, flags) : opened(host, path, flags);
      }
      case Inode.S_IFCHR, Inode.S_IFBLK -> openDevice(caller, path, type, flags);
      default -> {
        if (truncates) {
          checkNotExecuting(inode);
          SetAttr change = new SetAttr();
          change.valid = SetAttr.SIZE;
          inode.setAttr(caller, change);
          Notify.file(path.dentry(), Notify.IN_MODIFY);
        }
        yield openRegular(caller, path, flags);
      }
    };
  }

  private static void checkNotExecuting(Inode inode) throws ErrnoException {
    if (!inode.beginWriting()) {
      throw ETXTBSY.error();
    }
    inode.endWriting();
  }

  private static FileDescription openRegular(Caller caller, Path path, int flags) throws ErrnoException {
    FileOps ops = path.dentry().inode().open(caller, path.dentry(), flags);
    FileDescription file = new FileDescription(ops, path, flags);
    try {
      file.countWriter();
    } catch (ErrnoException e) {
      file.close();
      throw e;
    }
    Notify.file(path.dentry(), Notify.IN_OPEN);
    return file;
  }

  private static FileDescription openDevice(Caller caller, Path path, int type, int flags) throws ErrnoException {
    Vfs vfs = path.mount().vfs();
    if (vfs == null) {
      throw ENXIO.error();
    }
    StatBuf stat = new StatBuf();
    path.dentry().inode().stat(stat);
    if (type != Inode.S_IFIFO) {
      caller.devices().check(type, stat.rdev, deviceAccess(flags));
    }
    return opened(vfs.devices().open(caller, path, type, stat.rdev, flags), path, flags);
  }

  private static FileDescription opened(FileOps ops, Path path, int flags) {
    FileDescription file = new FileDescription(ops, path, flags);
    Notify.file(path.dentry(), Notify.IN_OPEN);
    return file;
  }

  private static int deviceAccess(int flags) {
    return switch (flags & OpenFlags.O_ACCMODE) {
      case OpenFlags.O_RDONLY -> DevicePolicy.READ;
      case OpenFlags.O_WRONLY -> DevicePolicy.WRITE;
      default -> DevicePolicy.READ | DevicePolicy.WRITE;
    };
  }

  private static int accessMask(int flags) {
    int mask = switch (flags & OpenFlags.O_ACCMODE) {
      case OpenFlags.O_RDONLY -> Permissions.MAY_READ;
      case OpenFlags.O_WRONLY -> Permissions.MAY_WRITE;
      default -> Permissions.MAY_READ | Permissions.MAY_WRITE;
    };
    return (flags & OpenFlags.O_TRUNC) != 0 ? mask | Permissions.MAY_WRITE : mask;
  }

  static int umask(Caller caller) {
    return caller.fs() == null ? 0 : caller.fs().umask();
  }

  /** A file opened with O_PATH does nothing: descriptors of it are refused before they get here. */
  private static final class PathOps implements FileOps {
    static final PathOps INSTANCE = new PathOps();

    @Override
    public void release(FileDescription file) {
      file.inode().unpin();
    }
  }
}
