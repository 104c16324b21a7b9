package gvisor.sentry.mm;

import static gvisor.api.errno.Errno.ENOMEM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.AccessType;

/**
 * Turns promises into pages: what happens when an application, or the kernel for it, touches memory that is not there
 * or not its own yet.
 *
 * <p>A fault costs far more than the pages it brings, which are holes of the memory file until touched. So anonymous
 * memory comes in windows of megabytes, a file in runs of {@link #FILE_WINDOW}, and a copy on write takes the
 * neighbours along.
 *
 * <p>Files are asked for pages with no lock held; what is found afterwards is checked again.
 */
final class PageFaults {
  /** Anonymous memory is allocated in windows of this size and alignment, cut to the vma. */
  private static final long WINDOW = 16L << 20;

  /** The window in mappings that are reserved rather than used: a heap of a gigabyte and more that may stay empty. */
  private static final long SPARSE_WINDOW = 2L << 20;

  private static final long SPARSE_SIZE = 1L << 30;

  /** When memory is short. */
  private static final long SMALL_WINDOW = 64L << 10;

  /** Alignment from which the host, and a platform, may use large pages. */
  private static final long HUGE = 2L << 20;

  /** How much of a file one fault asks for. */
  private static final long FILE_WINDOW = 1L << 20;

  /** A file's window starts at a multiple of this at or below the faulting page. */
  private static final long FILE_ALIGN = 64L << 10;

  /** What one store to shared pages copies. */
  private static final long COPY_CLUSTER = 32L << 10;

  /** What one store copies at most, when one follows the other. */
  private static final long MAX_COPY = 1L << 20;

  /**
   * A private writable file mapping up to this size is a program's data: it is copied whole at the first touch, because
   * a load is soon followed by a store, and the platform may not be able to tell them apart.
   */
  static final long DATA_SEGMENT = 128L << 10;

  /** How far the stack grows at once, where the limit allows. */
  private static final long STACK_STEP = 128L << 10;

  /** Distance a growing stack keeps from what is below ({@code stack_guard_gap}). */
  static final long STACK_GUARD = 1L << 20;

  private static final int PAGE = PageAllocator.PAGE_SIZE;
  private static final int WRITE = AccessType.WRITE;

  /** Faults that may be stale: see {@link #isViolation}. Few threads are in doubt at the same time. */
  private static final int SUSPECTS = 32;

  private final MemoryManager mm;

  // Guarded by the write lock.
  private final long[] suspectThread = new long[SUSPECTS];
  private final long[] suspectAddress = new long[SUSPECTS];
  private final long[] suspectChange = new long[SUSPECTS];
  private int nextSuspect;
  private long changes = 1;

  PageFaults(MemoryManager mm) {
    this.mm = mm;
  }

  /** The platform maps something new; what faulted before may work now. */
  void mappingChanged() {
    changes++;
  }

  FaultResult fromApplication(long addr, int access) {
    return fault(addr, access, true);
  }

  FaultResult fromKernel(long addr, boolean write) {
    return fault(addr, write ? WRITE : AccessType.READ, false);
  }

  /** A file's pages to be asked for without the lock, and what the question rests on. */
  private static final class FileRequest {
    Mappable mappable;
    MappedFile file;
    long start;
    long offset;
    int pages;
    boolean write;
    long invalidations;
    final int[] run = new int[1];
    long found;
  }

