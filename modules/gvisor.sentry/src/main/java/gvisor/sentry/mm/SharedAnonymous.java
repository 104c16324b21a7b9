package gvisor.sentry.mm;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostClock;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Memory without a file that processes share: {@code MAP_SHARED | MAP_ANONYMOUS} and System V shared memory. Pages are
 * allocated in chunks when first touched and stay until the last reference is gone.
 *
 * <p>Thread-safe; its lock is above the page allocator's only.
 */
public final class SharedAnonymous implements Mappable, MappedFile {
  private static final int PAGE = PageAllocator.PAGE_SIZE;
  private static final int CHUNK_SHIFT = 21;
  private static final long CHUNK = 1L << CHUNK_SHIFT;
  private static final int GROUP_SHIFT = 9;
  private static final int GROUP = 1 << GROUP_SHIFT;

  private final PageAllocator pages;
  private final long length;
  private final String name;
  private final long dev;
  private final long ino;
  private final MappingSpace space = new MappingSpace();
  private final AtomicInteger references = new AtomicInteger(1);
  private final ReentrantLock chunkLock = new ReentrantLock();
  /**
   * Memory file offsets of the chunks in groups, so that touching the far end of a huge mapping costs little: -1 where
   * there is no chunk yet, null where there is none of a group. Guarded by {@link #chunkLock}.
   */
  private long[][] groups = new long[0][];

  /**
   * With one reference, the caller's.
   *
   * @param length bytes, a multiple of the page size
   */
  public SharedAnonymous(PageAllocator pages, long length, String name, long dev, long ino) {
    this.pages = pages;
    this.length = length;
    this.name = name;
    this.dev = dev;
    this.ino = ino;
  }

  /** Bytes. */
  public long length() {
    return length;
  }

  @Override
  public long pages(long fileOffset, int maxPages, boolean write, int[] run) throws ErrnoException {
    if (fileOffset >= length) {
      return BEYOND_END;
    }
    int index = Math.toIntExact(fileOffset >>> CHUNK_SHIFT);
    long within = fileOffset & CHUNK - 1;
    chunkLock.lock();
    try {
      long[] group = group(index >>> GROUP_SHIFT);
      int slot = index & GROUP - 1;
      if (group[slot] < 0) {
        group[slot] = pages.allocate(chunkLength(index), PAGE);
      }
      long bytes = Math.min((long) maxPages * PAGE, chunkLength(index) - within);
      pages.acquire(group[slot] + within, bytes);
      run[0] = (int) (bytes / PAGE);
      return group[slot] + within;
    } finally {
      chunkLock.unlock();
    }
  }

  private long[] group(int number) {
    if (number >= groups.length) {
      groups = Arrays.copyOf(groups, Math.max(number + 1, Math.min(groups.length * 2, 1 << 10)));
    }
    if (groups[number] == null) {
      groups[number] = new long[GROUP];
      Arrays.fill(groups[number], -1);
    }
    return groups[number];
  }

  private long chunkLength(int index) {
    return Math.min(CHUNK, length - ((long) index << CHUNK_SHIFT));
  }

  @Override
  public void punchHole(HostClock clock, long fileOffset, long bytes) {
    long end = Math.min(length, fileOffset + bytes);
    chunkLock.lock();
    try {
      for (long at = fileOffset; at < end; ) {
        int index = (int) (at >>> CHUNK_SHIFT);
        int number = index >>> GROUP_SHIFT;
        if (number >= groups.length) {
          return;
        }
        long[] group = groups[number];
        long to = Math.min(end, (long) (group == null ? number + 1 << GROUP_SHIFT : index + 1) << CHUNK_SHIFT);
        if (group != null && group[index & GROUP - 1] >= 0) {
          pages.decommit(group[index & GROUP - 1] + (at & CHUNK - 1), to - at);
        }
        at = to;
      }
    } finally {
      chunkLock.unlock();
    }
  }

  @Override
  public boolean tracksStores() {
    return false;
  }

  @Override
  public MappingSpace mappingSpace() {
    return space;
  }

  @Override
  public void acquire() {
    references.getAndIncrement();
  }

  @Override
  public void release() {
    if (references.decrementAndGet() > 0) {
      return;
    }
    chunkLock.lock();
    try {
      for (int g = 0; g < groups.length; g++) {
        for (int i = 0; groups[g] != null && i < GROUP; i++) {
          if (groups[g][i] >= 0) {
            pages.release(groups[g][i], chunkLength(g << GROUP_SHIFT | i));
          }
        }
      }
      groups = new long[0][];
    } finally {
      chunkLock.unlock();
    }
  }

  @Override
  public boolean isSame(MappedFile other) {
    return other == this;
  }

  @Override
  public String displayName() {
    return name;
  }

  @Override
  public long dev() {
    return dev;
  }

  @Override
  public long ino() {
    return ino;
  }
}
