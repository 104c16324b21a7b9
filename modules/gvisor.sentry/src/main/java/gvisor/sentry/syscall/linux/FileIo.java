package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EFBIG;
import static gvisor.api.errno.Errno.EINTR;
import static gvisor.api.errno.Errno.EPIPE;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.SigInfo;
import gvisor.sentry.kernel.Signal;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.Attributes;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.MountFlags;
import gvisor.sentry.vfs.Notify;
import gvisor.sentry.vfs.OpenFlags;
import gvisor.sentry.vfs.StatBuf;
import java.lang.foreign.MemorySegment;

/** Reading and writing open files: offsets, waiting, limits, time stamps. Results are those of a handler. */
public final class FileIo {
  /** As an offset: the file's own, which moves. */
  static final long OWN_OFFSET = -1;

  private static final long WOULD_BLOCK = FileOps.WOULD_BLOCK;

  private FileIo() {}

  /**
   * Reads into {@code dst}, waiting as {@code read(2)} does.
   *
   * @param offset where, or {@link #OWN_OFFSET}
   * @return bytes, -EAGAIN, or a restart code
   */
  static long read(Task t, FileDescription f, IoBuffer dst, long offset) throws ErrnoException {
    return read(t, f, dst, offset, f.isNonblocking());
  }

  /** As {@link #read(Task, FileDescription, IoBuffer, long)}, waiting or not whatever the file's own flag is. */
  static long read(Task t, FileDescription f, IoBuffer dst, long offset, boolean nonblocking) throws ErrnoException {
    long n = WOULD_BLOCK;
    try {
      n = readUncounted(t, f, dst, offset, nonblocking);
      return n;
    } finally {
      t.io().read(n);
    }
  }

  private static long readUncounted(Task t, FileDescription f, IoBuffer dst, long offset, boolean nonblocking)
      throws ErrnoException {
    if (!f.isReadable()) {
      throw EBADF.error();
    }
    FileOps ops = f.ops();
    long n;
    if (!ops.isSeekable()) {
      n = ops.read(t, f, dst, 0);
      if (n == WOULD_BLOCK && !nonblocking) {
        n = waitAndRead(t, f, dst);
      }
    } else if (offset != OWN_OFFSET) {
      n = ops.read(t, f, dst, offset);
    } else {
      f.offsetLock.lock();
      try {
        n = ops.read(t, f, dst, f.offset);
        if (n > 0) {
          f.offset += n;
        }
      } finally {
        f.offsetLock.unlock();
      }
    }
    if (n > 0) {
      accessed(t, f);
    }
    return n;
  }

  private static long waitAndRead(Task t, FileDescription f, IoBuffer dst) throws ErrnoException {
    long timeout = f.ops().timeoutNanos(false);
    long deadline = deadline(t, timeout);
    f.register(t.waiter(), EventMask.READABLE | EventMask.EPOLLRDHUP);
    try {
      while (true) {
        long n = f.ops().read(t, f, dst, 0);
        if (n != WOULD_BLOCK) {
          return n;
        }
        switch (t.block(deadline)) {
          case Task.INTERRUPTED -> {
            return timeout >= 0 ? -EINTR.number() : Restart.ERESTARTSYS;
          }
          case Task.TIMED_OUT -> {
            return -EAGAIN.number();
          }
          default -> {}
        }
      }
    } finally {
      f.unregister(t.waiter());
    }
  }

  /** The content of {@code f} was read: atime, inotify. */
  static void accessed(Task t, FileDescription f) {
    if (f.ops().isSeekable() && (f.flags() & OpenFlags.O_NOATIME) == 0
        && (f.path().mount().flags() & MountFlags.MS_NOATIME) == 0 && !f.path().mount().isReadOnly()) {
      f.inode().accessed(t);
    }
    Notify.file(f.path().dentry(), Notify.IN_ACCESS);
  }

  /**
   * Writes from {@code src}, waiting as {@code write(2)} does; sends SIGPIPE with EPIPE.
   *
   * @param offset where, or {@link #OWN_OFFSET}; a file opened with O_APPEND ignores it
   */
  static long write(Task t, FileDescription f, IoBuffer src, long offset) throws ErrnoException {
    return write(t, f, src, offset, f.isAppend(), f.isNonblocking());
  }

  /** As {@link #write(Task, FileDescription, IoBuffer, long)}, appending and waiting or not whatever the file's flags. */
  static long write(Task t, FileDescription f, IoBuffer src, long offset, boolean append, boolean nonblocking)
      throws ErrnoException {
    long n = WOULD_BLOCK;
    try {
      n = writeUncounted(t, f, src, offset, append, nonblocking);
      return n;
    } finally {
      t.io().wrote(n);
    }
  }

