package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.E2BIG;
import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENXIO;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.kernel.FdTable;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Open;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.PathWalk;

/** {@code open}, {@code close} and their kin. */
public final class SysOpen {
  private static final int KNOWN = OpenFlags.O_ACCMODE | OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_NOCTTY
      | OpenFlags.O_TRUNC | OpenFlags.O_CLOEXEC | OpenFlags.STATUS | OpenFlags.O_TMPFILE;
  private static final int PATH_FLAGS =
      OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW | OpenFlags.O_CLOEXEC;

  /** {@code struct open_how} ({@code man 2 openat2}): flags, mode, resolve. */
  private static final int OPEN_HOW_SIZE = 24;

  private static final int CLOSE_RANGE_UNSHARE = 2;
  private static final int CLOSE_RANGE_CLOEXEC = 4;

  private SysOpen() {}

  /** open(2). */
  public static long open(Task t, SyscallArgs a) throws ErrnoException {
    return open(t, Paths.AT_FDCWD, a.addr(0), a.i32(1), a.i32(2));
  }

  /** openat(2). */
  public static long openat(Task t, SyscallArgs a) throws ErrnoException {
    return open(t, a.fd(0), a.addr(1), a.i32(2), a.i32(3));
  }

  /** creat(2). */
  public static long creat(Task t, SyscallArgs a) throws ErrnoException {
    return open(t, Paths.AT_FDCWD, a.addr(0), OpenFlags.O_CREAT | OpenFlags.O_WRONLY | OpenFlags.O_TRUNC, a.i32(1));
  }

  /** Unknown flags are ignored, as {@code open} always did. */
  private static long open(Task t, int dirfd, long addr, int flags, int mode) throws ErrnoException {
    int known = flags & KNOWN;
    if ((known & OpenFlags.O_PATH) != 0) {
      known &= PATH_FLAGS;
    } else {
      // Every open of a 64-bit program is one for large files.
      known |= OpenFlags.O_LARGEFILE;
    }
    if ((known & OpenFlags.O_TMPFILE & ~OpenFlags.O_DIRECTORY) != 0) {
      boolean writes = (known & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY;
      if ((known & OpenFlags.O_DIRECTORY) == 0 || !writes || (known & OpenFlags.O_CREAT) != 0) {
        throw EINVAL.error();
      }
    }
    return open(t, dirfd, addr, known, mode & 07777, 0);
  }

  /** openat2(2). */
  public static long openat2(Task t, SyscallArgs a) throws ErrnoException {
    long addr = a.addr(2);
    long size = a.size(3);
    if (size >= 0 && size < OPEN_HOW_SIZE) {
      throw EINVAL.error();
    }
    if (size < 0 || size > 4096) {
      throw E2BIG.error();
    }
    long flags = t.mm().readLong(addr);
    long mode = t.mm().readLong(addr + 8);
    long resolve = t.mm().readLong(addr + 16);
    for (long i = OPEN_HOW_SIZE; i < size; i++) {
      if (t.mm().readByte(addr + i) != 0) {
        throw E2BIG.error();
      }
    }
    int bits = (int) flags;
    boolean creates = (bits & OpenFlags.O_CREAT) != 0
        || (bits & OpenFlags.O_TMPFILE) == OpenFlags.O_TMPFILE;
    long knownResolve = PathWalk.RESOLVE_BENEATH | PathWalk.RESOLVE_IN_ROOT | PathWalk.RESOLVE_NO_XDEV
        | PathWalk.RESOLVE_NO_MAGICLINKS | PathWalk.RESOLVE_NO_SYMLINKS | PathWalk.RESOLVE_CACHED;
    boolean isPath = (bits & OpenFlags.O_PATH) != 0;
    boolean bothRoots = (resolve & PathWalk.RESOLVE_BENEATH) != 0 && (resolve & PathWalk.RESOLVE_IN_ROOT) != 0;
    boolean badTmpfile = (bits & 020000000) != 0 && ((bits & OpenFlags.O_DIRECTORY) == 0
        || (bits & OpenFlags.O_ACCMODE) == OpenFlags.O_RDONLY || (bits & OpenFlags.O_CREAT) != 0);
    if ((flags & ~(long) KNOWN) != 0 || (mode & ~07777L) != 0 || !creates && mode != 0
        || (resolve & ~knownResolve) != 0 || isPath && (bits & ~PATH_FLAGS) != 0 || bothRoots || badTmpfile) {
      throw EINVAL.error();
    }
    if ((resolve & PathWalk.RESOLVE_CACHED) != 0) {
      // Linux: only what is cached may be used. Here: an application has to be ready for this answer at any time.
      throw EAGAIN.error();
    }
    return open(t, a.fd(0), a.addr(1), bits, (int) mode, (int) resolve);
  }

  private static long open(Task t, int dirfd, long addr, int flags, int mode, int resolve) throws ErrnoException {
    String path = Paths.read(t, addr);
    boolean confined = (resolve & (PathWalk.RESOLVE_BENEATH | PathWalk.RESOLVE_IN_ROOT)) != 0;
    FileDescription f = Open.open(t, Paths.base(t, dirfd, confined ? "" : path), path, flags, mode, resolve);
    long interrupted;
    try {
      interrupted = f.ops().isOpening() ? waitForOtherEnd(t, f) : 0;
    } catch (ErrnoException e) {
      f.close();
      throw e;
    }
    if (interrupted != 0) {
      f.close();
      return interrupted;
    }
    return t.fds().install(f, (flags & OpenFlags.O_CLOEXEC) != 0, t.fdLimit());
  }

  /** {@code man 7 fifo}: waits until the other end is open too; 0, or a restart code. */
  private static long waitForOtherEnd(Task t, FileDescription f) throws ErrnoException {
    if (f.isNonblocking()) {
      if (f.isReadable()) {
        return 0;
      }
      throw ENXIO.error();
    }
    f.register(t.waiter(), EventMask.READABLE | EventMask.WRITABLE);
    try {
      long retryNanos = f.ops().openingRetryNanos();
      while (f.ops().isOpening()) {
        long deadline = retryNanos < 0 ? Task.FOREVER : t.kernel().host().clock().monotonicNanos() + retryNanos;
        if (t.block(deadline) == Task.INTERRUPTED) {
          return Restart.ERESTARTSYS;
        }
      }
      return 0;
    } finally {
      f.unregister(t.waiter());
    }
  }

  /** close(2). */
  public static long close(Task t, SyscallArgs a) throws ErrnoException {
    t.fds().close(a.fd(0));
    return 0;
  }

  /** close_range(2). */
  public static long closeRange(Task t, SyscallArgs a) throws ErrnoException {
    long first = a.i32(0) & 0xffffffffL;
    long last = a.i32(1) & 0xffffffffL;
    int flags = a.i32(2);
    if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0 || first > last) {
      throw EINVAL.error();
    }
    if ((flags & CLOSE_RANGE_UNSHARE) != 0) {
      FdTable.unshare(t);
    }
    int from = (int) Math.min(first, FdTable.MAX_FDS);
    int to = (int) Math.min(last, FdTable.MAX_FDS);
    if ((flags & CLOSE_RANGE_CLOEXEC) != 0) {
      t.fds().closeRangeOnExec(from, to);
    } else {
      t.fds().closeRange(from, to);
    }
    return 0;
  }
}
