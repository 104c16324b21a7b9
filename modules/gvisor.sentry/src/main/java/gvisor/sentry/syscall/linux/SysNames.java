package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.Names;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathWalk;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Making, renaming and removing names. */
public final class SysNames {
  private SysNames() {}

  /** mkdir(2). */
  public static long mkdir(Task t, SyscallArgs a) throws ErrnoException {
    Names.mkdir(t, null, Paths.read(t, a.addr(0)), a.i32(1));
    return 0;
  }

  /** mkdirat(2). */
  public static long mkdirat(Task t, SyscallArgs a) throws ErrnoException {
    String path = Paths.read(t, a.addr(1));
    Names.mkdir(t, Paths.base(t, a.fd(0), path), path, a.i32(2));
    return 0;
  }

  /** mknod(2). */
  public static long mknod(Task t, SyscallArgs a) throws ErrnoException {
    return mknod(t, Paths.AT_FDCWD, a.addr(0), a.i32(1), a.i32(2));
  }

  /** mknodat(2). */
  public static long mknodat(Task t, SyscallArgs a) throws ErrnoException {
    return mknod(t, a.fd(0), a.addr(1), a.i32(2), a.i32(3));
  }

  private static long mknod(Task t, int dirfd, long addr, int mode, int rdev) throws ErrnoException {
    switch (mode & Inode.S_IFMT) {
      case 0, Inode.S_IFREG, Inode.S_IFIFO, Inode.S_IFSOCK, Inode.S_IFCHR, Inode.S_IFBLK -> {}
      case Inode.S_IFDIR -> throw EPERM.error();
      default -> throw EINVAL.error();
    }
    String path = Paths.read(t, addr);
    Names.mknod(t, Paths.base(t, dirfd, path), path, mode, rdev & 0xffffffffL);
    return 0;
  }

  /** symlink(2). */
  public static long symlink(Task t, SyscallArgs a) throws ErrnoException {
    Names.symlink(t, Paths.read(t, a.addr(0)), null, Paths.read(t, a.addr(1)));
    return 0;
  }

  /** symlinkat(2). */
  public static long symlinkat(Task t, SyscallArgs a) throws ErrnoException {
    String target = Paths.read(t, a.addr(0));
    String path = Paths.read(t, a.addr(2));
    Names.symlink(t, target, Paths.base(t, a.fd(1), path), path);
    return 0;
  }

  /** link(2). */
  public static long link(Task t, SyscallArgs a) throws ErrnoException {
    Path from = Paths.resolve(t, a.addr(0), false);
    Names.link(t, from, null, Paths.read(t, a.addr(1)));
    return 0;
  }

  /** linkat(2). */
  public static long linkat(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(4);
    Paths.checkFlags(flags, Paths.AT_SYMLINK_FOLLOW | Paths.AT_EMPTY_PATH);
    if ((flags & Paths.AT_EMPTY_PATH) != 0 && !t.creds().has(Capability.CAP_DAC_READ_SEARCH)) {
      throw ENOENT.error();
    }
    int resolve = flags & Paths.AT_EMPTY_PATH
        | ((flags & Paths.AT_SYMLINK_FOLLOW) != 0 ? 0 : Paths.AT_SYMLINK_NOFOLLOW);
    Path from = Paths.resolve(t, a.fd(0), a.addr(1), resolve);
    String path = Paths.read(t, a.addr(3));
    Names.link(t, from, Paths.base(t, a.fd(2), path), path);
    return 0;
  }

  /** unlink(2). */
  public static long unlink(Task t, SyscallArgs a) throws ErrnoException {
    Names.unlink(t, null, Paths.read(t, a.addr(0)));
    return 0;
  }

  /** unlinkat(2). */
  public static long unlinkat(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(2);
    Paths.checkFlags(flags, Paths.AT_REMOVEDIR);
    String path = Paths.read(t, a.addr(1));
    Path base = Paths.base(t, a.fd(0), path);
    if ((flags & Paths.AT_REMOVEDIR) != 0) {
      Names.rmdir(t, base, path);
    } else {
      Names.unlink(t, base, path);
    }
    return 0;
  }

  /** rmdir(2). */
  public static long rmdir(Task t, SyscallArgs a) throws ErrnoException {
    Names.rmdir(t, null, Paths.read(t, a.addr(0)));
    return 0;
  }

  /** rename(2). */
  public static long rename(Task t, SyscallArgs a) throws ErrnoException {
    Names.rename(t, null, Paths.read(t, a.addr(0)), null, Paths.read(t, a.addr(1)), 0);
    return 0;
  }

  /** renameat(2). */
  public static long renameat(Task t, SyscallArgs a) throws ErrnoException {
    return rename(t, a, 0);
  }

  /** renameat2(2). */
  public static long renameat2(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(4);
    Paths.checkFlags(flags, Names.RENAME_NOREPLACE | Names.RENAME_EXCHANGE | Names.RENAME_WHITEOUT);
    boolean keeps = (flags & (Names.RENAME_NOREPLACE | Names.RENAME_WHITEOUT)) != 0;
    if (keeps && (flags & Names.RENAME_EXCHANGE) != 0) {
      throw EINVAL.error();
    }
    if ((flags & Names.RENAME_WHITEOUT) != 0 && !t.creds().has(Capability.CAP_MKNOD)) {
      throw EPERM.error();
    }
    return rename(t, a, flags);
  }

  private static long rename(Task t, SyscallArgs a, int flags) throws ErrnoException {
    String from = Paths.read(t, a.addr(1));
    String to = Paths.read(t, a.addr(3));
    Names.rename(t, Paths.base(t, a.fd(0), from), from, Paths.base(t, a.fd(2), to), to, flags);
    return 0;
  }

  /** readlink(2). */
  public static long readlink(Task t, SyscallArgs a) throws ErrnoException {
    return readlink(t, Paths.AT_FDCWD, a.addr(0), a.addr(1), a.i32(2));
  }

  /** readlinkat(2). */
  public static long readlinkat(Task t, SyscallArgs a) throws ErrnoException {
    return readlink(t, a.fd(0), a.addr(1), a.addr(2), a.i32(3));
  }

  private static long readlink(Task t, int dirfd, long addr, long buffer, int size) throws ErrnoException {
    if (size <= 0) {
      throw EINVAL.error();
    }
    String path = Paths.read(t, addr);
    Inode inode;
    if (path.isEmpty() && dirfd != Paths.AT_FDCWD) {
      FileDescription f = t.fds().getAny(dirfd);
      try {
        inode = f.inode();
      } finally {
        f.close();
      }
      if (!inode.isSymlink()) {
        throw ENOENT.error();
      }
    } else {
      inode = PathWalk.resolve(t, Paths.base(t, dirfd, path), path, false).dentry().inode();
      if (!inode.isSymlink()) {
        throw EINVAL.error();
      }
    }
    String target = inode.readlink(t);
    int length = Math.min(Math.min(size, target.length()), PathWalk.PATH_MAX);
    MemorySegment scratch = t.scratch();
    for (int i = 0; i < length; i++) {
      scratch.set(ValueLayout.JAVA_BYTE, i, (byte) target.charAt(i));
    }
    t.mm().copyOut(buffer, scratch, 0, length);
    return length;
  }
}
