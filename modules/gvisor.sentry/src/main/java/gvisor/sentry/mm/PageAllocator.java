package gvisor.sentry.mm;

import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.MemoryFile;
import java.lang.foreign.MemorySegment;

/**
 * Who owns which page of the memory file: an extent allocator with one reference count a page. Like gVisor's and
 * Linux's page allocators in purpose. Thread-safe; its lock is a leaf.
 */
public interface PageAllocator {
  /** Bytes of a page. */
  int PAGE_SIZE = MemoryFile.PAGE_SIZE;

  /** All of the memory; segment offset equals file offset. */
  MemorySegment memory();

  /**
   * Allocates {@code length} bytes (a multiple of the page size) of consecutive pages that read as zeros, each with one
   * reference. Costs no memory until touched.
   *
   * @param alignment a power of two, at least the page size; a hint for large mappings
   * @throws ErrnoException ENOMEM when the sandbox's memory is used up
   */
  long allocate(long length, long alignment) throws ErrnoException;

  /**
   * As {@link #allocate} for pages that the caller overwrites whole before anyone else can see them: what they hold
   * until then is left over from their last owner, and they are likely to be committed already.
   */
  default long allocateDirty(long length) throws ErrnoException {
    return allocate(length, PAGE_SIZE);
  }

  /**
   * Allocates exactly {@code [offset, offset + length)}, so that a growing mapping stays in one piece.
   *
   * @return false when some of it is taken
   */
  default boolean allocateAt(long offset, long length) {
    return false;
  }

  /** One more reference on each page of the range. */
  void acquire(long offset, long length);

  /** One reference less on each page of the range; pages without references are given back, to the host too. */
  void release(long offset, long length);

  /** References on the page at {@code offset}. */
  int references(long offset);

  /**
   * How many bytes from {@code offset} on, at most {@code length}, are in pages whose only reference is the caller's:
   * nobody else can get one meanwhile.
   */
  default long exclusive(long offset, long length) {
    long n = 0;
    while (n < length && references(offset + n) == 1) {
      n += PAGE_SIZE;
    }
    return Math.min(n, length);
  }

  /** Makes pages of the caller read as zeros and gives their memory back, while they stay allocated and mapped. */
  default void decommit(long offset, long length) {
    memory().asSlice(offset, length).fill((byte) 0);
  }

  /** Start of the next committed data at or after {@code offset}, or {@code limit}: {@link MemoryFile#nextData}. */
  default long nextData(long offset, long limit) {
    return offset;
  }

  /** End of the committed data that starts at {@code offset}, or {@code limit}; may be too near, never too far. */
  default long nextHole(long offset, long limit) {
    return Math.min(limit, offset + PAGE_SIZE);
  }

  /**
   * Bytes of {@code [offset, offset + length)} that are committed.
   *
   * @param maxPieces after as many pieces of data the rest counts whole
   */
  default long committed(long offset, long length, int maxPieces) {
    long limit = offset + length;
    long sum = 0;
    long at = offset;
    for (int piece = 0; (at = nextData(at, limit) & -PAGE_SIZE) < limit; piece++) {
      if (piece == maxPieces) {
        return sum + limit - at;
      }
      long hole = nextHole(at, limit) + PAGE_SIZE - 1 & -PAGE_SIZE;
      sum += hole - at;
      at = hole;
    }
    return sum;
  }

  /** Copies pages, reading no hole: that would commit it. */
  default void copy(long from, long to, long length) {
    MemorySegment memory = memory();
    long limit = from + length;
    long at = from;
    while (at < limit) {
      long data = nextData(at, limit) & -PAGE_SIZE;
      if (data > at) {
        memory.asSlice(to + at - from, data - at).fill((byte) 0);
      }
      if (data == limit) {
        return;
      }
      at = Math.min(limit, nextHole(data, limit) + PAGE_SIZE - 1 & -PAGE_SIZE);
      MemorySegment.copy(memory, data, memory, to + data - from, at - data);
    }
  }

  /**
   * The same memory, for what processes leave behind when they die, such as files in memory: it does not go beyond a
   * limit for their sake.
   */
  default PageAllocator forFiles() {
    return this;
  }

  /** Bytes allocated now. */
  long allocatedBytes();
}