  private FaultResult fault(long addr, int access, boolean application) {
    FileRequest request = null;
    while (true) {
      mm.writeLock.lock();
      try {
        if (request != null) {
          install(request);
        }
        Vma vma = mm.vmas.find(addr);
        if (vma == null) {
          vma = growStack(addr);
          if (vma == null) {
            return FaultResult.SEGV_MAPERR;
          }
        }
        Pma pma = mm.pmas.find(addr);
        int wanted = access;
        int allowed = vma.access();
        if (application && pma != null && (pma.mapped & access) == access) {
          // It works already. Either somebody else made it work after this access failed, or it was another kind of
          // access than the platform can tell.
          if ((allowed & WRITE) != 0 && (pma.mapped & WRITE) == 0) {
            wanted |= WRITE;
          } else {
            return isViolation(pma, addr) ? FaultResult.SEGV_ACCERR : FaultResult.OK;
          }
        }
        if ((wanted & ~allowed) != 0 || allowed == 0) {
          return FaultResult.SEGV_ACCERR;
        }
        if (!vma.isPrivateAnonymous() && !vma.isShared() && vma.isWritable() && vma.length() <= DATA_SEGMENT) {
          wanted |= WRITE;
        }
        boolean write = (wanted & WRITE) != 0;
        if (pma == null && vma.isPrivateAnonymous()) {
          pma = allocate(vma, addr);
        }
        if (pma == null || write && vma.isShared() && !pma.owned) {
          request = ask(vma, addr, write && vma.isShared(), request);
        } else {
          if (write && !pma.owned) {
            pma = own(vma, pma, addr);
          }
          if (application) {
            mm.mapInPlatform(pma);
            mm.mergePmas(pma.start, pma.end);
          }
          return FaultResult.OK;
        }
      } catch (ErrnoException e) {
        return FaultResult.OUT_OF_MEMORY;
      } finally {
        mm.writeLock.unlock();
      }
      FaultResult r = fetch(request, addr);
      if (r != FaultResult.OK) {
        return r;
      }
    }
  }

  /**
   * Whether a fault on a page that is mapped with all it may have is a violation. The first time the page is mapped
   * again and the access tried once more, because another thread may have mapped it between the access and now, or the
   * platform, which is only a cache, may have thrown it away. The second time, nothing having been mapped since, it is
   * one.
   */
  private boolean isViolation(Pma pma, long addr) throws ErrnoException {
    long thread = Thread.currentThread().threadId();
    int slot = -1;
    for (int i = 0; i < SUSPECTS; i++) {
      if (suspectThread[i] == thread) {
        if (suspectAddress[i] == addr && suspectChange[i] == changes) {
          return true;
        }
        slot = i;
        break;
      }
    }
    if (slot < 0) {
      slot = nextSuspect;
      nextSuspect = (nextSuspect + 1) % SUSPECTS;
    }
    pma.mapped = 0;
    mm.mapInPlatform(pma);
    suspectThread[slot] = thread;
    suspectAddress[slot] = addr;
    suspectChange[slot] = changes;
    return false;
  }

  // ---- private zeros ----

  private Pma allocate(Vma vma, long addr) throws ErrnoException {
    long size = vma.is(Vma.NORESERVE) && vma.length() >= SPARSE_SIZE ? SPARSE_WINDOW : WINDOW;
    try {
      return allocate(vma, addr, size);
    } catch (ErrnoException e) {
      try {
        return allocate(vma, addr, SMALL_WINDOW);
      } catch (ErrnoException again) {
        return allocate(vma, addr, PAGE);
      }
    }
  }

  private Pma allocate(Vma vma, long addr, long window) throws ErrnoException {
    long low = Math.max(vma.start, addr & -window);
    long high = Math.min(vma.end, (addr & -window) + window);
    int below = mm.pmas.floor(addr);
    Pma previous = below >= 0 ? mm.pmas.get(below) : null;
    Pma next = below + 1 < mm.pmas.size() ? mm.pmas.get(below + 1) : null;
    if (previous != null) {
      low = Math.max(low, previous.end);
    }
    if (next != null) {
      high = Math.min(high, next.start);
    }
    long length = high - low;
    long offset;
    if (previous != null && previous.end == low && !previous.ofFile
        && mm.pages.allocateAt(previous.offset + previous.length(), length)) {
      offset = previous.offset + previous.length();
    } else if (next != null && next.start == high && !next.ofFile && next.offset >= length
        && mm.pages.allocateAt(next.offset - length, length)) {
      offset = next.offset - length;
    } else {
      offset = allocateAlike(low, high);
    }
    Pma p = new Pma(low, high, offset, vma.access(), true, false);
    mm.pmas.insert(p);
    return p;
  }

  /** Pages for {@code [low, high)}; where that holds a large page, as far from the next multiple of one as it is. */
  private long allocateAlike(long low, long high) throws ErrnoException {
    long head = low & HUGE - 1;
    if (head == 0 || low - head + 2 * HUGE > high) {
      return mm.pages.allocate(high - low, high - low >= HUGE ? HUGE : PAGE);
    }
    long offset = mm.pages.allocate(head + high - low, HUGE);
    mm.pages.release(offset, head);
    return offset + head;
  }

