package gvisor.sentry.mm;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.ValueLayout;

/** A file of a few pages, each starting with 100 plus its number. */
final class TestFile implements Mappable, MappedFile {
  private static final int PAGE = 4096;

  private final PageAllocator pages;
  private final MappingSpace space = new MappingSpace();
  private final long offset;
  private int count;
  int references;

  TestFile(PageAllocator pages, int count) throws ErrnoException {
    this.pages = pages;
    this.count = count;
    this.offset = pages.allocate((long) count * PAGE, PAGE);
    for (int i = 0; i < count; i++) {
      pages.memory().set(ValueLayout.JAVA_INT, offset + (long) i * PAGE, 100 + i);
    }
  }

  void truncate(int now) {
    int old = count;
    count = now;
    space.invalidate((long) now * PAGE, Long.MAX_VALUE);
    pages.release(offset + (long) now * PAGE, (long) (old - now) * PAGE);
  }

  @Override
  public long pages(long fileOffset, int maxPages, boolean write, int[] run) {
    int page = (int) (fileOffset / PAGE);
    if (page >= count) {
      return BEYOND_END;
    }
    run[0] = Math.min(maxPages, count - page);
    pages.acquire(offset + fileOffset, (long) run[0] * PAGE);
    return offset + fileOffset;
  }

  @Override
  public MappingSpace mappingSpace() {
    return space;
  }

  @Override
  public void acquire() {
    references++;
  }

  @Override
  public void release() {
    references--;
  }

  @Override
  public boolean isSame(MappedFile other) {
    return other == this;
  }

  @Override
  public String displayName() {
    return "/file";
  }

  @Override
  public long dev() {
    return 1;
  }

  @Override
  public long ino() {
    return 2;
  }
}
