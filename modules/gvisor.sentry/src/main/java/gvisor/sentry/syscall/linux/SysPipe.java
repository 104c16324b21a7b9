package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.pipe.Pipe;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.OpenFlags;

/** {@code pipe} and {@code pipe2}. */
public final class SysPipe {
  private static final int KNOWN = OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK | OpenFlags.O_DIRECT;

  private SysPipe() {}

  /** pipe(2). */
  public static long pipe(Task t, SyscallArgs a) throws ErrnoException {
    return pipe(t, a.addr(0), 0);
  }

  /** pipe2(2). */
  public static long pipe2(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(1);
    if ((flags & ~KNOWN) != 0) {
      throw EINVAL.error();
    }
    return pipe(t, a.addr(0), flags);
  }

  private static long pipe(Task t, long addr, int flags) throws ErrnoException {
    boolean cloexec = (flags & OpenFlags.O_CLOEXEC) != 0;
    FileDescription[] ends = Pipe.open(t, t.kernel().vfs(), flags);
    return installPair(t, ends[0], ends[1], cloexec, addr);
  }

  /** Gives two files descriptors and stores them as two ints at {@code addr}; on failure neither is left. */
  public static long installPair(Task t, FileDescription first, FileDescription second, boolean cloexec, long addr)
      throws ErrnoException {
    int fd0;
    try {
      fd0 = t.fds().install(first, cloexec, t.fdLimit());
    } catch (ErrnoException e) {
      second.close();
      throw e;
    }
    int fd1 = -1;
    try {
      fd1 = t.fds().install(second, cloexec, t.fdLimit());
      // One store of both, so that a fault leaves nothing behind.
      t.mm().writeLong(addr, fd0 & 0xffffffffL | (long) fd1 << 32);
      return 0;
    } catch (ErrnoException e) {
      t.fds().close(fd0);
      if (fd1 >= 0) {
        t.fds().close(fd1);
      }
      throw e;
    }
  }
}
