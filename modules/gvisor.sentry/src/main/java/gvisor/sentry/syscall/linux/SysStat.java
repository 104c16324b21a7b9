package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.abi.Stat;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.Mount;
import gvisor.sentry.vfs.MountFlags;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.StatBuf;
import gvisor.sentry.vfs.StatFs;
import java.lang.foreign.MemorySegment;

/** {@code stat}, {@code statx}, {@code statfs} and their kin. */
public final class SysStat {
  private static final int STATX_RESERVED = 0x80000000;
  private static final int ST_VALID = 0x20;
  private static final long PIPEFS_MAGIC = 0x50495045;
  private static final long SOCKFS_MAGIC = 0x534f434b;

  private SysStat() {}

  /** stat(2). */
  public static long stat(Task t, SyscallArgs a) throws ErrnoException {
    return put(t, Paths.resolve(t, a.addr(0), true), a.addr(1));
  }

  /** lstat(2). */
  public static long lstat(Task t, SyscallArgs a) throws ErrnoException {
    return put(t, Paths.resolve(t, a.addr(0), false), a.addr(1));
  }

  /** fstat(2). */
  public static long fstat(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().getAny(a.fd(0));
    try {
      return put(t, f.path(), a.addr(1));
    } finally {
      f.close();
    }
  }

  /** fstatat(2). */
  public static long newfstatat(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(3);
    Paths.checkFlags(flags, Paths.AT_SYMLINK_NOFOLLOW | Paths.AT_EMPTY_PATH | Paths.AT_NO_AUTOMOUNT);
    return put(t, Paths.resolve(t, a.fd(0), a.addr(1), flags), a.addr(2));
  }

  private static long put(Task t, Path path, long addr) throws ErrnoException {
    StatBuf s = new StatBuf();
    path.dentry().inode().stat(s);
    MemorySegment scratch = t.scratch();
    StatCodec.putStat(scratch, s);
    t.mm().copyOut(addr, scratch, 0, Stat.SIZE);
    return 0;
  }

  /** statx(2). */
  public static long statx(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(2);
    Paths.checkFlags(flags, Paths.AT_SYMLINK_NOFOLLOW | Paths.AT_EMPTY_PATH | Paths.AT_NO_AUTOMOUNT
        | Paths.AT_STATX_SYNC_TYPE);
    if ((a.i32(3) & STATX_RESERVED) != 0
        || (flags & Paths.AT_STATX_SYNC_TYPE) == Paths.AT_STATX_SYNC_TYPE) {
      throw EINVAL.error();
    }
    Path path = Paths.resolve(t, a.fd(0), a.addr(1), flags);
    StatBuf s = new StatBuf();
    path.dentry().inode().stat(s);
    MemorySegment scratch = t.scratch();
    boolean isMountRoot = path.mount().vfs() != null && path.dentry() == path.mount().root();
    StatCodec.putStatx(scratch, s, path.mount().id(), isMountRoot);
    t.mm().copyOut(a.addr(4), scratch, 0, StatCodec.STATX_SIZE);
    return 0;
  }

  /** statfs(2). */
  public static long statfs(Task t, SyscallArgs a) throws ErrnoException {
    return putFs(t, Paths.resolve(t, a.addr(0), true), a.addr(1));
  }

  /** fstatfs(2). */
  public static long fstatfs(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().getAny(a.fd(0));
    try {
      return putFs(t, f.path(), a.addr(1));
    } finally {
      f.close();
    }
  }

  private static long putFs(Task t, Path path, long addr) throws ErrnoException {
    Mount m = path.mount();
    StatFs s = new StatFs();
    m.superblock().statfs(s);
    if (s.type == AnonFile.ANON_INODE_FS_MAGIC) {
      // Linux: file systems of their own. Here: files without a name are in one.
      switch (path.dentry().inode().type()) {
        case Inode.S_IFIFO -> s.type = PIPEFS_MAGIC;
        case Inode.S_IFSOCK -> s.type = SOCKFS_MAGIC;
        default -> {}
      }
    }
    // ST_RDONLY to ST_NOEXEC have the numbers of MS_*; the time stamp flags do not.
    int f = m.flags();
    long flags = ST_VALID | f & (MountFlags.MS_NOSUID | MountFlags.MS_NODEV | MountFlags.MS_NOEXEC);
    flags |= m.isReadOnly() ? MountFlags.MS_RDONLY : 0;
    flags |= (f & MountFlags.MS_NOATIME) != 0 ? 0x400 : 0;
    flags |= (f & MountFlags.MS_NODIRATIME) != 0 ? 0x800 : 0;
    flags |= (f & MountFlags.MS_RELATIME) != 0 ? 0x1000 : 0;
    MemorySegment scratch = t.scratch();
    StatCodec.putStatfs(scratch, s, m.superblock().dev(), flags);
    t.mm().copyOut(addr, scratch, 0, StatCodec.STATFS_SIZE);
    return 0;
  }
}
