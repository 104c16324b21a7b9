package gvisor.sentry.mm;

import gvisor.api.errno.ErrnoException;

/**
 * What a file offers to {@code mmap}: its pages, which live in the memory file. Implemented by a file system's inode,
 * so that every mapping of a file shares its pages.
 *
 * <p>Lock order: a page fault of an application calls {@link #pages} without any lock of the memory manager. A fault
 * that a copy through {@link IoBuffer} hits may come with the file locks of whoever copies, so {@link #pages} takes a
 * lock of the page cache's own that is never held while application memory is touched. An implementation that takes
 * pages away calls {@link MappingSpace#invalidate} with none of its own locks held.
 */
public interface Mappable {
  /** Nothing at that offset: the file ends before it, and touching it is SIGBUS. */
  long BEYOND_END = -1;

  /**
   * The memory file offset of the page at {@code fileOffset} (page aligned), reading it in when it is not cached. The
   * caller gets one reference on each page of the run and gives it back through the page allocator.
   *
   * @param maxPages how many pages following the first the caller can use, at least 1
   * @param write whether the pages will be written through a shared mapping (allocates holes, marks dirty)
   * @param run {@code run[0]} is set to the number of consecutive pages, from 1 to {@code maxPages}
   * @return the offset in the memory file, or {@link #BEYOND_END}
   * @throws ErrnoException EIO (SIGBUS for the application) or ENOMEM
   */
  long pages(long fileOffset, int maxPages, boolean write, int[] run) throws ErrnoException;

  /**
   * Whether {@link #pages} has to hear of the first store to a page ({@code write}). Memory without a file behind it
   * says no, and saves a fault for each page that is read first.
   */
  default boolean tracksStores() {
    return true;
  }

  /** Who maps this file, to be told when pages go away (truncate, hole punching). One an inode. */
  MappingSpace mappingSpace();

  /**
   * Writes pages that were mapped shared and writable back to where the file lives, for {@code msync} and unmapping.
   */
  default void writeBack(long fileOffset, long length) throws ErrnoException {}
}
