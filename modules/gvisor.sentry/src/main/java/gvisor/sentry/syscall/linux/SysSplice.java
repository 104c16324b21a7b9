package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISDIR;
import static gvisor.api.errno.Errno.ESPIPE;
import static gvisor.api.errno.Errno.EOVERFLOW;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.fs.pipe.Pipe;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;

/** Moving bytes between files without the application's memory: through the task's scratch memory. */
public final class SysSplice {
  private static final int SPLICE_F_MOVE = 1;
  private static final int SPLICE_F_NONBLOCK = 2;
  private static final int SPLICE_F_MORE = 4;
  private static final int SPLICE_F_GIFT = 8;
  private static final int SPLICE_FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;

  private static final long MAX_RW_COUNT = 0x7ffff000L;
  private static final int PIECE = 1 << 15;

  private SysSplice() {}

  /** sendfile(2). */
  public static long sendfile(Task t, SyscallArgs a) throws ErrnoException {
    long offsetAddr = a.addr(2);
    FileDescription out = t.fds().get(a.fd(0));
    try {
      FileDescription in = t.fds().get(a.fd(1));
      try {
        if (!in.isReadable() || !out.isWritable()) {
          throw EBADF.error();
        }
        if (offsetAddr != 0 && !in.ops().isSeekable()) {
          throw ESPIPE.error();
        }
        if (in.inode().isDirectory() || out.isAppend() || a.size(3) < 0) {
          throw EINVAL.error();
        }
        // What cannot be put back is moved only where it waits until it is wanted: into a pipe.
        if (Pipe.of(in) != null || !in.ops().isSeekable() && Pipe.of(out) == null) {
          throw EINVAL.error();
        }
        checkSplices(in, out);
        long offset = FileIo.OWN_OFFSET;
        if (offsetAddr != 0) {
          offset = t.mm().readLong(offsetAddr);
          checkOffset(offset);
        }
        long n = copy(t, in, offset, out, FileIo.OWN_OFFSET, Math.min(a.size(3), MAX_RW_COUNT), false);
        if (offsetAddr != 0 && n > 0) {
          t.mm().writeLong(offsetAddr, offset + n);
        }
        return n;
      } finally {
        in.close();
      }
    } finally {
      out.close();
    }
  }

  /** copy_file_range(2). */
  public static long copyFileRange(Task t, SyscallArgs a) throws ErrnoException {
    long inAddr = a.addr(1);
    long outAddr = a.addr(3);
    FileDescription in = t.fds().get(a.fd(0));
    try {
      FileDescription out = t.fds().get(a.fd(2));
      try {
        if (a.i32(5) != 0) {
          throw EINVAL.error();
        }
        long inOffset = inAddr == 0 ? FileIo.OWN_OFFSET : t.mm().readLong(inAddr);
        long outOffset = outAddr == 0 ? FileIo.OWN_OFFSET : t.mm().readLong(outAddr);
        if (in.inode().isDirectory() || out.inode().isDirectory()) {
          throw EISDIR.error();
        }
        if (!in.inode().isRegular() || !out.inode().isRegular()) {
          throw EINVAL.error();
        }
        if (!in.isReadable() || !out.isWritable() || out.isAppend()) {
          throw EBADF.error();
        }
        long length = Math.min(a.size(4) < 0 ? MAX_RW_COUNT : a.size(4), MAX_RW_COUNT);
        if (inAddr != 0) {
          checkOffset(inOffset);
        }
        if (outAddr != 0) {
          checkOffset(outOffset);
        }
        if (in.inode() == out.inode()) {
          checkOverlap(in, inOffset, out, outOffset, length);
        }
        long n = copy(t, in, inOffset, out, outOffset, length, false);
        if (n > 0 && inAddr != 0) {
          t.mm().writeLong(inAddr, inOffset + n);
        }
        if (n > 0 && outAddr != 0) {
          t.mm().writeLong(outAddr, outOffset + n);
        }
        return n;
      } finally {
        out.close();
      }
    } finally {
      in.close();
    }
  }

  private static void checkOverlap(FileDescription in, long inOffset, FileDescription out, long outOffset, long length)
      throws ErrnoException {
    long from = inOffset == FileIo.OWN_OFFSET ? in.offset : inOffset;
    long to = outOffset == FileIo.OWN_OFFSET ? out.offset : outOffset;
    if (Math.abs(from - to) < length) {
      throw EINVAL.error();
    }
  }

  private static void checkSplices(FileDescription in, FileDescription out) throws ErrnoException {
    if (!in.ops().splicesOut() || !out.ops().splicesIn()) {
      throw EINVAL.error();
    }
  }

