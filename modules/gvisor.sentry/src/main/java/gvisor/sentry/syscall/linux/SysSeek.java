package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EFBIG;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISDIR;
import static gvisor.api.errno.Errno.ENODEV;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EOVERFLOW;
import static gvisor.api.errno.Errno.ESPIPE;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.Attributes;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.Mount;
import gvisor.sentry.vfs.MountNamespace;
import gvisor.sentry.vfs.Notify;

/** File offsets, space, and writing back. */
public final class SysSeek {
  private static final int SEEK_SET = 0;
  private static final int SEEK_CUR = 1;
  private static final int SEEK_HOLE = 4;

  private static final int FALLOC_FL_KEEP_SIZE = 1;
  private static final int FALLOC_FL_PUNCH_HOLE = 2;
  private static final int FALLOC_FL_COLLAPSE_RANGE = 8;
  private static final int FALLOC_FL_ZERO_RANGE = 16;
  private static final int FALLOC_FL_INSERT_RANGE = 32;
  private static final int FALLOC_FL_UNSHARE_RANGE = 64;
  private static final int FALLOC_MODES = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE
      | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;

  private static final int POSIX_FADV_NOREUSE = 5;
  private static final int SYNC_FILE_RANGE_ALL = 7;

  private SysSeek() {}

  /** lseek(2). */
  public static long lseek(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      int whence = a.i32(2);
      if (whence < 0 || whence > SEEK_HOLE) {
        throw EINVAL.error();
      }
      if (!f.ops().isSeekable()) {
        throw ESPIPE.error();
      }
      return seek(t, f, a.i64(1), whence);
    } finally {
      f.close();
    }
  }

  private static long seek(Task t, FileDescription f, long offset, int whence) throws ErrnoException {
    f.offsetLock.lock();
    try {
      long target;
      if (whence == SEEK_SET || whence == SEEK_CUR) {
        target = whence == SEEK_SET ? offset : f.offset + offset;
        if (whence == SEEK_CUR && offset > 0 && target < 0 && !f.ops().takesAnyOffset()) {
          throw EOVERFLOW.error();
        }
        if (target < 0 && !f.ops().takesAnyOffset()) {
          throw EINVAL.error();
        }
        target = f.ops().seek(t, f, target, SEEK_SET);
      } else {
        target = f.ops().seek(t, f, offset, whence);
      }
      if (target < 0) {
        throw EINVAL.error();
      }
      f.offset = target;
      return target;
    } finally {
      f.offsetLock.unlock();
    }
  }

  /** fallocate(2). */
  public static long fallocate(Task t, SyscallArgs a) throws ErrnoException {
    int mode = a.i32(1);
    long offset = a.i64(2);
    long length = a.i64(3);
    FileDescription f = t.fds().get(a.fd(0));
    try {
      if (offset < 0 || length <= 0) {
        throw EINVAL.error();
      }
      int operation = mode & FALLOC_MODES;
      boolean isPunch = operation == FALLOC_FL_PUNCH_HOLE;
      boolean isShift = (operation & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) != 0;
      if ((mode & ~(FALLOC_MODES | FALLOC_FL_KEEP_SIZE)) != 0
          || isPunch && (mode & FALLOC_FL_KEEP_SIZE) == 0
          || !isShift && Integer.bitCount(operation) > 1) {
        throw EOPNOTSUPP.error();
      }
      if (isShift && Integer.bitCount(mode) > 1) {
        throw EINVAL.error();
      }
      if (!f.isWritable()) {
        throw EBADF.error();
      }
      switch (f.inode().type()) {
        case Inode.S_IFREG -> {}
        case Inode.S_IFIFO -> throw ESPIPE.error();
        case Inode.S_IFDIR -> throw EISDIR.error();
        default -> throw ENODEV.error();
      }
      if (offset + length < 0) {
        throw EFBIG.error();
      }
      if (operation == 0) {
        FileIo.checkFileSize(t, offset + length);
      }
      Attributes.contentChanges(t, f.inode());
      f.ops().fallocate(t, f, mode, offset, length);
      Notify.file(f.path().dentry(), Notify.IN_MODIFY);
      return 0;
    } finally {
      f.close();
    }
  }

  /** fsync(2). */
  public static long fsync(Task t, SyscallArgs a) throws ErrnoException {
    return sync(t, a.fd(0), false);
  }

  /** fdatasync(2). */
  public static long fdatasync(Task t, SyscallArgs a) throws ErrnoException {
    return sync(t, a.fd(0), true);
  }

  private static long sync(Task t, int fd, boolean dataOnly) throws ErrnoException {
    FileDescription f = t.fds().get(fd);
    try {
      f.ops().sync(f, dataOnly);
      return 0;
    } finally {
      f.close();
    }
  }

  /** sync(2): it cannot fail. */
  public static long sync(Task t, SyscallArgs a) {
    MountNamespace ns = t.fs().root().mount().namespace();
    if (ns == null) {
      return 0;
    }
    for (Mount m : ns.mounts()) {
      try {
        m.superblock().sync();
      } catch (ErrnoException e) {
        // The caller of sync(2) is told nothing; fsync tells.
      }
    }
    return 0;
  }

  /** syncfs(2). */
  public static long syncfs(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      f.path().mount().superblock().sync();
      return 0;
    } finally {
      f.close();
    }
  }

  /** sync_file_range(2): writes more back than asked for. */
  public static long syncFileRange(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      long offset = a.i64(1);
      long length = a.i64(2);
      int flags = a.i32(3);
      if ((flags & ~SYNC_FILE_RANGE_ALL) != 0 || offset < 0 || length < 0 || offset + length < 0) {
        throw EINVAL.error();
      }
      if (!f.inode().isRegular() && !f.inode().isDirectory()) {
        throw ESPIPE.error();
      }
      if (flags != 0) {
        f.ops().sync(f, true);
      }
      return 0;
    } finally {
      f.close();
    }
  }

  /** posix_fadvise(2): advice that is not needed here is checked and not taken. */
  public static long fadvise64(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      if (f.inode().type() == Inode.S_IFIFO) {
        throw ESPIPE.error();
      }
      int advice = a.i32(3);
      if (advice < 0 || advice > POSIX_FADV_NOREUSE || a.i64(2) < 0) {
        throw EINVAL.error();
      }
      return 0;
    } finally {
      f.close();
    }
  }

  /** readahead(2). */
  public static long readahead(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      if (!f.isReadable()) {
        throw EBADF.error();
      }
      if (!f.inode().isRegular()) {
        throw EINVAL.error();
      }
      return 0;
    } finally {
      f.close();
    }
  }
}
