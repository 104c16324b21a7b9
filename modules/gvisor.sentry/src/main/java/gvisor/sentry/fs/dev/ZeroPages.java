package gvisor.sentry.fs.dev;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.Mappable;
import gvisor.sentry.mm.MappingSpace;
import gvisor.sentry.mm.PageAllocator;

/**
 * What a mapping of {@code /dev/zero} maps: one page of zeros for everybody who reads, a fresh page for who writes.
 * Linux: a shared mapping stays shared after fork. Here: a page first touched after the fork is the toucher's own.
 */
final class ZeroPages implements Mappable {
  private final PageAllocator allocator;
  private final MappingSpace mappings = new MappingSpace();
  private long zeroPage = BEYOND_END;

  ZeroPages(PageAllocator allocator) {
    this.allocator = allocator;
  }

  @Override
  public long pages(long fileOffset, int maxPages, boolean write, int[] run) throws ErrnoException {
    run[0] = 1;
    if (write) {
      return allocator.allocate(PageAllocator.PAGE_SIZE, PageAllocator.PAGE_SIZE);
    }
    synchronized (this) {
      if (zeroPage == BEYOND_END) {
        zeroPage = allocator.allocate(PageAllocator.PAGE_SIZE, PageAllocator.PAGE_SIZE);
      }
      allocator.acquire(zeroPage, PageAllocator.PAGE_SIZE);
      return zeroPage;
    }
  }

  @Override
  public MappingSpace mappingSpace() {
    return mappings;
  }
}