  // ---- files ----

  /** Fills in what to ask the file for; a reference keeps it open until it has answered. */
  private FileRequest ask(Vma vma, long addr, boolean write, FileRequest reuse) {
    FileRequest r = reuse == null ? new FileRequest() : reuse;
    long page = addr & -PAGE;
    long low;
    long high;
    Pma here = mm.pmas.find(addr);
    if (here != null) {
      // The first store to pages of a shared mapping: those that are mapped together.
      low = Math.max(here.start, page & -FILE_ALIGN);
      high = Math.min(here.end, low + FILE_ALIGN);
    } else {
      int below = mm.pmas.floor(addr);
      low = Math.max(vma.start, page & -FILE_ALIGN);
      high = Math.min(vma.end, low + FILE_WINDOW);
      if (below >= 0) {
        low = Math.max(low, mm.pmas.get(below).end);
      }
      if (below + 1 < mm.pmas.size()) {
        high = Math.min(high, mm.pmas.get(below + 1).start);
      }
    }
    r.mappable = vma.mappable;
    r.file = vma.file;
    r.file.acquire();
    r.start = low;
    r.offset = vma.offset + low - vma.start;
    r.pages = (int) (high - low >>> 12);
    r.write = write;
    r.invalidations = mm.invalidations;
    return r;
  }

  /** Asks the file, without a lock. */
  private FaultResult fetch(FileRequest r, long addr) {
    long page = addr & -PAGE;
    try {
      r.found = r.mappable.pages(r.offset, r.pages, r.write, r.run);
      if (r.found != Mappable.BEYOND_END && r.start + (long) r.run[0] * PAGE > page) {
        return FaultResult.OK;
      }
      if (r.start < page) {
        // The run that starts in front of the page ends before it.
        if (r.found != Mappable.BEYOND_END) {
          mm.pages.release(r.found, (long) r.run[0] * PAGE);
        }
        long skip = page - r.start;
        r.start = page;
        r.offset += skip;
        r.pages -= (int) (skip / PAGE);
        r.found = r.mappable.pages(r.offset, r.pages, r.write, r.run);
      }
      return r.found == Mappable.BEYOND_END ? FaultResult.BUS_ADRERR : FaultResult.OK;
    } catch (ErrnoException e) {
      return e.errno() == ENOMEM ? FaultResult.OUT_OF_MEMORY : FaultResult.BUS_ADRERR;
    } finally {
      r.file.release();
    }
  }

  /** Enters the pages that a file gave, where the vma is still there and nothing else has come in between. */
  private void install(FileRequest r) {
    long end = r.start + (long) r.run[0] * PAGE;
    boolean stale = r.invalidations != mm.invalidations;
    for (long at = r.start; at < end; ) {
      long offset = r.found + at - r.start;
      Vma v = mm.vmas.find(at);
      if (stale || v == null || v.mappable != r.mappable || v.offset + at - v.start != r.offset + at - r.start) {
        mm.pages.release(offset, PAGE);
        at += PAGE;
        continue;
      }
      long limit = Math.min(end, v.end);
      boolean owned = v.isShared() && (r.write || !r.mappable.tracksStores());
      at = install(v, at, limit, offset, owned);
    }
  }

  /** Enters one run from {@code at} on, up to the next pma or {@code limit}; where it ended. */
  private long install(Vma v, long at, long limit, long offset, boolean owned) {
    Pma here = mm.pmas.find(at);
    if (here == null) {
      int next = mm.pmas.floor(at) + 1;
      long to = next < mm.pmas.size() ? Math.min(limit, mm.pmas.get(next).start) : limit;
      mm.pmas.insert(new Pma(at, to, offset, v.access(), owned, true));
      return to;
    }
    long to = Math.min(limit, here.end);
    if (owned && !here.owned) {
      mm.splitPmas(at);
      mm.splitPmas(to);
      Pma p = mm.pmas.find(at);
      if (p.offset != offset) {
        if (p.mapped != 0) {
          mm.unmapFromPlatform(p.start, p.end);
          p.mapped = 0;
        }
        mm.pages.release(p.offset, p.length());
        p.offset = offset;
      } else {
        mm.pages.release(offset, to - at);
      }
      p.owned = true;
    } else {
      mm.pages.release(offset, to - at);
    }
    return to;
  }

