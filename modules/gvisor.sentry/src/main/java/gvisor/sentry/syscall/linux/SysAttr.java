package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.Attributes;
import gvisor.sentry.vfs.CallerAs;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathWalk;

/** Permissions, owners, times and sizes of files. */
public final class SysAttr {
  private static final long NANOS = 1_000_000_000L;
  private static final long UTIME_NOW = (1L << 30) - 1;
  private static final long UTIME_OMIT = (1L << 30) - 2;
  private static final int SECBIT_NO_SETUID_FIXUP = 4;

  private SysAttr() {}

  /** access(2). */
  public static long access(Task t, SyscallArgs a) throws ErrnoException {
    return access(t, Paths.AT_FDCWD, a.addr(0), a.i32(1), 0);
  }

  /** faccessat(2), the system call: it has no flags. */
  public static long faccessat(Task t, SyscallArgs a) throws ErrnoException {
    return access(t, a.fd(0), a.addr(1), a.i32(2), 0);
  }

  /** faccessat2(2). */
  public static long faccessat2(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(3);
    Paths.checkFlags(flags, Paths.AT_EACCESS | Paths.AT_SYMLINK_NOFOLLOW | Paths.AT_EMPTY_PATH);
    return access(t, a.fd(0), a.addr(1), a.i32(2), flags);
  }

  private static long access(Task t, int dirfd, long addr, int mask, int flags) throws ErrnoException {
    if ((mask & ~7) != 0) {
      throw EINVAL.error();
    }
    Caller caller = (flags & Paths.AT_EACCESS) != 0 ? t : withRealIds(t);
    String path = Paths.read(t, addr);
    Path found = path.isEmpty()
        ? Paths.resolve(t, dirfd, addr, flags)
        : PathWalk.resolve(caller, Paths.base(t, dirfd, path), path, (flags & Paths.AT_SYMLINK_NOFOLLOW) == 0);
    Attributes.access(caller, found, mask);
    return 0;
  }

  /** {@code access} asks for the real user, with the capabilities that user would have. */
  private static Caller withRealIds(Task t) {
    Credentials c = t.creds();
    long effective = c.effective();
    if ((c.securebits() & SECBIT_NO_SETUID_FIXUP) == 0) {
      effective = c.uid() == 0 ? c.permitted() : 0;
    }
    if (c.uid() == c.fsuid() && c.gid() == c.fsgid() && effective == c.effective()) {
      return t;
    }
    return new CallerAs(t, c.withUids(c.uid(), c.euid(), c.suid(), c.uid())
        .withGids(c.gid(), c.egid(), c.sgid(), c.gid())
        .withCapabilities(c.permitted(), effective, c.inheritable(), c.bounding(), c.ambient()));
  }

  /** chmod(2). */
  public static long chmod(Task t, SyscallArgs a) throws ErrnoException {
    Attributes.chmod(t, Paths.resolve(t, a.addr(0), true), a.i32(1));
    return 0;
  }

