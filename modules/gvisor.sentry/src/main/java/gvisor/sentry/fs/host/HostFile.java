package gvisor.sentry.fs.host;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENXIO;
import static gvisor.api.errno.Errno.ENOTTY;
import static gvisor.api.errno.Errno.ESPIPE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.waiter.WaitEntry;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import java.lang.foreign.MemorySegment;

/** An open file over a host descriptor. */
final class HostFile implements FileOps {
  private static final int SEEK_SET = 0;
  private static final int SEEK_END = 2;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;
  private static final int FIONREAD = 0x541b;

  private final HostInode inode;
  private final HostFd fd;
  private final boolean seekable;

  HostFile(HostInode inode) {
    this.inode = inode;
    this.fd = inode.fd();
    this.seekable = inode.type() == Inode.S_IFREG || inode.type() == Inode.S_IFBLK;
    inode.opened();
  }

  @Override
  public void release(FileDescription file) {
    inode.closed();
  }

  @Override
  public boolean isSeekable() {
    return seekable;
  }

  @Override
  public boolean splicesOut() {
    return inode.type() != Inode.S_IFIFO;
  }

  @Override
  public boolean splicesIn() {
    return true;
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    inode.transferLock.lock();
    try {
      return transfer(dst, offset, false);
    } finally {
      inode.transferLock.unlock();
    }
  }

  @Override
  public long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
    inode.transferLock.lock();
    try {
      long at = offset;
      if (seekable && offset == APPEND) {
        at = fd.seek(0, SEEK_END);
        inode.seekTo(at);
      }
      long n = transfer(src, at, true);
      if (offset == APPEND && n >= 0) {
        file.appendEnd = at + n;
      }
      return n;
    } finally {
      inode.transferLock.unlock();
    }
  }

  /** Moves what the host takes or has without waiting, piece by piece. */
  private long transfer(IoBuffer buffer, long offset, boolean write) throws ErrnoException {
    long done = 0;
    while (buffer.remaining() > 0) {
      long piece;
      long n;
      try {
        piece = buffer.prepare(Long.MAX_VALUE, !write);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      try {
        n = piece(buffer.segment().asSlice(buffer.offset(), piece), offset + done, write);
      } catch (ErrnoException e) {
        buffer.release();
        if (done > 0) {
          return done;
        }
        throw e;
      }
      if (n <= 0) {
        buffer.release();
        return done > 0 ? done : n;
      }
      buffer.advance(n);
      done += n;
      if (n < piece) {
        break;
      }
    }
    return done;
  }

  private long piece(MemorySegment memory, long offset, boolean write) throws ErrnoException {
    if (seekable && !inode.isSequential(offset)) {
      return write ? fd.pwrite(memory, offset) : fd.pread(memory, offset);
    }
    long n = write ? fd.write(memory) : fd.read(memory);
    if (seekable && n > 0) {
      inode.moved(n);
    }
    return n;
  }

  @Override
  public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
    if (!seekable) {
      throw ESPIPE.error();
    }
    switch (whence) {
      case SEEK_SET -> {
        if (offset < 0) {
          throw EINVAL.error();
        }
        return inode.seekTo(offset);
      }
      case SEEK_END -> {
        long at = inode.size() + offset;
        if (at < 0) {
          throw EINVAL.error();
        }
        return inode.seekTo(at);
      }
      case SEEK_DATA, SEEK_HOLE -> {
        if (offset < 0 || offset >= inode.size()) {
          throw ENXIO.error();
        }
        long found = fd.seekHole(offset, whence == SEEK_DATA);
        return inode.seekTo(found);
      }
      default -> throw EINVAL.error();
    }
  }

  @Override
  public long ioctl(Caller caller, FileDescription file, int request, long argument) throws ErrnoException {
    if (request != FIONREAD) {
      throw ENOTTY.error();
    }
    int waiting;
    if (seekable) {
      waiting = (int) Math.min(Integer.MAX_VALUE, Math.max(0, inode.size() - inode.position()));
    } else {
      MemorySegment number = MemorySegment.ofArray(new byte[4]);
      fd.terminalIoctl(FIONREAD, number);
      waiting = number.get(JAVA_INT_UNALIGNED, 0);
    }
    caller.mm().writeInt(argument, waiting);
    return 0;
  }

  @Override
  public void sync(FileDescription file, boolean dataOnly) throws ErrnoException {
    if (!seekable) {
      throw EINVAL.error();
    }
    fd.sync(dataOnly);
  }

  @Override
  public void fallocate(Caller caller, FileDescription file, int mode, long offset, long length)
      throws ErrnoException {
    fd.fallocate(mode, offset, length);
  }

  @Override
  public int readiness(int mask) {
    return seekable ? FileOps.super.readiness(mask) : fd.readiness(mask);
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    inode.waiters().register(entry, mask);
    inode.watch();
  }

  @Override
  public void unregister(WaitEntry entry) {
    inode.waiters().unregister(entry);
  }
}
