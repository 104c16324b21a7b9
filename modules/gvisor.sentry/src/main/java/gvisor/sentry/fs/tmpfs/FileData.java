package gvisor.sentry.fs.tmpfs;

import static gvisor.api.errno.Errno.EFBIG;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOSPC;
import static gvisor.api.errno.Errno.ENXIO;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.mm.Mappable;
import gvisor.sentry.mm.MappingSpace;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.FileDescription;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.StampedLock;

/**
 * The bytes of one regular file: pages of the memory file, and holes.
 *
 * <p>Two locks, because a page fault comes in with the memory manager's lock held while a read goes out to the memory
 * manager. The io lock keeps reads (shared) apart from writes and truncation (exclusive) and is held while bytes are
 * copied; the table lock guards the page table and is all that a fault takes.
 */
final class FileData implements Mappable {
  private static final int PAGE = PageAllocator.PAGE_SIZE;
  private static final int PAGE_SHIFT = 12;

  /** The largest file, in bytes. */
  private static final long MAX_SIZE = Long.MAX_VALUE & ~(PAGE - 1L);

  /** The most pages that one step allocates: the table lock is held for so long. */
  private static final int STEP = 512;

  /** The most pages set aside for a file that grows at its end, so that its pages stay neighbours. */
  private static final int AHEAD = 256;

  /** Pages that are allocated at once when more are not to be had. */
  private static final int WHEN_SHORT = 16;

  /** How many pages a fault on a hole makes at most. */
  private static final int FAULT_PAGES = 16;

  static final int F_SEAL_SEAL = 1;
  static final int F_SEAL_SHRINK = 2;
  static final int F_SEAL_GROW = 4;
  static final int F_SEAL_WRITE = 8;
  static final int F_SEAL_FUTURE_WRITE = 16;
  static final int F_SEAL_EXEC = 32;

  static final int FALLOC_FL_KEEP_SIZE = 1;
  static final int FALLOC_FL_PUNCH_HOLE = 2;
  static final int FALLOC_FL_COLLAPSE_RANGE = 8;
  static final int FALLOC_FL_ZERO_RANGE = 16;

  private final TmpfsSuperblock superblock;
  private final PageAllocator allocator;
  private final StampedLock ioLock = new StampedLock();
  private final ReentrantLock tableLock = new ReentrantLock();

  // Guarded by tableLock. The size changes under both locks, so either will do to read it.
  private final PageTable table = new PageTable();
  private volatile long size;
  private volatile MappingSpace mappings;
  private long aheadPage;
  private long aheadMemory;
  private int aheadCount;

  /** Changes under the io lock held exclusively. */
  private volatile int seals;

  /** @param allocator what its memory is charged to */
  FileData(TmpfsSuperblock superblock, PageAllocator allocator, int seals) {
    this.superblock = superblock;
    this.allocator = allocator.forFiles();
    this.seals = seals;
  }

  long size() {
    return size;
  }

  /** Bytes that are not holes. */
  long allocatedBytes() {
    tableLock.lock();
    try {
      return table.pages() << PAGE_SHIFT;
    } finally {
      tableLock.unlock();
    }
  }

  long read(IoBuffer dst, long offset) throws ErrnoException {
    long stamp = ioLock.readLock();
    try {
      long end = size;
      if (offset >= end) {
        return 0;
      }
      long want = Math.min(dst.remaining(), end - offset);
      long done = 0;
      while (done < want) {
        long pos = offset + done;
        long page = pos >>> PAGE_SHIFT;
        int inPage = (int) pos & PAGE - 1;
        int pagesWanted = (int) Math.min(STEP, inPage + (want - done) + PAGE - 1 >>> PAGE_SHIFT);
        long memory;
        int run;
        tableLock.lock();
        try {
          memory = table.get(page);
          run = memory == PageTable.HOLE ? table.holes(page, pagesWanted) : table.run(page, pagesWanted);
        } finally {
          tableLock.unlock();
        }
        long length = Math.min(want - done, ((long) run << PAGE_SHIFT) - inPage);
        long n;
        try {
          n = memory == PageTable.HOLE
              ? dst.putZeros(length)
              : dst.put(allocator.memory(), memory + inPage, length);
        } catch (ErrnoException e) {
          if (done > 0) {
            return done;
          }
          throw e;
        }
        done += n;
        if (n < length) {
          break;
        }
      }
      return done;
    } finally {
      ioLock.unlockRead(stamp);
    }
  }

