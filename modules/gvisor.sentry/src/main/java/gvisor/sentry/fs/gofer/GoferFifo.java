package gvisor.sentry.fs.gofer;

import static gvisor.api.errno.Errno.ENXIO;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.WaitEntry;
import gvisor.api.waiter.WaitQueue;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.HostBytes;
import gvisor.sentry.vfs.OpenFlags;
import java.lang.foreign.MemorySegment;

/**
 * An open fifo of the host, one host descriptor each. The gofer opens without waiting, so for who does not want that,
 * {@link #isOpening} asks again and again whether the other end is there: the host tells nobody of it.
 */
final class GoferFifo implements FileOps {
  private static final int FIONREAD = 0x541b;
  private static final int PIPE_BUF = 4096;
  private static final long RETRY_NANOS = 10_000_000;

  private final GoferSpecial inode;
  private final int accessMode;
  private final WaitQueue queue = new WaitQueue();

  /** Null as long as there is no reader for who only writes. Set by the task that opens. */
  private volatile HostBytes bytes;

  private volatile boolean hasOtherEnd;

  GoferFifo(GoferSpecial inode, int accessMode) {
    this.inode = inode;
    this.accessMode = accessMode;
  }

  @Override
  public boolean isOpening() throws ErrnoException {
    if (bytes == null) {
      try {
        bytes = new HostBytes(inode.openFifo(accessMode), queue);
      } catch (ErrnoException e) {
        if (e.errno() == ENXIO) {
          return true;
        }
        throw e;
      }
      hasOtherEnd = accessMode != OpenFlags.O_RDONLY;
    }
    if (!hasOtherEnd) {
      hasOtherEnd = bytes.fd().hasWriter();
    }
    return !hasOtherEnd;
  }

  @Override
  public long openingRetryNanos() {
    return RETRY_NANOS;
  }

  @Override
  public boolean splicesOut() {
    return true;
  }

  @Override
  public boolean splicesIn() {
    return true;
  }

  @Override
  public boolean isStream() {
    return true;
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    return bytes.read(dst);
  }

  @Override
  public long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
    return bytes.write(src, PIPE_BUF);
  }

  @Override
  public long ioctl(Caller caller, FileDescription file, int request, long argument) throws ErrnoException {
    if (request != FIONREAD) {
      return FileOps.super.ioctl(caller, file, request, argument);
    }
    MemorySegment number = MemorySegment.ofArray(new byte[4]);
    bytes.fd().terminalIoctl(FIONREAD, number);
    caller.mm().writeInt(argument, number.get(JAVA_INT_UNALIGNED, 0));
    return 0;
  }

  @Override
  public int readiness(int mask) {
    HostBytes b = bytes;
    return b == null ? 0 : b.fd().readiness(mask);
  }

  @Override
  public boolean signalsOwner() {
    return true;
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    queue.register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    queue.unregister(entry);
  }

  @Override
  public void release(FileDescription file) {
    if (bytes != null) {
      bytes.close();
    }
  }
}
