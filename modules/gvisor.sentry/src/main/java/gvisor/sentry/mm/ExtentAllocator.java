package gvisor.sentry.mm;

import static gvisor.api.errno.Errno.ENOMEM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.MemoryFile;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The page allocator of a sandbox.
 *
 * <p>Free space is either clean (holes of the memory file, which read as zeros) or dirty (freed, still committed, with
 * old content). Small allocations take dirty pages first, because clearing a page that the host has committed costs
 * less than having a new one committed; large ones take clean space, because most of what they get is never touched.
 * Dirty space is given back to the host in one batch when there is more than {@link #MAX_DIRTY} of it.
 *
 * <p>The limit is on memory, not on allocated offsets: allocations are generous and mostly holes, so the host is asked
 * what it has committed once more is allocated than the limit.
 *
 * <p>Each page is charged to an owner: the {@link MemoryCgroup} it was allocated through, or nobody. It stays charged
 * until it is free, whoever refers to it meanwhile, as on Linux.
 */
public final class ExtentAllocator implements PageAllocator {
  /** Freed bytes that are kept before they are given back to the host. */
  private static final long MAX_DIRTY = 32L << 20;

  /** Zeroed allocations up to this size are served from dirty pages. */
  private static final long MAX_CLEAR = 2L * PAGE_SIZE;

  /** Reference counts come in chunks for this many bytes of the file. */
  private static final int CHUNK_SHIFT = 24;

  private static final long UNKNOWN = -1;

  /** Whom pages are charged to that belong to no container. */
  static final int NOBODY = 0;

  /** Owners there can be at once: containers of a sandbox, and {@link #NOBODY}. */
  static final int MAX_OWNERS = 256;

  private static final int PAGE_SHIFT = 12;
  private static final int CHUNK_PAGES = 1 << CHUNK_SHIFT - PAGE_SHIFT;

  private final MemoryFile file;
  private final MemorySegment memory;
  private final long limitBytes;
  private final ReentrantLock extentLock = new ReentrantLock();
  private final ExtentMap clean = new ExtentMap();
  private final ExtentMap dirty = new ExtentMap();
  private final int[][] references;

  /** Whom each page is charged to, in chunks as {@link #references}. What a free page has here means nothing. */
  private final byte[][] owners;

  private final long[] allocatedBy = new long[MAX_OWNERS];
  private final boolean[] ownerTaken = new boolean[MAX_OWNERS];
  private volatile long allocated;

  /**
   * Bytes of the file that were committed when the host was last asked, plus what has been allocated since. Guarded by
   * {@link #extentLock}.
   */
  private long committedEstimate = UNKNOWN;

  /** @param limitBytes how much memory the sandbox may use, or 0 for as much as the file has room for */
  public ExtentAllocator(MemoryFile file, long limitBytes) {
    this.file = file;
    this.memory = file.memory();
    this.limitBytes = limitBytes == 0 ? file.size() : limitBytes;
    this.references = new int[(int) (file.size() + (1L << CHUNK_SHIFT) - 1 >>> CHUNK_SHIFT)][];
    this.owners = new byte[references.length][];
    ownerTaken[NOBODY] = true;
    clean.add(0, file.size() & -PAGE_SIZE);
  }

  @Override
  public MemorySegment memory() {
    return memory;
  }

  @Override
  public long allocate(long length, long alignment) throws ErrnoException {
    return allocate(NOBODY, length, alignment);
  }

  long allocate(int owner, long length, long alignment) throws ErrnoException {
    boolean clear = false;
    long offset = -1;
    extentLock.lock();
    try {
      checkLimit(length);
      if (length <= MAX_CLEAR && alignment == PAGE_SIZE) {
        offset = dirty.take(length, alignment);
        clear = offset >= 0;
      }
      if (offset < 0) {
        offset = clean.take(length, alignment);
      }
      if (offset >= 0) {
        own(owner, offset, length);
      }
    } finally {
      extentLock.unlock();
    }
    if (offset < 0) {
      return allocateAfterClean(owner, length, alignment);
    }
    if (clear) {
      memory.asSlice(offset, length).fill((byte) 0);
    }
    return offset;
  }

  @Override
  public long allocateDirty(long length) throws ErrnoException {
    return allocateDirty(NOBODY, length);
  }

  long allocateDirty(int owner, long length) throws ErrnoException {
    extentLock.lock();
    try {
      checkLimit(length);
      long offset = dirty.take(length, PAGE_SIZE);
      if (offset < 0) {
        offset = clean.take(length, PAGE_SIZE);
      }
      if (offset >= 0) {
        own(owner, offset, length);
        return offset;
      }
    } finally {
      extentLock.unlock();
    }
    return allocateAfterClean(owner, length, PAGE_SIZE);
  }

  @Override
  public boolean allocateAt(long offset, long length) {
    return allocateAt(NOBODY, offset, length);
  }

  boolean allocateAt(int owner, long offset, long length) {
    extentLock.lock();
    try {
      if (allocated + length > limitBytes || !clean.takeAt(offset, length)) {
        return false;
      }
      own(owner, offset, length);
      return true;
    } finally {
      extentLock.unlock();
    }
  }

  /** The file has no clean room left: cleans what is dirty and tries once more. */
  private long allocateAfterClean(int owner, long length, long alignment) throws ErrnoException {
    decommit(takeDirty());
    extentLock.lock();
    try {
      long offset = clean.take(length, alignment);
      if (offset < 0) {
        throw ENOMEM.error();
      }
      own(owner, offset, length);
      return offset;
    } finally {
      extentLock.unlock();
    }
  }

  private void checkLimit(long length) throws ErrnoException {
    if (allocated + length <= limitBytes) {
      committedEstimate = UNKNOWN;
      return;
    }
    if (committedEstimate == UNKNOWN || committedEstimate + length > limitBytes) {
      committedEstimate = file.committedBytes() - dirty.bytes();
      if (committedEstimate + length > limitBytes) {
        throw ENOMEM.error();
      }
    }
    committedEstimate += length;
  }

  private void own(int owner, long offset, long length) {
    allocated += length;
    allocatedBy[owner] += length;
    long page = offset >>> PAGE_SHIFT;
    long end = offset + length >>> PAGE_SHIFT;
    while (page < end) {
      int[] chunk = chunk(page);
      int from = (int) (page & CHUNK_PAGES - 1);
      int to = (int) Math.min(CHUNK_PAGES, from + end - page);
      Arrays.fill(chunk, from, to, 1);
      Arrays.fill(owners[(int) (page >>> CHUNK_SHIFT - PAGE_SHIFT)], from, to, (byte) owner);
      page += to - from;
    }
  }

  private int[] chunk(long page) {
    int index = (int) (page >>> CHUNK_SHIFT - PAGE_SHIFT);
    int[] chunk = references[index];
    if (chunk == null) {
      chunk = new int[CHUNK_PAGES];
      owners[index] = new byte[CHUNK_PAGES];
      references[index] = chunk;
    }
    return chunk;
  }

  @Override
  public void acquire(long offset, long length) {
    extentLock.lock();
    try {
      long page = offset >>> PAGE_SHIFT;
      long end = offset + length >>> PAGE_SHIFT;
      while (page < end) {
        int[] chunk = chunk(page);
        int from = (int) (page & CHUNK_PAGES - 1);
        int to = (int) Math.min(CHUNK_PAGES, from + end - page);
        for (int i = from; i < to; i++) {
          if (chunk[i] <= 0) {
            throw new IllegalStateException("page " + (page + i - from) + " is free and cannot be shared");
          }
          chunk[i]++;
        }
        page += to - from;
      }
    } finally {
      extentLock.unlock();
    }
  }

  @Override
  public void release(long offset, long length) {
    long[] batch = null;
    extentLock.lock();
    try {
      long end = offset + length >>> PAGE_SHIFT;
      long freeFrom = -1;
      for (long page = offset >>> PAGE_SHIFT; page < end; page++) {
        int[] chunk = chunk(page);
        int i = (int) (page & CHUNK_PAGES - 1);
        int left = --chunk[i];
        if (left < 0) {
          chunk[i] = 0;
          throw new IllegalStateException("page " + page + " is free already");
        }
        if (left == 0) {
          allocatedBy[owners[(int) (page >>> CHUNK_SHIFT - PAGE_SHIFT)][i] & 0xff] -= PAGE_SIZE;
        }
        if (left == 0 && freeFrom < 0) {
          freeFrom = page;
        } else if (left > 0 && freeFrom >= 0) {
          free(freeFrom, page);
          freeFrom = -1;
        }
      }
      if (freeFrom >= 0) {
        free(freeFrom, end);
      }
      if (dirty.bytes() > MAX_DIRTY) {
        batch = dirty.drain();
      }
    } finally {
      extentLock.unlock();
    }
    if (batch != null) {
      decommit(batch);
    }
  }

  private void free(long page, long endPage) {
    long length = endPage - page << PAGE_SHIFT;
    allocated -= length;
    dirty.add(page << PAGE_SHIFT, length);
  }

  private long[] takeDirty() {
    extentLock.lock();
    try {
      return dirty.drain();
    } finally {
      extentLock.unlock();
    }
  }

  /** Gives extents (starts and lengths in turn) back to the host, without the lock: they are nobody's meanwhile. */
  private void decommit(long[] extents) {
    for (int i = 0; i < extents.length; i += 2) {
      file.decommit(extents[i], extents[i + 1]);
    }
    extentLock.lock();
    try {
      for (int i = 0; i < extents.length; i += 2) {
        clean.add(extents[i], extents[i + 1]);
      }
    } finally {
      extentLock.unlock();
    }
  }

  @Override
  public int references(long offset) {
    extentLock.lock();
    try {
      long page = offset >>> PAGE_SHIFT;
      int[] chunk = references[(int) (page >>> CHUNK_SHIFT - PAGE_SHIFT)];
      return chunk == null ? 0 : chunk[(int) (page & CHUNK_PAGES - 1)];
    } finally {
      extentLock.unlock();
    }
  }

  @Override
  public long exclusive(long offset, long length) {
    extentLock.lock();
    try {
      long first = offset >>> PAGE_SHIFT;
      long end = offset + length >>> PAGE_SHIFT;
      long page = first;
      while (page < end && chunk(page)[(int) (page & CHUNK_PAGES - 1)] == 1) {
        page++;
      }
      return page - first << PAGE_SHIFT;
    } finally {
      extentLock.unlock();
    }
  }

  @Override
  public void decommit(long offset, long length) {
    file.decommit(offset, length);
  }

  @Override
  public long nextData(long offset, long limit) {
    return file.nextData(offset, limit);
  }

  @Override
  public long nextHole(long offset, long limit) {
    return file.nextHole(offset, limit);
  }

  @Override
  public long allocatedBytes() {
    return allocated;
  }

  // ---- owners ----

  /** An owner that nothing is charged to. ENOMEM when there are too many. */
  int newOwner() throws ErrnoException {
    extentLock.lock();
    try {
      for (int owner = NOBODY + 1; owner < MAX_OWNERS; owner++) {
        // What an owner before it left to others would be charged to the new one.
        if (!ownerTaken[owner] && allocatedBy[owner] == 0) {
          ownerTaken[owner] = true;
          return owner;
        }
      }
    } finally {
      extentLock.unlock();
    }
    throw ENOMEM.error();
  }

  void releaseOwner(int owner) {
    extentLock.lock();
    try {
      ownerTaken[owner] = false;
    } finally {
      extentLock.unlock();
    }
  }

  /** Bytes charged to {@code owner}, touched or not. */
  long allocatedBytes(int owner) {
    extentLock.lock();
    try {
      return allocatedBy[owner];
    } finally {
      extentLock.unlock();
    }
  }

  /** Bytes of memory behind all that is allocated; costs one host call. */
  public long committedBytes() {
    extentLock.lock();
    try {
      return Math.max(0, file.committedBytes() - dirty.bytes());
    } finally {
      extentLock.unlock();
    }
  }

  /**
   * Bytes of memory behind what is charged to {@code owner}. Looks at every committed page, without the lock: what
   * changes meanwhile may be counted or not.
   */
  long committedBytes(int owner) {
    long size = file.size();
    long bytes = 0;
    long at = 0;
    while ((at = file.nextData(at, size) & -PAGE_SIZE) < size) {
      long end = file.nextHole(at, size) + PAGE_SIZE - 1 & -PAGE_SIZE;
      bytes += owned(owner, at >>> PAGE_SHIFT, end >>> PAGE_SHIFT) << PAGE_SHIFT;
      at = end;
    }
    return bytes;
  }

  private long owned(int owner, long firstPage, long endPage) {
    long count = 0;
    long page = firstPage;
    while (page < endPage) {
      int index = (int) (page >>> CHUNK_SHIFT - PAGE_SHIFT);
      int from = (int) (page & CHUNK_PAGES - 1);
      int to = (int) Math.min(CHUNK_PAGES, from + endPage - page);
      int[] counts = references[index];
      byte[] charged = owners[index];
      if (counts != null && charged != null) {
        for (int i = from; i < to; i++) {
          if (counts[i] > 0 && (charged[i] & 0xff) == owner) {
            count++;
          }
        }
      }
      page += to - from;
    }
    return count;
  }
}
