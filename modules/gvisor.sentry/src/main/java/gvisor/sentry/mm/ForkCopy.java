package gvisor.sentry.mm;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;

/** Copies a memory manager for a forked child. */
final class ForkCopy {
  private static final int WRITE = 2;

  /**
   * As many ranges are mapped for the child at once: those that the parent uses. They come in one batch, where faults
   * come one by one.
   */
  private static final int MAPPED_AHEAD = 64;

  private ForkCopy() {}

  /**
   * Fills {@code child}, which nobody else knows yet, from {@code parent}, whose write lock the caller holds. What the
   * parent has mapped writable and private is write-protected, adjacent ranges in one call each.
   */
  static void copy(MemoryManager parent, MemoryManager child) throws ErrnoException {
    parent.layout.copyTo(child.layout);
    // Another thread of the parent could store while its page is copied: such a parent shares all.
    long[] hot = new long[ForkHistory.MAX];
    int hotCount = parent.users() == 1 ? cutHot(parent, hot) : 0;
    long protectFrom = -1;
    long protectTo = -1;
    int protectAccess = 0;
    int mapped = 0;
    for (int i = 0; i < parent.vmas.size(); i++) {
      Vma v = parent.vmas.get(i);
      if (v.is(Vma.DONTFORK)) {
        continue;
      }
      Vma copy = v.slice(v.start, v.end);
      copy.flags &= ~Vma.LOCKED;
      if (copy.file != null) {
        copy.file.acquire();
        copy.mappable.mappingSpace().add(child);
      }
      child.vmas.insert(copy);
      child.books.add(copy);
      if (v.is(Vma.WIPEONFORK)) {
        continue;
      }
      parent.splitPmas(v.start);
      parent.splitPmas(v.end);
      for (int j = parent.pmas.firstEndingAbove(v.start); j < parent.pmas.size(); j++) {
        Pma p = parent.pmas.get(j);
        if (p.start >= v.end) {
          break;
        }
        if (!v.isShared()) {
          if (isHot(p, hot, hotCount) && giveCopy(p, parent, child)) {
            continue;
          }
          p.owned = false;
          if ((p.mapped & WRITE) != 0) {
            int access = p.mapped & ~WRITE;
            if (protectTo != p.start || protectAccess != access) {
              flush(parent, protectFrom, protectTo, protectAccess);
              protectFrom = p.start;
              protectAccess = access;
            }
            protectTo = p.end;
            p.mapped = access;
          }
        }
        parent.pages.acquire(p.offset, p.length());
        Pma q = p.slice(p.start, p.end);
        q.mapped = 0;
        child.pmas.insert(q);
        if (p.mapped != 0 && mapped < MAPPED_AHEAD) {
          child.mapInPlatform(q);
          mapped++;
        }
      }
    }
    flush(parent, protectFrom, protectTo, protectAccess);
  }

  /** Makes pmas of their own of what is to be copied now; the pages into {@code hot}, and how many. */
  private static int cutHot(MemoryManager parent, long[] hot) {
    int count = parent.forkHistory.take(hot);
    for (int i = 0; i < count; i++) {
      parent.splitPmas(hot[i]);
      parent.splitPmas(hot[i] + PageAllocator.PAGE_SIZE);
    }
    return count;
  }

  /** Whether {@code p}, of private memory, is a hot page that may be stored to. */
  private static boolean isHot(Pma p, long[] hot, int count) {
    if (!p.owned || p.ofFile || (p.mapped & WRITE) == 0) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      if (p.start == hot[i] && p.length() == PageAllocator.PAGE_SIZE) {
        return true;
      }
    }
    return false;
  }

  /**
   * Gives {@code child} a page of its own in place of {@code p}; false if there is none. It has been stored to before: no
   * question whether it is a hole.
   */
  private static boolean giveCopy(Pma p, MemoryManager parent, MemoryManager child) throws ErrnoException {
    long copy;
    try {
      copy = parent.pages.allocateDirty(p.length());
    } catch (ErrnoException e) {
      return false;
    }
    MemorySegment memory = parent.memory;
    MemorySegment.copy(memory, p.offset, memory, copy, p.length());
    Pma q = new Pma(p.start, p.end, copy, p.access, true, false);
    child.pmas.insert(q);
    child.mapInPlatform(q);
    return true;
  }

  private static void flush(MemoryManager parent, long from, long to, int access) {
    if (from >= 0) {
      parent.protectInPlatform(from, to, access);
    }
  }
}
