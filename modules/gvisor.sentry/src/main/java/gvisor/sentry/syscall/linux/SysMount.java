package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FsContext;
import gvisor.sentry.vfs.MountFlags;
import gvisor.sentry.vfs.MountNamespace;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathWalk;
import gvisor.sentry.vfs.Superblock;

/** {@code mount}, {@code umount2} and {@code pivot_root}. */
public final class SysMount {
  private static final int PAGE = 4096;
  private static final int MS_MGC_VAL = 0xc0ed0000;
  private static final int MS_MGC_MASK = 0xffff0000;

  private SysMount() {}

  /** mount(2). */
  public static long mount(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(3);
    if ((flags & MS_MGC_MASK) == MS_MGC_VAL) {
      flags &= ~MS_MGC_MASK;
    }
    String target = Paths.read(t, a.addr(1));
    String data = a.addr(4) == 0 ? "" : text(t, a.addr(4));
    Path at = PathWalk.resolve(t, null, target, true);
    requireAdmin(t);
    MountNamespace ns = namespace(t);
    if ((flags & MountFlags.MS_REMOUNT) != 0) {
      return remount(t, ns, at, flags, data);
    }
    if ((flags & MountFlags.MS_BIND) != 0) {
      Path from = PathWalk.resolve(t, null, Paths.read(t, a.addr(0)), true);
      ns.bind(from, at, (flags & MountFlags.MS_REC) != 0);
      return 0;
    }
    if ((flags & MountFlags.PROPAGATION) != 0) {
      int type = flags & MountFlags.PROPAGATION;
      int others = flags & ~(type | MountFlags.MS_REC | MountFlags.MS_SILENT);
      if (Integer.bitCount(type) != 1 || others != 0) {
        throw EINVAL.error();
      }
      ns.setPropagation(at, type, (flags & MountFlags.MS_REC) != 0);
      return 0;
    }
    if ((flags & MountFlags.MS_MOVE) != 0) {
      ns.move(PathWalk.resolve(t, null, Paths.read(t, a.addr(0)), true), at);
      return 0;
    }
    String type = text(t, a.addr(2));
    String source = a.addr(0) == 0 ? "none" : Paths.read(t, a.addr(0));
    Superblock superblock = t.kernel().vfs().type(type).mount(t, source, data);
    ns.mount(superblock, source, at, flags);
    return 0;
  }

  private static long remount(Task t, MountNamespace ns, Path at, int flags, String data) throws ErrnoException {
    ns.remount(at, flags);
    if ((flags & MountFlags.MS_BIND) == 0) {
      Superblock superblock = at.mount().superblock();
      superblock.remount(t, data);
      superblock.setReadOnly((flags & MountFlags.MS_RDONLY) != 0);
    }
    return 0;
  }

  private static String text(Task t, long addr) throws ErrnoException {
    return t.mm().readString(addr, PAGE - 1);
  }

  /** umount2(2). */
  public static long umount2(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(1);
    Paths.checkFlags(flags, MountNamespace.MNT_FORCE | MountNamespace.MNT_DETACH | MountNamespace.MNT_EXPIRE
        | MountNamespace.UMOUNT_NOFOLLOW);
    Path at = Paths.resolve(t, a.addr(0), (flags & MountNamespace.UMOUNT_NOFOLLOW) == 0);
    requireAdmin(t);
    namespace(t).unmount(at, flags);
    return 0;
  }

  /** pivot_root(2). */
  public static long pivotRoot(Task t, SyscallArgs a) throws ErrnoException {
    requireAdmin(t);
    Path newRoot = Paths.resolve(t, a.addr(0), true);
    Path putOld = Paths.resolve(t, a.addr(1), true);
    if (!newRoot.dentry().inode().isDirectory() || !putOld.dentry().inode().isDirectory()) {
      throw gvisor.api.errno.Errno.ENOTDIR.error();
    }
    Path oldRoot = t.fs().root();
    namespace(t).pivotRoot(newRoot, putOld, oldRoot);
    // Whoever had the old root as root or current directory, in whatever process, has the new one.
    for (ThreadGroup group : t.kernel().rootPidNamespace().threadGroups()) {
      for (Task other : group.tasks()) {
        FsContext fs = other.fs();
        if (fs != null) {
          fs.moved(oldRoot, newRoot);
        }
      }
    }
    return 0;
  }

  private static void requireAdmin(Task t) throws ErrnoException {
    if (!t.creds().has(Capability.CAP_SYS_ADMIN)) {
      throw EPERM.error();
    }
  }

  private static MountNamespace namespace(Task t) throws ErrnoException {
    MountNamespace ns = t.fs().root().mount().namespace();
    if (ns == null) {
      throw EINVAL.error();
    }
    return ns;
  }
}
