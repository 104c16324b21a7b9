package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOENT;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathWalk;

/** Path arguments of system calls, with their {@code dirfd} and AT_* flags. */
public final class Paths {
  public static final int AT_FDCWD = -100;
  public static final int AT_SYMLINK_NOFOLLOW = 0x100;
  public static final int AT_EACCESS = 0x200;
  public static final int AT_REMOVEDIR = 0x200;
  public static final int AT_SYMLINK_FOLLOW = 0x400;
  public static final int AT_NO_AUTOMOUNT = 0x800;
  public static final int AT_EMPTY_PATH = 0x1000;
  public static final int AT_STATX_SYNC_TYPE = 0x6000;
  public static final int AT_RECURSIVE = 0x8000;

  private Paths() {}

  /** The path name at {@code addr}: EFAULT, ENAMETOOLONG. */
  public static String read(Task t, long addr) throws ErrnoException {
    return t.mm().readString(addr, PathWalk.PATH_MAX - 1);
  }

  /** Where {@code path} starts: null for the current directory, and for an absolute path. EBADF. */
  public static Path base(Task t, int dirfd, String path) throws ErrnoException {
    if (dirfd == AT_FDCWD || !path.isEmpty() && path.charAt(0) == '/') {
      return null;
    }
    FileDescription f = t.fds().getAny(dirfd);
    try {
      return f.path();
    } finally {
      f.close();
    }
  }

  /** Where the path at {@code addr} leads; {@code flags} have been checked for unknown ones. */
  public static Path resolve(Task t, int dirfd, long addr, int flags) throws ErrnoException {
    if (addr == 0 && (flags & AT_EMPTY_PATH) != 0) {
      return at(t, dirfd);
    }
    String path = read(t, addr);
    if (path.isEmpty()) {
      if ((flags & AT_EMPTY_PATH) == 0) {
        throw ENOENT.error();
      }
      return at(t, dirfd);
    }
    return PathWalk.resolve(t, base(t, dirfd, path), path, (flags & AT_SYMLINK_NOFOLLOW) == 0);
  }

  private static Path at(Task t, int dirfd) throws ErrnoException {
    Path p = base(t, dirfd, "");
    return p == null ? t.fs().cwd() : p;
  }

  /** Where the path at {@code addr} leads from the current directory. */
  static Path resolve(Task t, long addr, boolean follow) throws ErrnoException {
    return PathWalk.resolve(t, null, read(t, addr), follow);
  }

  /** EINVAL for a flag that is not among {@code known}. */
  static void checkFlags(int flags, int known) throws ErrnoException {
    if ((flags & ~known) != 0) {
      throw EINVAL.error();
    }
  }
}
