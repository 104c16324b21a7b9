package gvisor.sentry.mm;

import gvisor.api.errno.ErrnoException;
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

  private final PageAllocator pages;
  private final long length;
  private final String name;
  private final long dev;
  private final long ino;
  private final MappingSpace space = new MappingSpace();
  private final AtomicInteger references = new AtomicInteger(1);
  private final ReentrantLock chunkLock = new ReentrantLock();
  /** Memory file offsets of the chunks, -1 where there is none yet. Guarded by {@link #chunkLock}. */
  private long[] chunks = new long[0];

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
      if (index >= chunks.length) {
        int old = chunks.length;
        int most = (int) (length + CHUNK - 1 >>> CHUNK_SHIFT);
        chunks = Arrays.copyOf(chunks, Math.min(most, Math.max(index + 1, old * 2)));
        Arrays.fill(chunks, old, chunks.length, -1);
      }
      if (chunks[index] < 0) {
        chunks[index] = pages.allocate(chunkLength(index), PAGE);
      }
      long bytes = Math.min((long) maxPages * PAGE, chunkLength(index) - within);
      pages.acquire(chunks[index] + within, bytes);
      run[0] = (int) (bytes / PAGE);
      return chunks[index] + within;
    } finally {
      chunkLock.unlock();
    }
  }

  private long chunkLength(int index) {
    return Math.min(CHUNK, length - ((long) index << CHUNK_SHIFT));
  }

  @Override
  public void punchHole(long fileOffset, long bytes) {
    long end = Math.min(length, fileOffset + bytes);
    chunkLock.lock();
    try {
      for (long at = fileOffset; at < end; ) {
        int index = (int) (at >>> CHUNK_SHIFT);
        if (index >= chunks.length) {
          return;
        }
        long to = Math.min(end, (long) (index + 1) << CHUNK_SHIFT);
        if (chunks[index] >= 0) {
          pages.decommit(chunks[index] + (at & CHUNK - 1), to - at);
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
      for (int i = 0; i < chunks.length; i++) {
        if (chunks[i] >= 0) {
          pages.release(chunks[i], chunkLength(i));
        }
      }
      chunks = new long[0];
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
