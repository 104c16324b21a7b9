package gvisor.sentry.vfs;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.IoBuffer;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Bytes that come from and go to the host through a descriptor that never waits: what a fifo and a stream socket of the
 * host have in common. Owns the descriptor. Thread-safe but for {@link #close}. Its locks rank above the memory
 * manager's, and keep the pieces of one call together.
 */
public final class HostBytes implements AutoCloseable {
  private static final int EVENTS =
      EventMask.READABLE | EventMask.WRITABLE | EventMask.EPOLLPRI | EventMask.EPOLLRDHUP;

  private final HostFd fd;
  private final WaitQueue waiters;
  private final ReentrantLock readLock = new ReentrantLock();
  private final ReentrantLock writeLock = new ReentrantLock();

  /** @param waiters who is told when the descriptor may be ready, from now on */
  public HostBytes(HostFd fd, WaitQueue waiters) throws ErrnoException {
    this.fd = fd;
    this.waiters = waiters;
    fd.watch(EVENTS, waiters::notify);
  }

  public HostFd fd() {
    return fd;
  }

  public WaitQueue waiters() {
    return waiters;
  }

  /** Bytes read, 0 at the end, or WOULD_BLOCK. */
  public long read(IoBuffer dst) throws ErrnoException {
    readLock.lock();
    try {
      return transfer(dst, false);
    } finally {
      readLock.unlock();
    }
  }

  /**
   * Bytes written, or WOULD_BLOCK.
   *
   * @param whole up to so many bytes go in one call of the host's, or not at all
   */
  public long write(IoBuffer src, int whole) throws ErrnoException {
    writeLock.lock();
    try {
      return src.remaining() <= whole ? writeWhole(src) : transfer(src, true);
    } finally {
      writeLock.unlock();
    }
  }

  private long writeWhole(IoBuffer src) throws ErrnoException {
    int length = (int) src.remaining();
    long piece = src.prepare(length, false);
    if (piece == length) {
      long n = host(src, piece, true);
      if (n > 0) {
        src.advance(n);
      } else {
        src.release();
      }
      return n;
    }
    if (piece > 0) {
      src.release();
    }
    MemorySegment all = MemorySegment.ofArray(new byte[length]);
    long got = src.get(all, 0, length);
    long n;
    try {
      n = fd.write(all.asSlice(0, got));
    } catch (ErrnoException e) {
      src.retreat(got);
      throw e;
    }
    src.retreat(got - Math.max(n, 0));
    return n;
  }

  /** Moves what the host takes or has without waiting, piece by piece. */
  private long transfer(IoBuffer buffer, boolean write) throws ErrnoException {
    long done = 0;
    while (buffer.remaining() > 0) {
      long piece;
      long n;
      try {
        piece = buffer.prepare(Long.MAX_VALUE, !write);
        n = host(buffer, piece, write);
      } catch (ErrnoException e) {
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

  /** Has the host move the prepared piece, which is released if it fails. */
  private long host(IoBuffer buffer, long piece, boolean write) throws ErrnoException {
    MemorySegment memory = buffer.segment().asSlice(buffer.offset(), piece);
    try {
      return write ? fd.write(memory) : fd.read(memory);
    } catch (ErrnoException e) {
      buffer.release();
      throw e;
    }
  }

  @Override
  public void close() {
    fd.close();
  }
}
