package gvisor.sentry.mm;

import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.MemoryFile;
import java.lang.foreign.MemorySegment;

/**
 * Who owns which page of the memory file: an extent allocator with one reference count a page. Like gVisor's and Linux's
 * page allocators in purpose. Thread-safe; its lock is a leaf.
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

  /** One more reference on each page of the range. */
  void acquire(long offset, long length);

  /** One reference less on each page of the range; pages without references are given back, to the host too. */
  void release(long offset, long length);

  /** References on the page at {@code offset}. */
  int references(long offset);

  /** Bytes allocated now. */
  long allocatedBytes();
}