  /**
   * Writes at {@code offset}, or at the end when that is negative; {@code file} is told where that was then.
   *
   * @param limit no byte is written at or after this offset; EFBIG when that leaves none; negative for no limit
   */
  long write(IoBuffer src, long offset, long limit, FileDescription file) throws ErrnoException {
    long stamp = ioLock.writeLock();
    try {
      long start = offset < 0 ? size : offset;
      long bound = Math.min(limit < 0 ? MAX_SIZE : limit, MAX_SIZE);
      long want = src.remaining();
      if (want == 0) {
        file.appendEnd = offset < 0 ? start : file.appendEnd;
        return 0;
      }
      if (start >= bound) {
        throw EFBIG.error();
      }
      if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0) {
        throw EPERM.error();
      }
      if ((seals & F_SEAL_GROW) != 0 && start + want > size) {
        if (start >= size) {
          throw EPERM.error();
        }
        bound = Math.min(bound, size);
      }
      want = Math.min(want, bound - start);
      long done = 0;
      try {
        while (done < want) {
          long pos = start + done;
          int inPage = (int) pos & PAGE - 1;
          int pagesWanted = (int) Math.min(STEP, inPage + (want - done) + PAGE - 1 >>> PAGE_SHIFT);
          long memory;
          int run;
          tableLock.lock();
          try {
            long page = pos >>> PAGE_SHIFT;
            memory = table.get(page);
            run = memory == PageTable.HOLE ? fill(page, pagesWanted) : table.run(page, pagesWanted);
            memory = table.get(page);
          } finally {
            tableLock.unlock();
          }
          long length = Math.min(want - done, ((long) run << PAGE_SHIFT) - inPage);
          long n = src.get(allocator.memory(), memory + inPage, length);
          done += n;
          if (n < length) {
            break;
          }
        }
      } catch (ErrnoException e) {
        if (done == 0) {
          throw e;
        }
      }
      long end = start + done;
      if (offset < 0) {
        file.appendEnd = end;
      }
      if (end > size) {
        tableLock.lock();
        try {
          size = end;
        } finally {
          tableLock.unlock();
        }
      }
      return done;
    } finally {
      ioLock.unlockWrite(stamp);
    }
  }

  /**
   * Makes pages in the hole at {@code page}, at most {@code wanted}; the table lock is held.
   *
   * @return how many, consecutive in the memory file, at least 1
   * @throws ErrnoException ENOSPC when the file system is full, ENOMEM when the sandbox is
   */
  private int fill(long page, int wanted) throws ErrnoException {
    int count = superblock.charge(table.holes(page, wanted));
    if (count == 0) {
      throw ENOSPC.error();
    }
    if (aheadCount > 0 && aheadPage == page) {
      int taken = Math.min(count, aheadCount);
      superblock.uncharge(count - taken);
      table.put(page, aheadMemory, taken);
      aheadPage += taken;
      aheadMemory += (long) taken << PAGE_SHIFT;
      aheadCount -= taken;
      return taken;
    }
    dropAhead();
    int extra = page > 0 && table.get(page - 1) != PageTable.HOLE ? (int) Math.min(AHEAD, page) : 0;
    long memory;
    try {
      memory = allocator.allocate((long) (count + extra) << PAGE_SHIFT, PAGE);
    } catch (ErrnoException e) {
      int less = Math.min(count, WHEN_SHORT);
      superblock.uncharge(count - less);
      count = less;
      extra = 0;
      memory = allocateFew(count);
    }
    table.put(page, memory, count);
    if (extra > 0) {
      aheadPage = page + count;
      aheadMemory = memory + ((long) count << PAGE_SHIFT);
      aheadCount = extra;
    }
    return count;
  }

  /** What is left of memory may be too little for many pages. */
  private long allocateFew(int count) throws ErrnoException {
    try {
      return allocator.allocate((long) count << PAGE_SHIFT, PAGE);
    } catch (ErrnoException e) {
      superblock.uncharge(count);
      throw e;
    }
  }

  private void dropAhead() {
    if (aheadCount > 0) {
      allocator.release(aheadMemory, (long) aheadCount << PAGE_SHIFT);
      aheadCount = 0;
    }
  }

  /** Nobody has the file open any more: gives back what was set aside. */
  void closed() {
    tableLock.lock();
    try {
      dropAhead();
    } finally {
      tableLock.unlock();
    }
  }

  /** The file is gone: gives everything back. */
  void free() {
    tableLock.lock();
    try {
      dropAhead();
      size = 0;
    } finally {
      tableLock.unlock();
    }
    drop(0, Long.MAX_VALUE >>> PAGE_SHIFT);
  }

  void truncate(long newSize) throws ErrnoException {
    if (newSize > MAX_SIZE) {
      throw EFBIG.error();
    }
    long oldSize;
    long stamp = ioLock.writeLock();
    try {
      oldSize = size;
      if (newSize < oldSize && (seals & F_SEAL_SHRINK) != 0 || newSize > oldSize && (seals & F_SEAL_GROW) != 0) {
        throw EPERM.error();
      }
      tableLock.lock();
      try {
        size = newSize;
        if (newSize < oldSize) {
          dropAhead();
          zeroWithin(newSize, newSize + PAGE - 1 & -PAGE);
        }
      } finally {
        tableLock.unlock();
      }
      if (newSize < oldSize) {
        drop(newSize + PAGE - 1 >>> PAGE_SHIFT, Long.MAX_VALUE >>> PAGE_SHIFT);
      }
    } finally {
      ioLock.unlockWrite(stamp);
    }
    if (newSize < oldSize) {
      MappingSpace m = mappings;
      if (m != null) {
        m.truncated(newSize + PAGE - 1 & -PAGE);
      }
    }
  }

  /** Zeros {@code [from, to)} of one page, if it is there; the table lock is held. */
  private void zeroWithin(long from, long to) {
    if (from < to) {
      long memory = table.get(from >>> PAGE_SHIFT);
      if (memory != PageTable.HOLE) {
        allocator.memory().asSlice(memory + (from & PAGE - 1), to - from).fill((byte) 0);
      }
    }
  }

  /** Makes the pages of {@code [first, end)} holes. */
  private void drop(long first, long end) {
    long page = first;
    while (true) {
      tableLock.lock();
      try {
        for (int i = 0; i < STEP; i++) {
          page = table.nextData(page);
          if (page >= end) {
            if (end == Long.MAX_VALUE >>> PAGE_SHIFT) {
              table.trim(first);
            }
            return;
          }
          long memory = table.get(page);
          int run = table.run(page, (int) Math.min(STEP, end - page));
          for (int r = 0; r < run; r++) {
            table.remove(page + r);
          }
          allocator.release(memory, (long) run << PAGE_SHIFT);
          superblock.uncharge(run);
          page += run;
        }
      } finally {
        tableLock.unlock();
      }
    }
  }

  /** {@code fallocate(2)}; offset and length are not negative, length not 0. */
  void fallocate(int mode, long offset, long length, long limit) throws ErrnoException {
    long end = offset + length;
    if (end < 0 || end > MAX_SIZE || limit >= 0 && end > limit) {
      throw EFBIG.error();
    }
    long stamp = ioLock.writeLock();
    try {
      switch (mode & ~FALLOC_FL_KEEP_SIZE) {
        case 0 -> {
          grow(mode, end);
          allocate(offset, end);
          extend(mode, end);
        }
        case FALLOC_FL_PUNCH_HOLE -> {
          if ((mode & FALLOC_FL_KEEP_SIZE) == 0) {
            throw EOPNOTSUPP.error();
          }
          punch(offset, end);
        }
        case FALLOC_FL_ZERO_RANGE -> {
          grow(mode, end);
          punch(offset, end);
          allocate(offset, end);
          extend(mode, end);
        }
        case FALLOC_FL_COLLAPSE_RANGE -> collapse(mode, offset, end);
        default -> throw EOPNOTSUPP.error();
      }
    } finally {
      ioLock.unlockWrite(stamp);
    }
    if ((mode & FALLOC_FL_COLLAPSE_RANGE) != 0) {
      invalidate(offset, MAX_SIZE - offset);
    } else if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
      long from = offset + PAGE - 1 & -PAGE;
      long to = end & -PAGE;
      if (to > from) {
        invalidate(from, to - from);
      }
    }
  }

  private void grow(int mode, long end) throws ErrnoException {
    if ((seals & F_SEAL_GROW) != 0 && (mode & FALLOC_FL_KEEP_SIZE) == 0 && end > size) {
      throw EPERM.error();
    }
  }

  private void extend(int mode, long end) {
    if ((mode & FALLOC_FL_KEEP_SIZE) == 0 && end > size) {
      tableLock.lock();
      try {
        size = end;
      } finally {
        tableLock.unlock();
      }
    }
  }

  private void allocate(long offset, long end) throws ErrnoException {
    long last = end + PAGE - 1 >>> PAGE_SHIFT;
    long page = offset >>> PAGE_SHIFT;
    long first = page;
    while (page < last) {
      tableLock.lock();
      try {
        if (table.get(page) == PageTable.HOLE) {
          page += fill(page, (int) Math.min(STEP, last - page));
        } else {
          page += table.run(page, (int) Math.min(STEP, last - page));
        }
      } catch (ErrnoException e) {
        if (e.errno() == ENOSPC && size <= first << PAGE_SHIFT) {
          // Nothing of it can be seen: better give it back than leave the file system full of nothing.
          dropTail(Math.max(first, size + PAGE - 1 >>> PAGE_SHIFT), page);
        }
        throw e;
      } finally {
        tableLock.unlock();
      }
    }
  }

  private void dropTail(long first, long end) {
    for (long p = first; p < end; p++) {
      long memory = table.remove(p);
      if (memory != PageTable.HOLE) {
        allocator.release(memory, PAGE);
        superblock.uncharge(1);
      }
    }
  }

  private void punch(long offset, long end) throws ErrnoException {
    if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0) {
      throw EPERM.error();
    }
    long firstWhole = offset + PAGE - 1 >>> PAGE_SHIFT;
    long lastWhole = end >>> PAGE_SHIFT;
    tableLock.lock();
    try {
      dropAhead();
      if (firstWhole > lastWhole) {
        zeroWithin(offset, end);
      } else {
        zeroWithin(offset, firstWhole << PAGE_SHIFT);
        zeroWithin(lastWhole << PAGE_SHIFT, end);
      }
    } finally {
      tableLock.unlock();
    }
    if (firstWhole < lastWhole) {
      drop(firstWhole, lastWhole);
    }
  }

  private void collapse(int mode, long offset, long end) throws ErrnoException {
    if (mode != FALLOC_FL_COLLAPSE_RANGE || ((offset | end) & PAGE - 1) != 0 || end >= size) {
      throw EINVAL.error();
    }
    if ((seals & (F_SEAL_WRITE | F_SEAL_SHRINK)) != 0) {
      throw EPERM.error();
    }
    drop(offset >>> PAGE_SHIFT, end >>> PAGE_SHIFT);
    long shift = end - offset >>> PAGE_SHIFT;
    tableLock.lock();
    try {
      dropAhead();
      for (long p = table.nextData(end >>> PAGE_SHIFT); p != Long.MAX_VALUE; p = table.nextData(p + 1)) {
        table.put(p - shift, table.remove(p), 1);
      }
      size -= end - offset;
    } finally {
      tableLock.unlock();
    }
  }

  /** The offset for SEEK_DATA or SEEK_HOLE: ENXIO beyond the end. */
  long seekHole(long offset, boolean data) throws ErrnoException {
    tableLock.lock();
    try {
      if (offset < 0 || offset >= size) {
        throw ENXIO.error();
      }
      long page = offset >>> PAGE_SHIFT;
      if (data) {
        long found = table.nextData(page);
        if (found == page) {
          return offset;
        }
        if (found == Long.MAX_VALUE || found << PAGE_SHIFT >= size) {
          throw ENXIO.error();
        }
        return found << PAGE_SHIFT;
      }
      if (table.get(page) == PageTable.HOLE) {
        return offset;
      }
      while (page << PAGE_SHIFT < size && table.get(page) != PageTable.HOLE) {
        page++;
      }
      return Math.min(page << PAGE_SHIFT, size);
    } finally {
      tableLock.unlock();
    }
  }

  @Override
  public long pages(long fileOffset, int maxPages, boolean write, int[] run) throws ErrnoException {
    tableLock.lock();
    try {
      if (fileOffset >= size) {
        return BEYOND_END;
      }
      long page = fileOffset >>> PAGE_SHIFT;
      int max = (int) Math.min(maxPages, size - fileOffset + PAGE - 1 >>> PAGE_SHIFT);
      int n = table.get(page) == PageTable.HOLE ? fill(page, Math.min(max, FAULT_PAGES)) : table.run(page, max);
      long memory = table.get(page);
      allocator.acquire(memory, (long) n << PAGE_SHIFT);
      run[0] = n;
      return memory;
    } finally {
      tableLock.unlock();
    }
  }

  @Override
  public MappingSpace mappingSpace() {
    MappingSpace m = mappings;
    if (m == null) {
      // Most files are never mapped.
      tableLock.lock();
      try {
        m = mappings == null ? new MappingSpace() : mappings;
        mappings = m;
      } finally {
        tableLock.unlock();
      }
    }
    return m;
  }

  private void invalidate(long offset, long length) {
    MappingSpace m = mappings;
    if (m != null) {
      m.invalidate(offset, length);
    }
  }

  /** F_SEAL_* bits ({@code man 2 fcntl}). */
  int seals() {
    return seals;
  }

  /** EPERM when F_SEAL_SEAL is set, EBUSY when the file is mapped and is to become read-only. */
  void addSeals(int added) throws ErrnoException {
    long stamp = ioLock.writeLock();
    try {
      if ((seals & F_SEAL_SEAL) != 0) {
        throw EPERM.error();
      }
      if ((added & F_SEAL_WRITE) != 0 && (seals & F_SEAL_WRITE) == 0 && mappings != null && !mappings.isEmpty()) {
        throw gvisor.api.errno.Errno.EBUSY.error();
      }
      seals |= added;
    } finally {
      ioLock.unlockWrite(stamp);
    }
  }
}
