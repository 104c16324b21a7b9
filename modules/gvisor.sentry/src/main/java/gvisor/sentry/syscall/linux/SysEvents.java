package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOTDIR;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.anon.EventFd;
import gvisor.sentry.fs.anon.Inotify;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Notify;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.Permissions;

/** {@code eventfd} and {@code inotify}. */
public final class SysEvents {
  private static final int EFD_SEMAPHORE = 1;
  private static final int FD_FLAGS = OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK;
  private static final int IN_KNOWN = Notify.IN_ALL_EVENTS | Inotify.IN_ONLYDIR | Inotify.IN_DONT_FOLLOW
      | Inotify.IN_EXCL_UNLINK | Inotify.IN_MASK_CREATE | Inotify.IN_MASK_ADD | Inotify.IN_ONESHOT;

  private SysEvents() {}

  /** eventfd(2) without flags. */
  public static long eventfd(Task t, SyscallArgs a) throws ErrnoException {
    return eventfd(t, a.i32(0), 0);
  }

  /** eventfd(2). */
  public static long eventfd2(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(1);
    if ((flags & ~(FD_FLAGS | EFD_SEMAPHORE)) != 0) {
      throw EINVAL.error();
    }
    return eventfd(t, a.i32(0), flags);
  }

  private static long eventfd(Task t, int initial, int flags) throws ErrnoException {
    FileDescription f = EventFd.open(t.kernel().vfs(), initial & 0xffffffffL, (flags & EFD_SEMAPHORE) != 0,
        OpenFlags.O_RDWR | flags & OpenFlags.O_NONBLOCK);
    return t.fds().install(f, (flags & OpenFlags.O_CLOEXEC) != 0, t.fdLimit());
  }

  /** inotify_init(2). */
  public static long inotifyInit(Task t, SyscallArgs a) throws ErrnoException {
    return inotify(t, 0);
  }

  /** inotify_init1(2). */
  public static long inotifyInit1(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(0);
    if ((flags & ~FD_FLAGS) != 0) {
      throw EINVAL.error();
    }
    return inotify(t, flags);
  }

  private static long inotify(Task t, int flags) throws ErrnoException {
    FileDescription f = Inotify.open(t.kernel().vfs(), OpenFlags.O_RDONLY | flags & OpenFlags.O_NONBLOCK);
    return t.fds().install(f, (flags & OpenFlags.O_CLOEXEC) != 0, t.fdLimit());
  }

  /** inotify_add_watch(2). */
  public static long inotifyAddWatch(Task t, SyscallArgs a) throws ErrnoException {
    int mask = a.i32(2);
    boolean both = (mask & Inotify.IN_MASK_ADD) != 0 && (mask & Inotify.IN_MASK_CREATE) != 0;
    if ((mask & ~IN_KNOWN & ~Notify.IN_UNMOUNT & ~Notify.IN_Q_OVERFLOW & ~Notify.IN_IGNORED & ~Notify.IN_ISDIR) != 0
        || (mask & Notify.IN_ALL_EVENTS) == 0 || both) {
      throw EINVAL.error();
    }
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Inotify inotify = Inotify.of(f);
      Path path = Paths.resolve(t, a.addr(1), (mask & Inotify.IN_DONT_FOLLOW) == 0);
      if ((mask & Inotify.IN_ONLYDIR) != 0 && !path.dentry().inode().isDirectory()) {
        throw ENOTDIR.error();
      }
      path.dentry().inode().checkPermission(t, Permissions.MAY_READ);
      return inotify.add(path, mask);
    } finally {
      f.close();
    }
  }

  /** inotify_rm_watch(2). */
  public static long inotifyRmWatch(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Inotify.of(f).remove(a.i32(1));
      return 0;
    } finally {
      f.close();
    }
  }
}
