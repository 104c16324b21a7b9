package gvisor.sentry.mm;

import java.lang.foreign.MemorySegment;

/** An {@link IoBuffer} over memory of the kernel's own. */
public final class KernelBuffer extends IoBuffer {
  private MemorySegment segment = MemorySegment.NULL;
  private long position;
  private long limit;

  public KernelBuffer() {}

  public KernelBuffer(MemorySegment segment) {
    wrap(segment, 0, segment.byteSize());
  }

  /** Starts over on {@code [offset, offset + length)} of {@code segment}. */
  public KernelBuffer wrap(MemorySegment segment, long offset, long length) {
    this.segment = segment;
    this.position = offset;
    this.limit = offset + length;
    return this;
  }

  @Override
  public long remaining() {
    return limit - position;
  }

  @Override
  public long prepare(long max, boolean write) {
    return Math.min(max, limit - position);
  }

  @Override
  public MemorySegment segment() {
    return segment;
  }

  @Override
  public long offset() {
    return position;
  }

  @Override
  public void advance(long n) {
    position += n;
  }

  @Override
  public void retreat(long n) {
    position -= n;
  }

  @Override
  public void release() {}
}