  private static long writeUncounted(
      Task t, FileDescription f, IoBuffer src, long offset, boolean append, boolean nonblocking)
      throws ErrnoException {
    if (!f.isWritable()) {
      throw EBADF.error();
    }
    FileOps ops = f.ops();
    long n;
    if (!ops.isSeekable()) {
      n = writeStream(t, f, src, nonblocking);
    } else {
      Attributes.contentChanges(t, f.inode());
      if (offset != OWN_OFFSET && !append) {
        n = ops.write(t, f, limited(t, f, src, offset), offset);
      } else {
        f.offsetLock.lock();
        try {
          long at = append ? FileOps.APPEND : f.offset;
          n = ops.write(t, f, limited(t, f, src, at), at);
          if (n > 0 && offset == OWN_OFFSET) {
            f.offset = append ? f.appendEnd : f.offset + n;
          }
        } finally {
          f.offsetLock.unlock();
        }
      }
      if (n > 0 && (f.flags() & OpenFlags.O_DSYNC) != 0) {
        ops.sync(f, (f.flags() & OpenFlags.O_SYNC) != OpenFlags.O_SYNC);
      }
    }
    if (n > 0) {
      Notify.file(f.path().dentry(), Notify.IN_MODIFY);
    }
    return n;
  }

  private static long writeStream(Task t, FileDescription f, IoBuffer src, boolean nonblocking)
      throws ErrnoException {
    FileOps ops = f.ops();
    long n;
    try {
      n = ops.write(t, f, src, 0);
    } catch (ErrnoException e) {
      if (e.errno() == EPIPE && ops.raisesSigpipe()) {
        t.sendSigpipe();
      }
      throw e;
    }
    boolean isShort = n >= 0 && src.remaining() > 0 && ops.isStream();
    if (n != WOULD_BLOCK && !isShort || nonblocking) {
      return n;
    }
    return waitAndWrite(t, f, src, Math.max(n, 0));
  }

  private static long waitAndWrite(Task t, FileDescription f, IoBuffer src, long before) throws ErrnoException {
    FileOps ops = f.ops();
    long done = before;
    long timeout = ops.timeoutNanos(true);
    long deadline = deadline(t, timeout);
    f.register(t.waiter(), EventMask.WRITABLE);
    try {
      while (true) {
        long n = ops.write(t, f, src, 0);
        if (n != WOULD_BLOCK) {
          done += n;
          if (src.remaining() == 0 || !ops.isStream()) {
            return done;
          }
          continue;
        }
        switch (t.block(deadline)) {
          case Task.INTERRUPTED -> {
            return done > 0 ? done : timeout >= 0 ? -EINTR.number() : Restart.ERESTARTSYS;
          }
          case Task.TIMED_OUT -> {
            return done > 0 ? done : -EAGAIN.number();
          }
          default -> {}
        }
      }
    } catch (ErrnoException e) {
      if (e.errno() == EPIPE && ops.raisesSigpipe()) {
        t.sendSigpipe();
      }
      if (done > 0) {
        return done;
      }
      throw e;
    } finally {
      f.unregister(t.waiter());
    }
  }

  private static long deadline(Task t, long timeoutNanos) {
    return timeoutNanos < 0 ? Task.FOREVER : t.kernel().host().clock().monotonicNanos() + timeoutNanos;
  }

  /** {@code src}, cut at RLIMIT_FSIZE for a regular file. */
  private static IoBuffer limited(Task t, FileDescription f, IoBuffer src, long offset) throws ErrnoException {
    long limit = t.fileSizeLimit();
    if (limit < 0 || !f.inode().isRegular()) {
      return src;
    }
    long at = offset;
    if (at == FileOps.APPEND) {
      StatBuf stat = new StatBuf();
      f.inode().stat(stat);
      at = stat.size;
    }
    if (src.remaining() == 0 || src.remaining() <= limit - at) {
      return src;
    }
    checkFileSize(t, at + 1);
    return new CutBuffer(src, limit - at);
  }

  /** EFBIG and SIGXFSZ when a regular file may not become {@code size} bytes long. */
  static void checkFileSize(Task t, long size) throws ErrnoException {
    long limit = t.fileSizeLimit();
    if (limit >= 0 && size > limit) {
      t.sendSignal(SigInfo.user(Signal.SIGXFSZ, Signal.SI_USER, t.tgid(), t.creds().uid()));
      throw EFBIG.error();
    }
  }

  /** The first bytes of another buffer. */
  private static final class CutBuffer extends IoBuffer {
    private final IoBuffer whole;
    private long left;

    CutBuffer(IoBuffer whole, long left) {
      this.whole = whole;
      this.left = left;
    }

    @Override
    public long remaining() {
      return Math.min(left, whole.remaining());
    }

    @Override
    public long prepare(long max, boolean write) throws ErrnoException {
      return whole.prepare(Math.min(max, left), write);
    }

    @Override
    public MemorySegment segment() {
      return whole.segment();
    }

    @Override
    public long offset() {
      return whole.offset();
    }

    @Override
    public void advance(long n) {
      left -= n;
      whole.advance(n);
    }

    @Override
    public void retreat(long n) {
      left += n;
      whole.retreat(n);
    }

    @Override
    public void release() {
      whole.release();
    }
  }

  /** Whether {@code f} is a directory: reading it is EISDIR. */
  static boolean isDirectory(FileDescription f) {
    return f.inode().type() == Inode.S_IFDIR;
  }
}
