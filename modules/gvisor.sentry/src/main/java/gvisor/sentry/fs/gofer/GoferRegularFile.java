package gvisor.sentry.fs.gofer;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENXIO;
import static gvisor.api.errno.Errno.EOPNOTSUPP;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.mm.Mappable;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;

/** An open regular file. */
final class GoferRegularFile implements FileOps {
  /** Most bytes moved by one host call, so that memory is not pinned for long. */
  private static final long PIECE = 1 << 20;

  private static final int SEEK_SET = 0;
  private static final int SEEK_END = 2;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;
  private static final int FALLOC_KEEP_SIZE = 1;
  private static final int FALLOC_PUNCH_HOLE = 2;
  private static final int FALLOC_ZERO_RANGE = 16;

  private final GoferRegular inode;
  private final SharedFd fd;

  /** Held by an appending write while it finds the end and writes there. */
  private final ReentrantLock appendLock;

  /** Takes over the caller's reference on {@code fd} and its count in {@code opens}. */
  GoferRegularFile(GoferRegular inode, SharedFd fd) {
    this.inode = inode;
    this.fd = fd;
    this.appendLock = inode.held.appendLock;
  }

  @Override
  public boolean isSeekable() {
    return true;
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    long done = 0;
    while (dst.remaining() > 0) {
      long n;
      try {
        n = dst.prepare(Math.min(dst.remaining(), PIECE), true);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      long got = 0;
      try {
        got = readPiece(dst.segment().asSlice(dst.offset(), n), offset + done);
      } catch (ErrnoException e) {
        if (done == 0) {
          throw e;
        }
      } finally {
        if (got > 0) {
          dst.advance(got);
        } else {
          dst.release();
        }
      }
      done += got;
      // Less than was asked for is the end, unless the host's call moves no more at once.
      if (got == 0 || got < n && offset + done >= inode.held.size) {
        break;
      }
    }
    return done;
  }

  @Override
  public long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
    if (offset != APPEND) {
      return writeAt(src, offset);
    }
    appendLock.lock();
    try {
      inode.refreshNow();
      long end = inode.held.size;
      long n = writeAt(src, end);
      file.appendEnd = end + n;
      return n;
    } finally {
      appendLock.unlock();
    }
  }

  @Override
  public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
    long result = switch (whence) {
      case SEEK_SET -> offset;
      case SEEK_END -> size() + offset;
      case SEEK_DATA, SEEK_HOLE -> {
        if (offset < 0 || offset >= size()) {
          throw ENXIO.error();
        }
        yield fd.fd.seekHole(offset, whence == SEEK_DATA);
      }
      default -> throw EINVAL.error();
    };
    if (result < 0) {
      throw EINVAL.error();
    }
    return result;
  }

  @Override
  public Mappable mappable(FileDescription file) {
    return inode.held.makeCache();
  }

  @Override
  public void sync(FileDescription file, boolean dataOnly) throws ErrnoException {
    PageCache cache = inode.held.cache();
    if (cache != null) {
      cache.writeBack(0, Long.MAX_VALUE);
    }
    fd.fd.sync(dataOnly);
  }

  @Override
  public void fallocate(Caller caller, FileDescription file, int mode, long offset, long length)
      throws ErrnoException {
    if ((mode & ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) != 0) {
      throw EOPNOTSUPP.error();
    }
    fd.fd.fallocate(mode, offset, length);
    inode.changed();
    inode.refreshNow();
    PageCache cache = inode.held.cache();
    if (cache != null && (mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) != 0) {
      cache.zeroed(offset, length);
    }
  }

  @Override
  public void release(FileDescription file) {
    PageCache cache = inode.held.cache();
    if (cache != null && cache.mayBeDirty()) {
      try {
        cache.writeBack(0, Long.MAX_VALUE);
      } catch (ErrnoException e) {
        // Linux, too, has nobody to tell once the file is closed; the pages stay dirty and are tried again.
        inode.changed();
      }
    }
    fd.release();
    inode.closed();
  }

  private long size() throws ErrnoException {
    inode.refreshNow();
    return inode.held.size;
  }

  private long readPiece(MemorySegment piece, long offset) throws ErrnoException {
    PageCache cache = inode.held.cache();
    if (cache != null && cache.mayBeDirty()) {
      return cache.read(fd, piece, offset);
    }
    return fd.fd.pread(piece, offset);
  }

  private long writeAt(IoBuffer src, long offset) throws ErrnoException {
    long done = 0;
    try {
      while (src.remaining() > 0) {
        long n;
        try {
          n = src.prepare(Math.min(src.remaining(), PIECE), false);
        } catch (ErrnoException e) {
          if (done > 0) {
            return done;
          }
          throw e;
        }
        long written = 0;
        try {
          MemorySegment piece = src.segment().asSlice(src.offset(), n);
          written = fd.fd.pwrite(piece, offset + done);
          PageCache cache = inode.held.cache();
          if (cache != null) {
            cache.written(piece, offset + done, written);
          }
        } catch (ErrnoException e) {
          if (done == 0) {
            throw e;
          }
        } finally {
          if (written > 0) {
            src.advance(written);
          } else {
            src.release();
          }
        }
        done += written;
        if (written == 0) {
          break;
        }
      }
      return done;
    } finally {
      if (done > 0) {
        inode.grownTo(offset + done);
      }
    }
  }
}
