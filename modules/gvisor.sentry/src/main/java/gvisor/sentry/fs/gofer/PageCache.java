package gvisor.sentry.fs.gofer;

import static gvisor.api.errno.Errno.EIO;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import gvisor.api.abi.Stat;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.Mappable;
import gvisor.sentry.mm.MappingSpace;
import gvisor.sentry.mm.PageAllocator;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The pages of one file that were mapped, in the memory file, shared by everybody who maps the file. Filled a chunk at a
 * time, in neighbouring pages of the memory file, so that one fault brings in many pages and maps them as one run.
 *
 * <p>Writes go to the host first and then to the pages that are here, so a page here says what the host's file says,
 * unless somebody may store to it through a shared mapping: such pages are dirty until they were written back with nobody
 * mapping them. While there are dirty pages, reads look here before they ask the host.
 *
 * <p>The cache has one reference on each of its pages. Thread-safe; {@link #cacheLock} is never held while memory of an
 * application is touched.
 */
final class PageCache implements Mappable {
  private static final int PAGE = PageAllocator.PAGE_SIZE;
  private static final int PAGE_SHIFT = 12;
  private static final int CHUNK_PAGES = 64;
  private static final int CHUNK_SHIFT = PAGE_SHIFT + 6;

  /** Pages made writable by one fault: each is written back, stored to or not. */
  private static final int WRITE_RUN = 8;

  private static final long NONE = -1;

  /** 64 pages of the file. */
  private static final class Chunk {
    /** Where in the memory file each page is, or NONE. */
    final long[] frames = new long[CHUNK_PAGES];

    /** Bit n: page n may have been stored to through a mapping. */
    long dirty;

    Chunk() {
      Arrays.fill(frames, NONE);
    }
  }

  private final Held held;
  private final PageAllocator pages;
  private final CacheBudget budget;
  private final MappingSpace space = new MappingSpace();
  private final ReentrantLock cacheLock = new ReentrantLock();

  /** By position in the file, in units of chunks; guarded by {@link #cacheLock}. */
  private final Map<Long, Chunk> chunks = new HashMap<>();

  /** How many pages are here, and how many of them dirty; written under {@link #cacheLock}. */
  private int pageCount;

  private volatile int dirtyCount;

  PageCache(Held held) {
    this.held = held;
    this.pages = held.superblock.pages;
    this.budget = held.superblock.budget;
  }

  @Override
  public MappingSpace mappingSpace() {
    return space;
  }

  @Override
  public long pages(long fileOffset, int maxPages, boolean write, int[] run) throws ErrnoException {
    long frame;
    int added = 0;
    cacheLock.lock();
    try {
      added = -pageCount;
      long size = held.size;
      if (fileOffset >= size) {
        size = sizeOnHost();
        if (fileOffset >= size) {
          return BEYOND_END;
        }
      }
      long index = fileOffset >>> CHUNK_SHIFT;
      int first = (int) (fileOffset >>> PAGE_SHIFT) & CHUNK_PAGES - 1;
      int end = endOf(index, size);
      Chunk c = chunks.computeIfAbsent(index, i -> new Chunk());
      if (c.frames[first] == NONE) {
        fill(c, index, end, size);
      }
      frame = c.frames[first];
      int limit = Math.min(end, first + Math.min(maxPages, write ? WRITE_RUN : CHUNK_PAGES));
      int n = 1;
      while (first + n < limit && c.frames[first + n] == frame + (long) n * PAGE) {
        n++;
      }
      if (write) {
        markDirty(c, first, n);
      }
      pages.acquire(frame, (long) n * PAGE);
      run[0] = n;
    } finally {
      added += pageCount;
      cacheLock.unlock();
      if (added > 0) {
        budget.grown(this, (long) added * PAGE);
      }
    }
    return frame;
  }

  @Override
  public void writeBack(long fileOffset, long length) throws ErrnoException {
    if (dirtyCount == 0) {
      return;
    }
    long endOffset = length > Long.MAX_VALUE - fileOffset ? Long.MAX_VALUE : fileOffset + length;
    SharedFd fd = held.acquireFd(true);
    if (fd == null) {
      throw EIO.error();
    }
    cacheLock.lock();
    try {
      for (Map.Entry<Long, Chunk> e : chunks.entrySet()) {
        if (e.getValue().dirty != 0) {
          writeBack(fd, e.getKey(), e.getValue(), fileOffset, endOffset);
        }
      }
    } finally {
      cacheLock.unlock();
      fd.release();
      held.isStale = true;
    }
  }

  /** Whether a mapping may have changed what the host does not know yet. */
  boolean mayBeDirty() {
    return dirtyCount != 0;
  }

  /** {@code pread}, of dirty pages from here. */
  long read(SharedFd fd, MemorySegment dst, long offset) throws ErrnoException {
    long done = 0;
    long length = dst.byteSize();
    while (done < length) {
      long at = offset + done;
      long want = length - done;
      long got;
      boolean isHost;
      cacheLock.lock();
      try {
        long dirtyFrame = dirtyFrame(at);
        isHost = dirtyFrame == NONE;
        if (isHost) {
          want = cleanBytes(at, want);
          got = 0;
        } else {
          want = Math.min(want, PAGE - (at & PAGE - 1));
          got = Math.max(0, Math.min(want, held.size - at));
          MemorySegment.copy(pages.memory(), dirtyFrame + (at & PAGE - 1), dst, done, got);
        }
      } finally {
        cacheLock.unlock();
      }
      if (isHost) {
        got = fd.fd.pread(dst.asSlice(done, want), at);
      }
      done += got;
      if (got < want) {
        break;
      }
    }
    return done;
  }

  /** {@code length} bytes of {@code src} were written to the file at {@code offset}. */
  void written(MemorySegment src, long offset, long length) {
    cacheLock.lock();
    try {
      long done = 0;
      while (done < length) {
        long at = offset + done;
        long n = Math.min(length - done, PAGE - (at & PAGE - 1));
        long frame = frame(at);
        if (frame != NONE) {
          MemorySegment.copy(src, done, pages.memory(), frame + (at & PAGE - 1), n);
        }
        done += n;
      }
    } finally {
      cacheLock.unlock();
    }
  }

  /** The file reads as zeros in the range now. */
  void zeroed(long offset, long length) {
    cacheLock.lock();
    try {
      for (Map.Entry<Long, Chunk> e : chunks.entrySet()) {
        long base = e.getKey() << CHUNK_SHIFT;
        for (int p = 0; p < CHUNK_PAGES; p++) {
          long at = base + (long) p * PAGE;
          long from = Math.max(offset, at);
          long to = Math.min(offset + length, at + PAGE);
          if (from < to && e.getValue().frames[p] != NONE) {
            pages.memory().asSlice(e.getValue().frames[p] + from - at, to - from).fill((byte) 0);
          }
        }
      }
    } finally {
      cacheLock.unlock();
    }
  }

  /** The file was cut to, or grew to, {@code size} bytes: what is behind goes. Called without locks. */
  void truncated(long size) {
    long keep = size + PAGE - 1 & -PAGE;
    cacheLock.lock();
    try {
      long tail = size & PAGE - 1;
      long frame = tail == 0 ? NONE : frame(size);
      if (frame != NONE) {
        pages.memory().asSlice(frame + tail, PAGE - tail).fill((byte) 0);
      }
    } finally {
      cacheLock.unlock();
    }
    drop(keep, true, true);
    space.truncated(keep);
  }

  /** Somebody else changed the file: every page that is not dirty goes, mapped or not. Called without locks. */
  void dropClean() {
    drop(0, false, true);
  }

  /** Gives back what nobody maps and nobody has changed; the bytes that were. Does nothing if the cache is in use. */
  long dropIdle() {
    // Filling a cache may be what memory is given back for: its own chunks are in the making then.
    return !cacheLock.isHeldByCurrentThread() && cacheLock.tryLock() ? dropIdleLocked() : 0;
  }

  /** The file is not there for anybody any more. */
  void close() {
    try {
      writeBack(0, Long.MAX_VALUE);
    } catch (ErrnoException e) {
      // The gofer or the disk is gone, and nobody is left to tell.
      dirtyCount = 0;
    }
    drop(0, true, false);
  }

  /** The content is not wanted any more. Called without locks. */
  void discard() {
    drop(0, true, false);
  }

  private long dropIdleLocked() {
    long dropped = 0;
    boolean isEmpty;
    try {
      for (Iterator<Chunk> i = chunks.values().iterator(); i.hasNext(); ) {
        Chunk c = i.next();
        boolean isLeft = false;
        for (int p = 0; p < CHUNK_PAGES; p++) {
          long frame = c.frames[p];
          if (frame != NONE && (c.dirty >>> p & 1) == 0 && pages.references(frame) == 1) {
            c.frames[p] = NONE;
            pages.release(frame, PAGE);
            dropped += PAGE;
          } else {
            isLeft |= frame != NONE;
          }
        }
        if (!isLeft) {
          i.remove();
        }
      }
      pageCount -= (int) (dropped >>> PAGE_SHIFT);
      isEmpty = pageCount == 0;
    } finally {
      cacheLock.unlock();
    }
    if (dropped > 0) {
      budget.shrunk(this, dropped, isEmpty);
    }
    return dropped;
  }

  /** Takes pages from {@code from} on out, has mappers forget them, and gives them back. */
  private void drop(long from, boolean dirtyToo, boolean invalidate) {
    long[] gone = new long[CHUNK_PAGES];
    int count = 0;
    boolean isEmpty;
    cacheLock.lock();
    try {
      for (Iterator<Map.Entry<Long, Chunk>> i = chunks.entrySet().iterator(); i.hasNext(); ) {
        Map.Entry<Long, Chunk> e = i.next();
        Chunk c = e.getValue();
        boolean isLeft = false;
        for (int p = 0; p < CHUNK_PAGES; p++) {
          boolean isDirty = (c.dirty >>> p & 1) != 0;
          if (c.frames[p] == NONE) {
            continue;
          }
          if ((e.getKey() << CHUNK_SHIFT) + (long) p * PAGE < from || isDirty && !dirtyToo) {
            isLeft = true;
            continue;
          }
          if (count == gone.length) {
            gone = Arrays.copyOf(gone, count * 2);
          }
          gone[count++] = c.frames[p];
          c.frames[p] = NONE;
          if (isDirty) {
            c.dirty &= ~(1L << p);
            dirtyCount = dirtyCount - 1;
          }
        }
        if (!isLeft) {
          i.remove();
        }
      }
      pageCount -= count;
      isEmpty = pageCount == 0;
    } finally {
      cacheLock.unlock();
    }
    if (invalidate && count > 0) {
      space.invalidate(from, Long.MAX_VALUE - from & -PAGE);
    }
    for (int i = 0; i < count; i++) {
      pages.release(gone[i], PAGE);
    }
    if (count > 0) {
      budget.shrunk(this, (long) count * PAGE, isEmpty);
    }
  }

  /** Reads what is missing of a chunk up to page {@code end}, in as few pieces as there are gaps. */
  private void fill(Chunk c, long index, int end, long size) throws ErrnoException {
    SharedFd fd = held.acquireFd(false);
    if (fd == null) {
      throw EIO.error();
    }
    try {
      int p = 0;
      while (p < end) {
        if (c.frames[p] != NONE) {
          p++;
          continue;
        }
        int q = p + 1;
        while (q < end && c.frames[q] == NONE) {
          q++;
        }
        fill(fd, c, index, p, q, size);
        p = q;
      }
    } finally {
      fd.release();
    }
  }

  private void fill(SharedFd fd, Chunk c, long index, int from, int to, long size) throws ErrnoException {
    long bytes = (long) (to - from) * PAGE;
    long frame = pages.allocateDirty(bytes);
    long at = (index << CHUNK_SHIFT) + (long) from * PAGE;
    long want = Math.min(bytes, size - at);
    long done = 0;
    try {
      while (done < want) {
        long n = fd.fd.pread(pages.memory().asSlice(frame + done, want - done), at + done);
        if (n <= 0) {
          // Shorter than it was said to be: the rest reads as zeros until somebody notices.
          break;
        }
        done += n;
      }
    } catch (ErrnoException e) {
      pages.release(frame, bytes);
      throw e;
    }
    pages.memory().asSlice(frame + done, bytes - done).fill((byte) 0);
    for (int p = from; p < to; p++) {
      c.frames[p] = frame + (long) (p - from) * PAGE;
    }
    pageCount += to - from;
  }

  private void writeBack(SharedFd fd, long index, Chunk c, long from, long to) throws ErrnoException {
    for (int p = 0; p < CHUNK_PAGES; p++) {
      long at = (index << CHUNK_SHIFT) + (long) p * PAGE;
      if ((c.dirty >>> p & 1) == 0 || at + PAGE <= from || at >= to) {
        continue;
      }
      long length = Math.min(PAGE, held.size - at);
      long done = 0;
      while (done < length) {
        done += fd.fd.pwrite(pages.memory().asSlice(c.frames[p] + done, length - done), at + done);
      }
      if (pages.references(c.frames[p]) == 1) {
        c.dirty &= ~(1L << p);
        dirtyCount = dirtyCount - 1;
      }
    }
  }

  /** What the file's end is now: before an application is told that it touched what is behind it. */
  private long sizeOnHost() throws ErrnoException {
    SharedFd fd = held.acquireFd(false);
    if (fd == null) {
      return held.size;
    }
    try {
      MemorySegment stat = MemorySegment.ofArray(new byte[Stat.SIZE]);
      fd.fd.fstat(stat);
      return stat.get(JAVA_LONG_UNALIGNED, Stat.ST_SIZE);
    } finally {
      fd.release();
    }
  }

  private void markDirty(Chunk c, int first, int n) {
    long mask = (n == CHUNK_PAGES ? -1L : (1L << n) - 1) << first;
    dirtyCount = dirtyCount + Long.bitCount(mask & ~c.dirty);
    c.dirty |= mask;
  }

  /** How many pages of chunk {@code index} a file of {@code size} bytes has. */
  private static int endOf(long index, long size) {
    long left = size - (index << CHUNK_SHIFT);
    return (int) Math.min(CHUNK_PAGES, left + PAGE - 1 >>> PAGE_SHIFT);
  }

  private long frame(long at) {
    Chunk c = chunks.get(at >>> CHUNK_SHIFT);
    return c == null ? NONE : c.frames[(int) (at >>> PAGE_SHIFT) & CHUNK_PAGES - 1];
  }

  private long dirtyFrame(long at) {
    Chunk c = chunks.get(at >>> CHUNK_SHIFT);
    int p = (int) (at >>> PAGE_SHIFT) & CHUNK_PAGES - 1;
    return c == null || (c.dirty >>> p & 1) == 0 ? NONE : c.frames[p];
  }

  /** How many of {@code max} bytes from {@code at} on are before the next dirty page. */
  private long cleanBytes(long at, long max) {
    long n = PAGE - (at & PAGE - 1);
    while (n < max && dirtyFrame(at + n) == NONE) {
      n += PAGE;
    }
    return Math.min(n, max);
  }
}
