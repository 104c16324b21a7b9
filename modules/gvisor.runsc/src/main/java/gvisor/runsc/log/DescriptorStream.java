package gvisor.runsc.log;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Writes to a descriptor that somebody handed over. Thread-safe: a write is not mixed with another's. */
public final class DescriptorStream extends OutputStream {
  private static final int CHUNK = 8192;

  private final Fd fd;
  private final MemorySegment chunk = Arena.ofShared().allocate(CHUNK);

  /** Takes {@code fd} over. */
  public DescriptorStream(Fd fd) {
    this.fd = fd;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
    int from = offset;
    int end = offset + length;
    try {
      while (from < end) {
        int n = Math.min(end - from, CHUNK);
        MemorySegment.copy(MemorySegment.ofArray(bytes), from, chunk, 0, n);
        from += (int) fd.writeWaiting(chunk.asSlice(0, n));
      }
    } catch (ErrnoException e) {
      throw new IOException(e.errno().message(), e);
    }
  }
}