  /** fchmod(2). */
  public static long fchmod(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Attributes.chmod(t, f.path(), a.i32(1));
      return 0;
    } finally {
      f.close();
    }
  }

  /** fchmodat(2), the system call: it has no flags. */
  public static long fchmodat(Task t, SyscallArgs a) throws ErrnoException {
    Attributes.chmod(t, Paths.resolve(t, a.fd(0), a.addr(1), 0), a.i32(2));
    return 0;
  }

  /** fchmodat2(2). */
  public static long fchmodat2(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(3);
    Paths.checkFlags(flags, Paths.AT_SYMLINK_NOFOLLOW | Paths.AT_EMPTY_PATH);
    Attributes.chmod(t, Paths.resolve(t, a.fd(0), a.addr(1), flags), a.i32(2));
    return 0;
  }

  /** chown(2). */
  public static long chown(Task t, SyscallArgs a) throws ErrnoException {
    Attributes.chown(t, Paths.resolve(t, a.addr(0), true), a.i32(1), a.i32(2));
    return 0;
  }

  /** lchown(2). */
  public static long lchown(Task t, SyscallArgs a) throws ErrnoException {
    Attributes.chown(t, Paths.resolve(t, a.addr(0), false), a.i32(1), a.i32(2));
    return 0;
  }

  /** fchown(2). */
  public static long fchown(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Attributes.chown(t, f.path(), a.i32(1), a.i32(2));
      return 0;
    } finally {
      f.close();
    }
  }

  /** fchownat(2). */
  public static long fchownat(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(4);
    Paths.checkFlags(flags, Paths.AT_SYMLINK_NOFOLLOW | Paths.AT_EMPTY_PATH);
    Attributes.chown(t, Paths.resolve(t, a.fd(0), a.addr(1), flags), a.i32(2), a.i32(3));
    return 0;
  }

  /** utime(2). */
  public static long utime(Task t, SyscallArgs a) throws ErrnoException {
    long times = a.addr(1);
    long atime = Attributes.NOW;
    long mtime = Attributes.NOW;
    if (times != 0) {
      atime = nanos(t.mm().readLong(times), 0);
      mtime = nanos(t.mm().readLong(times + 8), 0);
    }
    Attributes.setTimes(t, Paths.resolve(t, a.addr(0), true), atime, mtime);
    return 0;
  }

  /** utimes(2). */
  public static long utimes(Task t, SyscallArgs a) throws ErrnoException {
    return setTimevals(t, Paths.AT_FDCWD, a.addr(0), a.addr(1));
  }

  /** futimesat(2). */
  public static long futimesat(Task t, SyscallArgs a) throws ErrnoException {
    return setTimevals(t, a.fd(0), a.addr(1), a.addr(2));
  }

  private static long setTimevals(Task t, int dirfd, long path, long times) throws ErrnoException {
    long atime = Attributes.NOW;
    long mtime = Attributes.NOW;
    if (times != 0) {
      atime = timeval(t, times);
      mtime = timeval(t, times + 16);
    }
    Attributes.setTimes(t, at(t, dirfd, path, 0), atime, mtime);
    return 0;
  }

  private static long timeval(Task t, long addr) throws ErrnoException {
    long micros = t.mm().readLong(addr + 8);
    if (micros < 0 || micros >= 1_000_000) {
      throw EINVAL.error();
    }
    return nanos(t.mm().readLong(addr), micros * 1000);
  }

  /** utimensat(2). */
  public static long utimensat(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(3);
    long times = a.addr(2);
    long atime = Attributes.NOW;
    long mtime = Attributes.NOW;
    if (times != 0) {
      atime = timespec(t, times);
      mtime = timespec(t, times + 16);
      if (atime == Attributes.OMIT && mtime == Attributes.OMIT) {
        return 0;
      }
    }
    Paths.checkFlags(flags, Paths.AT_SYMLINK_NOFOLLOW | Paths.AT_EMPTY_PATH);
    Attributes.setTimes(t, at(t, a.fd(0), a.addr(1), flags), atime, mtime);
    return 0;
  }

  /** A null path means the file {@code dirfd} itself. */
  private static Path at(Task t, int dirfd, long addr, int flags) throws ErrnoException {
    if (addr != 0 || dirfd == Paths.AT_FDCWD) {
      return Paths.resolve(t, dirfd, addr, addr == 0 ? 0 : flags);
    }
    if (flags != 0) {
      throw EINVAL.error();
    }
    FileDescription f = t.fds().get(dirfd);
    try {
      return f.path();
    } finally {
      f.close();
    }
  }

  private static long timespec(Task t, long addr) throws ErrnoException {
    long nanos = t.mm().readLong(addr + 8);
    if (nanos == UTIME_NOW) {
      return Attributes.NOW;
    }
    if (nanos == UTIME_OMIT) {
      return Attributes.OMIT;
    }
    if (nanos < 0 || nanos >= NANOS) {
      throw EINVAL.error();
    }
    return nanos(t.mm().readLong(addr), nanos);
  }

  /** Nanoseconds since the epoch, cut to what a file system here can store: the years 1677 to 2262. */
  private static long nanos(long seconds, long nanos) {
    long limit = Long.MAX_VALUE / NANOS - 1;
    return Math.max(-limit, Math.min(limit, seconds)) * NANOS + nanos;
  }

  /** truncate(2). */
  public static long truncate(Task t, SyscallArgs a) throws ErrnoException {
    long size = a.i64(1);
    if (size < 0) {
      throw EINVAL.error();
    }
    Path path = Paths.resolve(t, a.addr(0), true);
    if (path.dentry().inode().isRegular()) {
      FileIo.checkFileSize(t, size);
    }
    Attributes.truncate(t, path, size);
    return 0;
  }

  /** ftruncate(2). */
  public static long ftruncate(Task t, SyscallArgs a) throws ErrnoException {
    long size = a.i64(1);
    if (size < 0) {
      throw EINVAL.error();
    }
    FileDescription f = t.fds().get(a.fd(0));
    try {
      if (!f.inode().isRegular() || !f.isWritable()) {
        throw EINVAL.error();
      }
      FileIo.checkFileSize(t, size);
      Attributes.resize(t, f.path(), size);
      return 0;
    } finally {
      f.close();
    }
  }

  /** umask(2). */
  public static long umask(Task t, SyscallArgs a) {
    return t.fs().setUmask(a.i32(0));
  }
}
