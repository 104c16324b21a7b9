package gvisor.sentry.mm;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;

/** An {@link IoBuffer} over application memory: one range, or an iovec that was copied in and checked. One a task. */
public final class UserBuffer extends IoBuffer {
  private MemoryManager mm;
  private long addr;
  private long length;

  void start(MemoryManager mm, long addr, long length) {
    this.mm = mm;
    this.addr = addr;
    this.length = length;
  }

  @Override
  public long remaining() {
    return length;
  }

  @Override
  public long prepare(long max, boolean write) throws ErrnoException {
    throw Errno.EFAULT.error();
  }

  @Override
  public MemorySegment segment() {
    return MemorySegment.NULL;
  }

  @Override
  public long offset() {
    return 0;
  }

  @Override
  public void advance(long n) {
    addr += n;
    length -= n;
  }

  @Override
  public void release() {}
}
