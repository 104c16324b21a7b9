package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISDIR;
import static gvisor.api.errno.Errno.ENODATA;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.EROFS;
import static gvisor.api.errno.Errno.ETXTBSY;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.auth.Credentials;

/** Calls that look at or change what an inode says of itself. They check that the caller may. */
public final class Attributes {
  /** For {@link #setTimes}: leave the time, or set it to now ({@code UTIME_OMIT}, {@code UTIME_NOW}). */
  public static final long OMIT = Long.MIN_VALUE;
  public static final long NOW = Long.MIN_VALUE + 1;

  public static final int XATTR_CREATE = 1;
  public static final int XATTR_REPLACE = 2;

  private Attributes() {}

  /** {@code chmod(2)}. */
  public static void chmod(Caller caller, Path path, int mode) throws ErrnoException {
    Inode inode = path.dentry().inode();
    checkWritable(path);
    Permissions.requireOwner(caller.creds(), inode);
    if (inode.isSymlink()) {
      throw EOPNOTSUPP.error();
    }
    int bits = mode & 07777;
    Credentials creds = caller.creds();
    if ((bits & Permissions.S_ISGID) != 0 && !creds.inGroup(inode.gid()) && !creds.has(Capability.CAP_FSETID)) {
      bits &= ~Permissions.S_ISGID;
    }
    SetAttr change = new SetAttr();
    change.valid = SetAttr.MODE;
    change.mode = bits;
    apply(caller, path, change);
  }

  /** {@code chown(2)}; -1 leaves an id as it is. */
  public static void chown(Caller caller, Path path, int uid, int gid) throws ErrnoException {
    Inode inode = path.dentry().inode();
    if (uid != -1 && !caller.users().has(uid) || gid != -1 && !caller.groups().has(gid)) {
      throw EINVAL.error();
    }
    checkWritable(path);
    Credentials creds = caller.creds();
    boolean owns = creds.fsuid() == inode.uid();
    if (!creds.has(Capability.CAP_CHOWN)) {
      if (uid != -1 && (!owns || uid != inode.uid())) {
        throw EPERM.error();
      }
      if (gid != -1 && (!owns || gid != inode.gid() && !creds.inGroup(gid))) {
        throw EPERM.error();
      }
    }
    SetAttr change = new SetAttr();
    if (uid != -1) {
      change.valid |= SetAttr.UID;
      change.uid = uid;
    }
    if (gid != -1) {
      change.valid |= SetAttr.GID;
      change.gid = gid;
    }
    int mode = inode.mode();
    int kept = withoutSetid(mode);
    if (!inode.isDirectory() && kept != mode) {
      change.valid |= SetAttr.MODE;
      change.mode = kept & 07777;
    }
    apply(caller, path, change);
  }

  /** The mode without set-user-id, and without a set-group-id that means execution. */
  private static int withoutSetid(int mode) {
    int kept = mode & ~Permissions.S_ISUID;
    return (mode & 0010) != 0 ? kept & ~Permissions.S_ISGID : kept;
  }

  /** A write or truncation by somebody without CAP_FSETID takes the set-id bits from the file. */
  public static void contentChanges(Caller caller, Inode inode) throws ErrnoException {
    int mode = inode.mode();
    if ((mode & (Permissions.S_ISUID | Permissions.S_ISGID)) == 0 || !inode.isRegular()) {
      return;
    }
    int kept = withoutSetid(mode);
    if (kept != mode && !caller.creds().has(Capability.CAP_FSETID)) {
      SetAttr change = new SetAttr();
      change.valid = SetAttr.MODE;
      change.mode = kept & 07777;
      inode.setAttr(caller, change);
    }
  }

  /** {@code utimensat(2)}: nanoseconds since the epoch, {@link #NOW} or {@link #OMIT}. */
  public static void setTimes(Caller caller, Path path, long atime, long mtime) throws ErrnoException {
    if (atime == OMIT && mtime == OMIT) {
      return;
    }
    Inode inode = path.dentry().inode();
    checkWritable(path);
    if (!Permissions.isOwner(caller.creds(), inode)) {
      if (atime != NOW || mtime != NOW) {
        throw EPERM.error();
      }
      inode.checkPermission(caller, Permissions.MAY_WRITE);
    }
    long now = caller.realtimeNanos();
    SetAttr change = new SetAttr();
    if (atime != OMIT) {
      change.valid |= SetAttr.ATIME;
      change.atime = atime == NOW ? now : atime;
    }
    if (mtime != OMIT) {
      change.valid |= SetAttr.MTIME;
      change.mtime = mtime == NOW ? now : mtime;
    }
    apply(caller, path, change);
  }