  // ---- copy on write ----

  /** Makes the page at {@code addr}, and some around it, the mm's own; the pma that has it then. */
  private Pma own(Vma vma, Pma pma, long addr) throws ErrnoException {
    long page = addr & -PAGE;
    long alone = mm.pages.exclusive(pma.offset, pma.length());
    if (alone == pma.length()) {
      pma.owned = true;
      pma.ofFile = false;
      return pma;
    }
    alone = mm.pages.exclusive(pma.at(page), pma.end - page);
    if (alone > 0) {
      Pma p = isolate(page, page + alone);
      p.owned = true;
      p.ofFile = false;
      return p;
    }
    long data = mm.pages.nextData(pma.at(page), pma.at(pma.end)) & -PAGE;
    if (data > pma.at(page) && !pma.ofFile) {
      // A hole: nobody has stored to it, so there is nothing to copy and much to map.
      long to = Math.min(pma.start + data - pma.offset, page + SPARSE_WINDOW);
      return replace(page, to, mm.pages.allocate(to - page, PAGE));
    }
    long low = Math.max(pma.start, page & -COPY_CLUSTER);
    long high = Math.min(pma.end, (page & -COPY_CLUSTER) + COPY_CLUSTER);
    if (pma.ofFile && vma.length() <= DATA_SEGMENT) {
      low = pma.start;
      high = Math.min(pma.end, low + DATA_SEGMENT);
    } else {
      Pma before = mm.pmas.find(low - 1);
      if (before != null && before.owned && !before.ofFile) {
        // Stores come in address order: each copies twice what the one before did.
        high = Math.min(pma.end, low + Math.clamp(2 * before.length(), COPY_CLUSTER, MAX_COPY));
      }
    }
    long copy = mm.pages.allocateDirty(high - low);
    mm.pages.copy(pma.at(low), copy, high - low);
    mm.forkHistory.note(addr);
    return replace(low, high, copy);
  }

  /** Puts other pages behind the range, which lies within one pma, and tells the platform if it had the old ones. */
  private Pma replace(long low, long high, long offset) {
    Pma p = isolate(low, high);
    long old = p.offset;
    p.offset = offset;
    p.owned = true;
    p.ofFile = false;
    if (p.mapped != 0) {
      p.mapped = 0;
      try {
        mm.mapInPlatform(p);
      } catch (ErrnoException e) {
        mm.unmapFromPlatform(low, high);
      }
    }
    mm.pages.release(old, high - low);
    return p;
  }

  private Pma isolate(long low, long high) {
    mm.splitPmas(low);
    mm.splitPmas(high);
    return mm.pmas.find(low);
  }

  // ---- stack ----

  /** Extends the stack above {@code addr} down to it, if there is one, and it may; null otherwise. */
  private Vma growStack(long addr) {
    int i = mm.vmas.firstEndingAbove(addr);
    if (i >= mm.vmas.size() || addr < mm.minAddress) {
      return null;
    }
    Vma v = mm.vmas.get(i);
    if (!v.is(Vma.GROWSDOWN)) {
      return null;
    }
    Vma below = i > 0 ? mm.vmas.get(i - 1) : null;
    long floor = mm.minAddress;
    if (below != null) {
      floor = below.access() != 0 && !below.is(Vma.GROWSDOWN) ? below.end + STACK_GUARD : below.end;
    }
    long page = addr & -PAGE;
    long start = addr & -STACK_STEP;
    if (!fits(v, start, floor)) {
      start = page;
      if (!fits(v, start, floor)) {
        return null;
      }
    }
    mm.books.remove(v);
    mm.vmas.moveStart(i, start);
    mm.books.add(v);
    return v;
  }

  private boolean fits(Vma stack, long start, long floor) {
    MmLimits limits = mm.limits();
    return start >= floor
        && Long.compareUnsigned(stack.end - start, limits.limit(MmLimits.RLIMIT_STACK)) <= 0
        && Long.compareUnsigned(mm.books.total + stack.start - start, limits.limit(MmLimits.RLIMIT_AS)) <= 0;
  }
}