  private static void checkOffset(long offset) throws ErrnoException {
    if (offset < 0) {
      throw EINVAL.error();
    }
    if (offset > Long.MAX_VALUE - MAX_RW_COUNT) {
      throw EOVERFLOW.error();
    }
  }

  /**
   * Copies up to {@code length} bytes.
   *
   * @param nonblock give up rather than wait, whatever the files' flags say (SPLICE_F_NONBLOCK)
   * @return bytes, or, when there were none, what the read or the write said
   */
  private static long copy(Task t, FileDescription in, long inOffset, FileDescription out, long outOffset, long length,
      boolean nonblock) throws ErrnoException {
    KernelBuffer buffer = new KernelBuffer();
    long done = 0;
    while (done < length) {
      long from = inOffset == FileIo.OWN_OFFSET ? inOffset : inOffset + done;
      long to = outOffset == FileIo.OWN_OFFSET ? outOffset : outOffset + done;
      int want = (int) Math.min(PIECE, length - done);
      boolean pipeIn = Pipe.of(in) != null;
      if (pipeIn || !in.ops().isSeekable()) {
        // What is taken from a stream must have somewhere to go.
        long wait = done > 0 ? 0 : awaitReady(t, out, EventMask.WRITABLE, nonblock || out.isNonblocking());
        if (wait != 0) {
          return wait;
        }
        if (done > 0 && in.readiness(EventMask.READABLE) == 0) {
          return done;
        }
        want = room(out, want);
        if (want == 0) {
          return done > 0 ? done : FileOps.WOULD_BLOCK;
        }
      }
      buffer.wrap(t.scratch(), 0, want);
      long n;
      try {
        n = nonblock && pipeIn ? Pipe.of(in).read(buffer)
            : nonblock && !in.ops().isSeekable() ? in.ops().read(t, in, buffer, 0)
            : FileIo.read(t, in, buffer, from);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      if (n <= 0) {
        return done > 0 ? done : n;
      }
      long written = writeAll(t, out, buffer, n, to, nonblock, !in.ops().isSeekable());
      if (written < n && in.ops().isSeekable() && inOffset == FileIo.OWN_OFFSET) {
        in.offsetLock.lock();
        try {
          in.offset -= n - Math.max(written, 0);
        } finally {
          in.offsetLock.unlock();
        }
      }
      if (written < n) {
        return done + Math.max(written, 0) > 0 ? done + Math.max(written, 0) : written;
      }
      done += written;
      boolean isShortRead = n < want && !in.ops().isSeekable();
      if (isShortRead || pipeIn && in.readiness(EventMask.READABLE) == 0) {
        // More of it now could be the end of a terminal's input, which only one read sees.
        break;
      }
    }
    return done;
  }

  /**
   * Writes the first {@code length} bytes of the scratch memory; a file may take bytes without looking at them.
   *
   * @param isTaken the bytes cannot be put back where they came from: the rest of what was begun is waited for
   */
  private static long writeAll(Task t, FileDescription out, KernelBuffer buffer, long length, long offset,
      boolean nonblock, boolean isTaken) throws ErrnoException {
    long done = 0;
    while (done < length) {
      buffer.wrap(t.scratch(), done, length - done);
      long n;
      Pipe pipe = Pipe.of(out);
      if (pipe != null && nonblock) {
        n = pipe.write(buffer, false);
      } else {
        n = FileIo.write(t, out, buffer, offset == FileIo.OWN_OFFSET ? offset : offset + done);
      }
      if (n == FileOps.WOULD_BLOCK && isTaken && awaitReady(t, out, EventMask.WRITABLE, false) == 0) {
        continue;
      }
      if (n <= 0) {
        return done > 0 ? done : n;
      }
      done += n;
    }
    return done;
  }

  /** How much of {@code want} a pipe takes now; anything else takes all of it. */
  private static int room(FileDescription out, int want) {
    Pipe pipe = Pipe.of(out);
    return pipe == null ? want : Math.min(want, pipe.capacity() - pipe.available());
  }

  /** 0 once {@code f} is ready; -EAGAIN, or a restart code. */
  private static long awaitReady(Task t, FileDescription f, int mask, boolean nonblock) {
    if (f.readiness(mask) != 0) {
      return 0;
    }
    if (nonblock) {
      return FileOps.WOULD_BLOCK;
    }
    f.register(t.waiter(), mask);
    try {
      while (f.readiness(mask) == 0) {
        if (t.block(Task.FOREVER) == Task.INTERRUPTED) {
          return Restart.ERESTARTSYS;
        }
      }
      return 0;
    } finally {
      f.unregister(t.waiter());
    }
  }

  /** splice(2). */
  public static long splice(Task t, SyscallArgs a) throws ErrnoException {
    long inAddr = a.addr(1);
    long outAddr = a.addr(3);
    long length = a.size(4);
    int flags = a.i32(5);
    if (length == 0) {
      return 0;
    }
    if ((flags & ~SPLICE_FLAGS) != 0) {
      throw EINVAL.error();
    }
    FileDescription in = t.fds().get(a.fd(0));
    try {
      FileDescription out = t.fds().get(a.fd(2));
      try {
        if (!in.isReadable() || !out.isWritable()) {
          throw EBADF.error();
        }
        Pipe from = Pipe.of(in);
        Pipe to = Pipe.of(out);
        if (from == null && to == null || from != null && from == to || out.isAppend()) {
          throw EINVAL.error();
        }
        if (from != null && inAddr != 0 || to != null && outAddr != 0) {
          throw ESPIPE.error();
        }
        if (in.inode().isDirectory() || inAddr != 0 && !in.ops().isSeekable()
            || outAddr != 0 && !out.ops().isSeekable()) {
          throw EINVAL.error();
        }
        checkSplices(in, out);
        long inOffset = offset(t, inAddr);
        long outOffset = offset(t, outAddr);
        long most = Math.min(length < 0 ? MAX_RW_COUNT : length, MAX_RW_COUNT);
        if (to != null) {
          // Into a pipe goes what fits: waiting for more room is for the next call.
          long wait = awaitReady(t, out, EventMask.WRITABLE, (flags & SPLICE_F_NONBLOCK) != 0 || out.isNonblocking());
          if (wait != 0) {
            return wait;
          }
          most = Math.min(most, Math.max(1, to.capacity() - to.available()));
        }
        long n = copy(t, in, inOffset, out, outOffset, most, (flags & SPLICE_F_NONBLOCK) != 0);
        if (n > 0 && inAddr != 0) {
          t.mm().writeLong(inAddr, inOffset + n);
        }
        if (n > 0 && outAddr != 0) {
          t.mm().writeLong(outAddr, outOffset + n);
        }
        return n;
      } finally {
        out.close();
      }
    } finally {
      in.close();
    }
  }

  private static long offset(Task t, long addr) throws ErrnoException {
    if (addr == 0) {
      return FileIo.OWN_OFFSET;
    }
    long offset = t.mm().readLong(addr);
    checkOffset(offset);
    return offset;
  }

  /** tee(2). */
  public static long tee(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(3);
    if ((flags & ~SPLICE_FLAGS) != 0) {
      throw EINVAL.error();
    }
    if (a.size(2) == 0) {
      return 0;
    }
    FileDescription in = t.fds().get(a.fd(0));
    try {
      FileDescription out = t.fds().get(a.fd(1));
      try {
        Pipe from = Pipe.of(in);
        Pipe to = Pipe.of(out);
        if (!in.isReadable() || !out.isWritable()) {
          throw EBADF.error();
        }
        if (from == null || to == null || from == to) {
          throw EINVAL.error();
        }
        boolean nonblock = (flags & SPLICE_F_NONBLOCK) != 0;
        long wait = awaitReady(t, in, EventMask.READABLE, nonblock || in.isNonblocking());
        if (wait == 0) {
          wait = awaitReady(t, out, EventMask.WRITABLE, nonblock || out.isNonblocking());
        }
        if (wait != 0) {
          return wait;
        }
        int want = (int) Math.min(a.size(2) < 0 ? PIECE : a.size(2), Math.min(Task.SCRATCH_SIZE,
            to.capacity() - to.available()));
        KernelBuffer buffer = new KernelBuffer().wrap(t.scratch(), 0, want);
        long n = from.peek(buffer);
        if (n <= 0) {
          return n;
        }
        return FileIo.write(t, out, buffer.wrap(t.scratch(), 0, n), FileIo.OWN_OFFSET);
      } finally {
        out.close();
      }
    } finally {
      in.close();
    }
  }

  /** vmsplice(2): copies, where Linux may lend pages. */
  public static long vmsplice(Task t, SyscallArgs a) throws ErrnoException {
    if ((a.i32(3) & ~SPLICE_FLAGS) != 0) {
      throw EINVAL.error();
    }
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Pipe pipe = Pipe.of(f);
      if (pipe == null) {
        throw EBADF.error();
      }
      if ((a.i32(3) & SPLICE_F_NONBLOCK) != 0) {
        return f.isWritable() ? pipe.write(SysRead.vector(t, a), false) : pipe.read(SysRead.vector(t, a));
      }
      return f.isWritable()
          ? FileIo.write(t, f, SysRead.vector(t, a), FileIo.OWN_OFFSET)
          : FileIo.read(t, f, SysRead.vector(t, a), FileIo.OWN_OFFSET);
    } finally {
      f.close();
    }
  }
}
