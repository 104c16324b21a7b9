package gvisor.sentry.mm;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOMEM;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;

/** Moves and resizes mappings: {@code mremap(2)}. Takes the memory manager's lock; called with none. Any thread. */
public final class Remapping {
  public static final int MREMAP_MAYMOVE = 1;
  public static final int MREMAP_FIXED = 2;
  public static final int MREMAP_DONTUNMAP = 4;

  private static final int PAGE = MemoryManager.PAGE_SIZE;

  private final MemoryManager mm;
  private final Mappings mappings;

  Remapping(MemoryManager mm, Mappings mappings) {
    this.mm = mm;
    this.mappings = mappings;
  }

  /**
   * {@code mremap(2)}.
   *
   * @param mayLock the caller has CAP_IPC_LOCK
   * @return where the mapping is now
   */
  public long remap(long oldAddr, long oldLength, long newLength, int flags, long newAddr, boolean mayLock)
      throws ErrnoException {
    boolean mayMove = (flags & MREMAP_MAYMOVE) != 0;
    boolean fixed = (flags & MREMAP_FIXED) != 0;
    boolean keep = (flags & MREMAP_DONTUNMAP) != 0;
    if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0
        || (fixed || keep) && !mayMove
        || keep && Mappings.pageUp(oldLength) != Mappings.pageUp(newLength)
        || (oldAddr & PAGE - 1) != 0) {
      throw EINVAL.error();
    }
    long oldSize = Mappings.pageUp(oldLength);
    long newSize = Mappings.pageUp(newLength);
    if (newSize == 0 || newSize < 0 || oldSize < 0 || newSize > mm.maxAddress) {
      throw EINVAL.error();
    }
    if (!mm.isUserRange(oldAddr, oldSize)) {
      throw EFAULT.error();
    }
    if (fixed && ((newAddr & PAGE - 1) != 0 || !mm.isUserRange(newAddr, newSize)
        || newAddr < oldAddr + oldSize && oldAddr < newAddr + newSize)) {
      throw EINVAL.error();
    }
    Leftovers leftovers = new Leftovers(mm);
    long result;
    boolean locked;
    mm.writeLock.lock();
    try {
      Vma v = mm.vmas.find(oldAddr);
      if (v == null) {
        throw EFAULT.error();
      }
      locked = v.is(Vma.LOCKED);
      result = remapLocked(v, oldAddr, oldSize, newSize, mayMove, fixed, keep, newAddr, mayLock, leftovers);
    } finally {
      mm.writeLock.unlock();
      leftovers.settle();
    }
    if (locked && newSize > oldSize) {
      mm.populate(result + oldSize, result + newSize, false);
    }
    return result;
  }

  private long remapLocked(Vma v, long oldAddr, long oldSize, long newSize, boolean mayMove, boolean fixed,
      boolean keep, long newAddr, boolean mayLock, Leftovers leftovers) throws ErrnoException {
    if (oldSize == 0 && (!v.isShared() || !mayMove)) {
      throw EINVAL.error();
    }
    if (keep && v.is(Vma.SPECIAL)) {
      throw EINVAL.error();
    }
    if (!fixed && !keep && oldSize >= newSize) {
      // A shrinking range may cross vmas.
      if (oldSize > newSize) {
        mappings.removeRange(oldAddr + newSize, oldAddr + oldSize, leftovers);
      }
      return oldAddr;
    }
    if (oldSize > v.end - oldAddr) {
      throw EFAULT.error();
    }
    if (newSize > oldSize) {
      if (v.is(Vma.SPECIAL)) {
        throw EFAULT.error();
      }
      if (v.file != null && v.offset + (oldAddr - v.start) + newSize < 0) {
        throw EINVAL.error();
      }
      long more = newSize - oldSize;
      Vma grown = new Vma(0, more, v.prot, v.flags, null, null, 0, null);
      if (v.is(Vma.LOCKED) && !mayLock && Long.compareUnsigned(mm.books.locked + more,
          mm.limits().limit(MmLimits.RLIMIT_MEMLOCK)) > 0) {
        throw EAGAIN.error();
      }
      mappings.checkRoom(grown, 0);
      long end = oldAddr + oldSize;
      if (!fixed && !keep && oldSize > 0 && end == v.end && mm.isUserRange(end, more)
          && !mappings.anyMapped(end, end + more)) {
        mm.books.remove(v);
        v.end += more;
        mm.books.add(v);
        mappings.mergeVmas(v.start, v.end, leftovers);
        return oldAddr;
      }
    }
    if (!mayMove) {
      throw ENOMEM.error();
    }
    return move(v, oldAddr, oldSize, newSize, fixed, keep, newAddr, leftovers);
  }

  private long move(Vma v, long oldAddr, long oldSize, long newSize, boolean fixed, boolean keep, long newAddr,
      Leftovers leftovers) throws ErrnoException {
    if (mm.vmas.size() >= MemoryManager.MAX_MAP_COUNT - 3) {
      throw ENOMEM.error();
    }
    long target;
    if (fixed) {
      if (newAddr < mm.minAddress) {
        throw EPERM.error();
      }
      mappings.removeRange(newAddr, newAddr + newSize, leftovers);
      target = newAddr;
    } else {
      target = mappings.place(newAddr, newSize, 0);
    }
    Vma from = mm.vmas.find(oldAddr);
    if (from == null) {
      // With an old length of 0 nothing overlaps, and what was to be mapped a second time made room for itself.
      throw EFAULT.error();
    }
    Vma to = new Vma(target, target + newSize, from.prot, from.flags, from.mappable, from.file,
        from.offset + oldAddr - from.start, from.name);
    long moved = Math.min(oldSize, newSize);
    RangeList<Pma> taken = new RangeList<>();
    if (moved > 0) {
      takePmas(oldAddr, oldAddr + moved, target - oldAddr, taken);
    }
    if (to.file != null) {
      to.file.acquire();
      to.mappable.mappingSpace().add(mm);
    }
    mm.vmas.insert(to);
    mm.books.add(to);
    for (int i = 0; i < taken.size(); i++) {
      mm.pmas.insert(taken.get(i));
    }
    if (oldSize > 0 && !keep) {
      mappings.removeRange(oldAddr, oldAddr + oldSize, leftovers);
    } else if (keep) {
      mappings.splitVmas(oldAddr);
      mappings.splitVmas(oldAddr + oldSize);
      Vma left = mm.vmas.find(oldAddr);
      mm.books.remove(left);
      left.flags &= ~Vma.LOCKED;
      mm.books.add(left);
    }
    MemoryLayout l = mm.layout;
    if (l.vdso != 0 && oldAddr == l.vdso) {
      // The code that returns from signal handlers moves along, as it does on Linux.
      l.sigreturn += target - l.vdso;
      l.vdso = target;
    }
    mappings.mergeVmas(to.start, to.end, leftovers);
    return target;
  }

  /** Takes pmas out of the books without giving their pages back, and readdresses them. */
  private void takePmas(long start, long end, long distance, RangeList<Pma> into) {
    mm.splitPmas(start);
    mm.splitPmas(end);
    int from = mm.pmas.firstEndingAbove(start);
    int to = from;
    long mappedFrom = -1;
    long mappedTo = -1;
    while (to < mm.pmas.size() && mm.pmas.get(to).start < end) {
      Pma p = mm.pmas.get(to++);
      if (p.mapped != 0) {
        mappedFrom = mappedFrom < 0 ? p.start : mappedFrom;
        mappedTo = p.end;
      }
      Pma q = p.slice(p.start, p.end);
      q.start += distance;
      q.end += distance;
      q.mapped = 0;
      into.insert(q);
    }
    if (mappedFrom >= 0) {
      mm.unmapFromPlatform(mappedFrom, mappedTo);
    }
    mm.pmas.remove(from, to);
  }
}