  /** {@code truncate(2)}; RLIMIT_FSIZE has been checked. */
  public static void truncate(Caller caller, Path path, long size) throws ErrnoException {
    Inode inode = path.dentry().inode();
    if (inode.isDirectory()) {
      throw EISDIR.error();
    }
    if (!inode.isRegular()) {
      throw EINVAL.error();
    }
    inode.checkPermission(caller, Permissions.MAY_WRITE);
    checkWritable(path);
    if (!inode.beginWriting()) {
      throw ETXTBSY.error();
    }
    try {
      resize(caller, path, size);
    } finally {
      inode.endWriting();
    }
  }

  /** Sets the size of a regular file, as {@code ftruncate(2)} does for an open one. */
  public static void resize(Caller caller, Path path, long size) throws ErrnoException {
    Inode inode = path.dentry().inode();
    contentChanges(caller, inode);
    SetAttr change = new SetAttr();
    change.valid = SetAttr.SIZE;
    change.size = size;
    inode.setAttr(caller, change);
    Notify.file(path.dentry(), Notify.IN_MODIFY);
  }

  /** {@code access(2)} with the caller's file system ids: {@code mask} of {@link Permissions} MAY_* bits, or 0. */
  public static void access(Caller caller, Path path, int mask) throws ErrnoException {
    Inode inode = path.dentry().inode();
    if ((mask & Permissions.MAY_EXEC) != 0 && inode.isRegular() && path.mount().isNoExec()) {
      throw EACCES.error();
    }
    if (mask != 0) {
      inode.checkPermission(caller, mask);
    }
    boolean special = !inode.isRegular() && !inode.isDirectory() && !inode.isSymlink();
    if ((mask & Permissions.MAY_WRITE) != 0 && !special) {
      checkWritable(path);
    }
  }

  /** {@code getxattr(2)}: the value. */
  public static byte[] getXattr(Caller caller, Path path, String name) throws ErrnoException {
    Inode inode = path.dentry().inode();
    checkXattr(caller, inode, name, false);
    byte[] value = inode.getXattr(caller, name);
    if (value == null) {
      throw ENODATA.error();
    }
    return value;
  }

  /** {@code setxattr(2)}. */
  public static void setXattr(Caller caller, Path path, String name, byte[] value, int flags) throws ErrnoException {
    checkWritable(path);
    checkXattr(caller, path.dentry().inode(), name, true);
    path.dentry().inode().setXattr(caller, name, value, flags);
    Notify.file(path.dentry(), Notify.IN_ATTRIB);
  }

  /** {@code removexattr(2)}. */
  public static void removeXattr(Caller caller, Path path, String name) throws ErrnoException {
    checkWritable(path);
    checkXattr(caller, path.dentry().inode(), name, true);
    path.dentry().inode().removeXattr(caller, name);
    Notify.file(path.dentry(), Notify.IN_ATTRIB);
  }

  /** Whether {@code listxattr(2)} shows the name to the caller. */
  public static boolean isXattrVisible(Caller caller, String name) {
    return !name.startsWith("trusted.") || caller.creds().has(Capability.CAP_SYS_ADMIN);
  }

  /** {@code man 7 xattr}: who may use which namespace. */
  private static void checkXattr(Caller caller, Inode inode, String name, boolean write) throws ErrnoException {
    Credentials creds = caller.creds();
    if (name.startsWith("trusted.")) {
      if (!creds.has(Capability.CAP_SYS_ADMIN)) {
        throw write ? EPERM.error() : ENODATA.error();
      }
    } else if (name.startsWith("security.")) {
      int needed = name.equals("security.capability") ? Capability.CAP_SETFCAP : Capability.CAP_SYS_ADMIN;
      if (write && !creds.has(needed)) {
        throw EPERM.error();
      }
    } else if (name.startsWith("user.")) {
      if (!inode.isRegular() && !inode.isDirectory()) {
        throw write ? EPERM.error() : ENODATA.error();
      }
      boolean isSticky = inode.isDirectory() && (inode.mode() & Permissions.S_ISVTX) != 0;
      if (write && isSticky && !Permissions.isOwner(creds, inode)) {
        throw EPERM.error();
      }
      inode.checkPermission(caller, write ? Permissions.MAY_WRITE : Permissions.MAY_READ);
    } else {
      if (!name.startsWith("system.")) {
        inode.checkPermission(caller, write ? Permissions.MAY_WRITE : Permissions.MAY_READ);
      }
      throw EOPNOTSUPP.error();
    }
  }

  /** EROFS where nothing may be changed. */
  public static void checkWritable(Path path) throws ErrnoException {
    if (path.mount().isReadOnly()) {
      throw EROFS.error();
    }
  }

  private static void apply(Caller caller, Path path, SetAttr change) throws ErrnoException {
    path.dentry().inode().setAttr(caller, change);
    Notify.file(path.dentry(), Notify.IN_ATTRIB);
  }
}
