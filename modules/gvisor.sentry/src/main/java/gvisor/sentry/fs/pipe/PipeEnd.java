package gvisor.sentry.fs.pipe;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.api.waiter.WaitEntry;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.OpenFlags;

/** One end of a pipe, or both ends of a fifo opened O_RDWR. */
final class PipeEnd implements FileOps {
  private static final int FIONREAD = 0x541b;

  private final Pipe pipe;
  private final boolean reads;
  private final boolean writes;
  private final int readersBefore;
  private final int writersBefore;

  PipeEnd(Pipe pipe, boolean reads, boolean writes, int readersBefore, int writersBefore) {
    this.pipe = pipe;
    this.reads = reads;
    this.writes = writes;
    this.readersBefore = readersBefore;
    this.writersBefore = writersBefore;
  }

  Pipe pipe() {
    return pipe;
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
  public boolean isOpening() {
    if (reads && writes) {
      return false;
    }
    return reads
        ? pipe.writers() == 0 && pipe.writerOpens() == writersBefore
        : pipe.readers() == 0 && pipe.readerOpens() == readersBefore;
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    return pipe.read(dst);
  }

  @Override
  public long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
    return pipe.write(src, (file.flags() & OpenFlags.O_DIRECT) != 0);
  }

  @Override
  public long ioctl(Caller caller, FileDescription file, int request, long argument) throws ErrnoException {
    if (request == FIONREAD) {
      caller.mm().writeInt(argument, pipe.available());
      return 0;
    }
    return FileOps.super.ioctl(caller, file, request, argument);
  }

  @Override
  public int readiness(int mask) {
    int ready = 0;
    if (reads) {
      if (pipe.available() > 0) {
        ready |= EventMask.READABLE;
      }
      // A fifo hangs up only once somebody has written to it since this end was opened.
      if (pipe.writers() == 0 && pipe.writerOpens() != writersBefore) {
        ready |= EventMask.EPOLLHUP;
      }
    }
    if (writes) {
      if (pipe.isWritable()) {
        ready |= EventMask.WRITABLE;
      }
      if (pipe.readers() == 0) {
        ready |= EventMask.EPOLLERR;
      }
    }
    return ready & (mask | EventMask.ALWAYS);
  }

  @Override
  public boolean signalsOwner() {
    return true;
  }

  @Override
  public void register(WaitEntry entry, int mask) {
    pipe.queue().register(entry, mask);
  }

  @Override
  public void unregister(WaitEntry entry) {
    pipe.queue().unregister(entry);
  }

  @Override
  public void release(FileDescription file) {
    pipe.closeEnd(reads, writes);
  }
}
