package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.ESPIPE;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.UserBuffer;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;

/** {@code read}, {@code write} and their vector and positional kin. */
public final class SysRead {
  /** Most entries of an iovec ({@code man 2 readv}). */
  private static final int IOV_MAX = 1024;

  private static final int RWF_HIPRI = 1;
  private static final int RWF_DSYNC = 2;
  private static final int RWF_SYNC = 4;
  private static final int RWF_NOWAIT = 8;
  private static final int RWF_APPEND = 16;

  private SysRead() {}

  /** read(2). */
  public static long read(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      return FileIo.read(t, f, buffer(t, a), FileIo.OWN_OFFSET);
    } finally {
      f.close();
    }
  }

  /** write(2). */
  public static long write(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      return FileIo.write(t, f, buffer(t, a), FileIo.OWN_OFFSET);
    } finally {
      f.close();
    }
  }

  /** pread(2). */
  public static long pread64(Task t, SyscallArgs a) throws ErrnoException {
    long offset = a.i64(3);
    if (offset < 0) {
      throw EINVAL.error();
    }
    FileDescription f = t.fds().get(a.fd(0));
    try {
      requireSeekable(f);
      return FileIo.read(t, f, buffer(t, a), offset);
    } finally {
      f.close();
    }
  }

  /** pwrite(2). */
  public static long pwrite64(Task t, SyscallArgs a) throws ErrnoException {
    long offset = a.i64(3);
    if (offset < 0) {
      throw EINVAL.error();
    }
    FileDescription f = t.fds().get(a.fd(0));
    try {
      requireSeekable(f);
      return FileIo.write(t, f, buffer(t, a), offset);
    } finally {
      f.close();
    }
  }

  /** readv(2). */
  public static long readv(Task t, SyscallArgs a) throws ErrnoException {
    return readVector(t, a, FileIo.OWN_OFFSET, 0);
  }

  /** writev(2). */
  public static long writev(Task t, SyscallArgs a) throws ErrnoException {
    return writeVector(t, a, FileIo.OWN_OFFSET, 0);
  }

  /** preadv(2). */
  public static long preadv(Task t, SyscallArgs a) throws ErrnoException {
    return readVector(t, a, position(a), 0);
  }

  /** pwritev(2). */
  public static long pwritev(Task t, SyscallArgs a) throws ErrnoException {
    return writeVector(t, a, position(a), 0);
  }

  /** preadv2(2). */
  public static long preadv2(Task t, SyscallArgs a) throws ErrnoException {
    return readVector(t, a, a.i64(3) == -1 ? FileIo.OWN_OFFSET : position(a), a.i32(5));
  }

  /** pwritev2(2). */
  public static long pwritev2(Task t, SyscallArgs a) throws ErrnoException {
    return writeVector(t, a, a.i64(3) == -1 ? FileIo.OWN_OFFSET : position(a), a.i32(5));
  }

  /** The 64-bit offset is in one register; the high half's register is ignored on x86-64. */
  private static long position(SyscallArgs a) throws ErrnoException {
    if (a.i64(3) < 0) {
      throw EINVAL.error();
    }
    return a.i64(3);
  }

  private static long readVector(Task t, SyscallArgs a, long offset, int flags) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      if (!f.isReadable()) {
        throw EBADF.error();
      }
      checkFlags(flags);
      if (offset != FileIo.OWN_OFFSET) {
        requireSeekable(f);
      }
      return FileIo.read(t, f, vector(t, a), offset, f.isNonblocking() || (flags & RWF_NOWAIT) != 0);
    } finally {
      f.close();
    }
  }

  private static long writeVector(Task t, SyscallArgs a, long offset, int flags) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      if (!f.isWritable()) {
        throw EBADF.error();
      }
      checkFlags(flags);
      if (offset != FileIo.OWN_OFFSET) {
        requireSeekable(f);
      }
      long n = FileIo.write(t, f, vector(t, a), offset, f.isAppend() || (flags & RWF_APPEND) != 0,
          f.isNonblocking() || (flags & RWF_NOWAIT) != 0);
      if (n > 0 && (flags & (RWF_DSYNC | RWF_SYNC)) != 0 && f.ops().isSeekable()) {
        f.ops().sync(f, (flags & RWF_SYNC) == 0);
      }
      return n;
    } finally {
      f.close();
    }
  }

  private static void checkFlags(int flags) throws ErrnoException {
    if ((flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)) != 0) {
      throw EOPNOTSUPP.error();
    }
  }

  private static void requireSeekable(FileDescription f) throws ErrnoException {
    if (!f.ops().isSeekable()) {
      throw ESPIPE.error();
    }
  }

  private static UserBuffer buffer(Task t, SyscallArgs a) throws ErrnoException {
    long length = a.size(2);
    if (!t.mm().isUserRange(a.addr(1), length)) {
      throw EFAULT.error();
    }
    return t.buffer(a.addr(1), length);
  }

  /** The task's buffer over an iovec of the application, whose count is an unsigned long. */
  static UserBuffer vector(Task t, SyscallArgs a) throws ErrnoException {
    long count = a.size(2);
    if (count < 0 || count > IOV_MAX) {
      throw EINVAL.error();
    }
    UserBuffer buffer = t.buffer(0, 0);
    t.mm().wrapVector(buffer, a.addr(1), (int) count);
    return buffer;
  }
}
