package gvisor.sentry.mm;

import gvisor.api.errno.ErrnoException;

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

  private static void flush(MemoryManager parent, long from, long to, int access) {
    if (from >= 0) {
      parent.protectInPlatform(from, to, access);
    }
  }
}
