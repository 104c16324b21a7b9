package gvisor.api.mem;

import java.lang.foreign.MemorySegment;

/**
 * The sandbox's memory: one sparse file that the Sentry has mapped whole and from which a platform maps ranges into
 * applications. Offsets are bytes from the start of the file. Who owns which range is the kernel's business (its page
 * allocator); this is only the memory itself.
 *
 * <p>Thread-safe. A page that was never written, or was decommitted, reads as zeros and costs nothing.
 */
public interface MemoryFile extends AutoCloseable {
  /** 4096: the unit of every offset and length given to {@link #decommit}. */
  int PAGE_SIZE = 4096;

  /** Size of the file in bytes: the upper bound of every offset. Address space only, not memory. */
  long size();

  /** The whole file, readable and writable; segment offset equals file offset. Lives until {@link #close}. */
  MemorySegment memory();

  /** Gives the pages of {@code [offset, offset + length)} back to the host; they read as zeros from now on. */
  void decommit(long offset, long length);

  /** Bytes the host has committed to the file now. One host call. */
  long committedBytes();

  /**
   * The start of the next run of committed data at or after {@code offset} and below {@code limit}, or {@code limit}
   * if there is none. Lets a copy skip holes. One host call.
   */
  long nextData(long offset, long limit);

  /** The end of the committed data that starts at {@code offset}, at most {@code limit}. One host call. */
  default long nextHole(long offset, long limit) {
    return Math.min(limit, offset + PAGE_SIZE);
  }

  @Override
  void close();
}
