package gvisor.sentry.mm;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EBUSY;
import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOMEM;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * What an application says about its mappings without changing what they are: {@code madvise}, {@code mlock},
 * {@code msync}, {@code mincore} and names. Takes the memory manager's lock; called with none. Any thread.
 */
public final class MemoryAdvice {
  public static final int MADV_NORMAL = 0;
  public static final int MADV_RANDOM = 1;
  public static final int MADV_SEQUENTIAL = 2;
  public static final int MADV_WILLNEED = 3;
  public static final int MADV_DONTNEED = 4;
  public static final int MADV_FREE = 8;
  public static final int MADV_REMOVE = 9;
  public static final int MADV_DONTFORK = 10;
  public static final int MADV_DOFORK = 11;
  public static final int MADV_MERGEABLE = 12;
  public static final int MADV_UNMERGEABLE = 13;
  public static final int MADV_HUGEPAGE = 14;
  public static final int MADV_NOHUGEPAGE = 15;
  public static final int MADV_DONTDUMP = 16;
  public static final int MADV_DODUMP = 17;
  public static final int MADV_WIPEONFORK = 18;
  public static final int MADV_KEEPONFORK = 19;
  public static final int MADV_COLD = 20;
  public static final int MADV_PAGEOUT = 21;
  public static final int MADV_POPULATE_READ = 22;
  public static final int MADV_POPULATE_WRITE = 23;
  public static final int MADV_DONTNEED_LOCKED = 24;

  public static final int MS_ASYNC = 1;
  public static final int MS_INVALIDATE = 2;
  public static final int MS_SYNC = 4;

  public static final int MCL_CURRENT = 1;
  public static final int MCL_FUTURE = 2;
  public static final int MCL_ONFAULT = 4;

  /** Bits of an entry of {@code /proc/[pid]/pagemap}. The number of the page's frame is not told. */
  private static final long PM_SOFT_DIRTY = 1L << 55;
  private static final long PM_MMAP_EXCLUSIVE = 1L << 56;
  private static final long PM_FILE = 1L << 61;
  private static final long PM_PRESENT = 1L << 63;

  private static final int PAGE = MemoryManager.PAGE_SIZE;

  private final MemoryManager mm;
  private final Mappings mappings;

  MemoryAdvice(MemoryManager mm, Mappings mappings) {
    this.mm = mm;
    this.mappings = mappings;
  }

  // ---- madvise ----

  /** {@code madvise(2)}. */
  public void advise(long addr, long length, int advice) throws ErrnoException {
    if (!isKnown(advice) || (addr & PAGE - 1) != 0) {
      throw EINVAL.error();
    }
    long size = Mappings.pageUp(length);
    if (length != 0 && size <= 0 || Long.compareUnsigned(addr + size, addr) < 0) {
      throw EINVAL.error();
    }
    if (size == 0) {
      return;
    }
    if (!mm.isUserRange(addr, size)) {
      throw ENOMEM.error();
    }
    long end = addr + size;
    switch (advice) {
      case MADV_POPULATE_READ, MADV_POPULATE_WRITE -> populate(addr, end, advice == MADV_POPULATE_WRITE);
      case MADV_REMOVE -> remove(addr, end);
      case MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE -> drop(addr, end, advice);
      case MADV_DONTFORK -> change(addr, end, Vma.DONTFORK, 0);
      case MADV_DOFORK -> change(addr, end, 0, Vma.DONTFORK);
      case MADV_WIPEONFORK -> change(addr, end, Vma.WIPEONFORK, 0);
      case MADV_KEEPONFORK -> change(addr, end, 0, Vma.WIPEONFORK);
      case MADV_DONTDUMP -> change(addr, end, Vma.DONTDUMP, 0);
      case MADV_DODUMP -> change(addr, end, 0, Vma.DONTDUMP);
      default -> checkMapped(addr, end);
    }
  }

  private static boolean isKnown(int advice) {
    return advice >= MADV_NORMAL && advice <= MADV_DONTNEED || advice >= MADV_FREE && advice <= MADV_DONTNEED_LOCKED;
  }

  private void checkMapped(long addr, long end) throws ErrnoException {
    mm.writeLock.lock();
    try {
      if (hasGap(addr, end)) {
        throw ENOMEM.error();
      }
    } finally {
      mm.writeLock.unlock();
    }
  }

  private boolean hasGap(long start, long end) {
    long at = start;
    for (int i = mm.vmas.firstEndingAbove(start); at < end; i++) {
      if (i >= mm.vmas.size() || mm.vmas.get(i).start > at) {
        return true;
      }
      at = mm.vmas.get(i).end;
    }
    return false;
  }

  private void drop(long addr, long end, int advice) throws ErrnoException {
    mm.writeLock.lock();
    try {
      for (int i = mm.vmas.firstEndingAbove(addr); i < mm.vmas.size() && mm.vmas.get(i).start < end; i++) {
        Vma v = mm.vmas.get(i);
        if (advice == MADV_DONTNEED && v.is(Vma.LOCKED)
            || advice == MADV_FREE && (!v.isPrivateAnonymous() || v.is(Vma.LOCKED))) {
          throw EINVAL.error();
        }
        drop(v, Math.max(addr, v.start), Math.min(end, v.end));
      }
      if (hasGap(addr, end)) {
        throw ENOMEM.error();
      }
    } finally {
      mm.writeLock.unlock();
    }
  }

  /**
   * Private zeros that nobody shares are punched out of the memory file where they are: one host call, and neither the
   * platform's mapping nor the next fault have to be made again.
   */
  private void drop(Vma v, long start, long end) {
    if (!v.isPrivateAnonymous()) {
      mm.dropPmas(start, end, false);
      return;
    }
    long at = start;
    while (at < end) {
      int i = mm.pmas.firstEndingAbove(at);
      if (i >= mm.pmas.size() || mm.pmas.get(i).start >= end) {
        return;
      }
      Pma p = mm.pmas.get(i);
      long from = Math.max(at, p.start);
      long to = Math.min(end, p.end);
      if (p.owned) {
        mm.pages.decommit(p.at(from), to - from);
      } else {
        mm.dropPmas(from, to, false);
      }
      at = to;
    }
  }

  private void remove(long addr, long end) throws ErrnoException {
    record Hole(MappedFile file, long offset, long length) {}
    List<Hole> holes = new ArrayList<>();
    boolean gap;
    mm.writeLock.lock();
    try {
      for (int i = mm.vmas.firstEndingAbove(addr); i < mm.vmas.size() && mm.vmas.get(i).start < end; i++) {
        Vma v = mm.vmas.get(i);
        if (v.is(Vma.LOCKED) || v.file == null) {
          throw EINVAL.error();
        }
        if (!v.isShared() || !v.mayHave(MapFlags.PROT_WRITE)) {
          throw EACCES.error();
        }
        long from = Math.max(addr, v.start);
        holes.add(new Hole(v.file, v.offset + from - v.start, Math.min(end, v.end) - from));
      }
      for (Hole h : holes) {
        h.file.acquire();
      }
      gap = hasGap(addr, end);
    } finally {
      mm.writeLock.unlock();
    }
    ErrnoException failure = gap ? ENOMEM.error() : null;
    for (Hole h : holes) {
      try {
        h.file.punchHole(mm.host.clock(), h.offset, h.length);
      } catch (ErrnoException e) {
        failure = e;
      } finally {
        h.file.release();
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void populate(long addr, long end, boolean write) throws ErrnoException {
    mm.writeLock.lock();
    try {
      for (int i = mm.vmas.firstEndingAbove(addr); i < mm.vmas.size() && mm.vmas.get(i).start < end; i++) {
        if ((mm.vmas.get(i).access() & (write ? MapFlags.PROT_WRITE : MapFlags.PROT_READ)) == 0) {
          throw EINVAL.error();
        }
      }
      if (hasGap(addr, end)) {
        throw ENOMEM.error();
      }
    } finally {
      mm.writeLock.unlock();
    }
    switch (mm.populate(addr, end, write)) {
      case OK -> {}
      case OUT_OF_MEMORY -> throw ENOMEM.error();
      case SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR -> throw EFAULT.error();
    }
  }

  /** Sets and clears flags of the vmas in the range, up to the first that may not have them. */
  private void change(long addr, long end, int set, int clear) throws ErrnoException {
    Leftovers leftovers = new Leftovers(mm);
    mm.writeLock.lock();
    try {
      changeLocked(addr, end, set, clear, leftovers);
      if (hasGap(addr, end)) {
        throw ENOMEM.error();
      }
    } finally {
      mm.writeLock.unlock();
      leftovers.settle();
    }
  }

  private void changeLocked(long addr, long end, int set, int clear, Leftovers leftovers) throws ErrnoException {
    if (mm.vmas.size() >= MemoryManager.MAX_MAP_COUNT - 2) {
      throw ENOMEM.error();
    }
    mappings.splitVmas(addr);
    mappings.splitVmas(end);
    for (int i = mm.vmas.firstEndingAbove(addr); i < mm.vmas.size() && mm.vmas.get(i).start < end; i++) {
      Vma v = mm.vmas.get(i);
      if ((set & Vma.WIPEONFORK) != 0 && (!v.isPrivateAnonymous() || v.isShared())
          || (clear & Vma.DONTFORK) != 0 && v.is(Vma.SPECIAL)) {
        throw EINVAL.error();
      }
      if (v.is(Vma.SPECIAL) && (set & Vma.LOCKED) != 0) {
        continue;
      }
      mm.books.remove(v);
      v.flags = v.flags & ~clear | set;
      mm.books.add(v);
    }
    mappings.mergeVmas(addr, end, leftovers);
  }

  /**
   * Stores {@code policy}, a number up to 255, with a range: {@code mbind(2)}, which says EFAULT for a gap.
   *
   * @param addr page aligned
   */
  public void setPolicy(long addr, long length, int policy) throws ErrnoException {
    if (!mm.isUserRange(addr, length) || !mm.isMapped(addr, length)) {
      throw EFAULT.error();
    }
    change(addr, addr + length, policy << Vma.POLICY_SHIFT, Vma.POLICY << Vma.POLICY_SHIFT);
  }

  /** The number that {@link #setPolicy} stored for {@code addr}, 0 for none; EFAULT where nothing is mapped. */
  public int policy(long addr) throws ErrnoException {
    mm.writeLock.lock();
    try {
      int i = mm.vmas.firstEndingAbove(addr);
      if (i >= mm.vmas.size() || mm.vmas.get(i).start > addr) {
        throw EFAULT.error();
      }
      return mm.vmas.get(i).flags >>> Vma.POLICY_SHIFT & Vma.POLICY;
    } finally {
      mm.writeLock.unlock();
    }
  }

  /** Names anonymous memory: {@code prctl(PR_SET_VMA)}; null takes the name away. */
  public void name(long addr, long length, String name) throws ErrnoException {
    long size = Mappings.pageUp(length);
    if ((addr & PAGE - 1) != 0 || length != 0 && size == 0 || Long.compareUnsigned(addr + size, addr) < 0) {
      throw EINVAL.error();
    }
    if (!mm.isUserRange(addr, size)) {
      throw ENOMEM.error();
    }
    long end = addr + size;
    Leftovers leftovers = new Leftovers(mm);
    mm.writeLock.lock();
    try {
      mappings.splitVmas(addr);
      mappings.splitVmas(end);
      boolean gap = hasGap(addr, end);
      for (int i = mm.vmas.firstEndingAbove(addr); i < mm.vmas.size() && mm.vmas.get(i).start < end; i++) {
        Vma v = mm.vmas.get(i);
        if (v.file != null) {
          throw EBADF.error();
        }
        v.name = name == null ? null : "[anon:" + name + "]";
      }
      mappings.mergeVmas(addr, end, leftovers);
      if (gap) {
        throw ENOMEM.error();
      }
    } finally {
      mm.writeLock.unlock();
      leftovers.settle();
    }
  }

  // ---- mlock ----

  /**
   * {@code mlock2(2)}: memory here is never paged out, so locking is bookkeeping and population.
   *
   * @param mayLock the caller has CAP_IPC_LOCK
   */
  public void lock(long addr, long length, boolean onFault, boolean mayLock) throws ErrnoException {
    long start = addr & -PAGE;
    long size = Mappings.pageUp(length + (addr - start));
    MmLimits limits = mm.limits();
    long limit = limits.limit(MmLimits.RLIMIT_MEMLOCK);
    if (!mayLock && limit == 0) {
      throw EPERM.error();
    }
    if (!isRange(start, size)) {
      return;
    }
    Leftovers leftovers = new Leftovers(mm);
    mm.writeLock.lock();
    try {
      long more = 0;
      for (int i = mm.vmas.firstEndingAbove(start); i < mm.vmas.size() && mm.vmas.get(i).start < start + size; i++) {
        Vma v = mm.vmas.get(i);
        if (!v.is(Vma.LOCKED)) {
          more += Math.min(v.end, start + size) - Math.max(v.start, start);
        }
      }
      if (!mayLock && Long.compareUnsigned(mm.books.locked + more, limit) > 0) {
        throw ENOMEM.error();
      }
      boolean gap = hasGap(start, start + size);
      changeLocked(start, start + size, Vma.LOCKED, 0, leftovers);
      if (gap) {
        throw ENOMEM.error();
      }
    } finally {
      mm.writeLock.unlock();
      leftovers.settle();
    }
    if (!onFault && mm.populate(start, start + size, false) == FaultResult.OUT_OF_MEMORY) {
      throw EAGAIN.error();
    }
  }

  /** {@code munlock(2)}. */
  public void unlock(long addr, long length) throws ErrnoException {
    long start = addr & -PAGE;
    long size = Mappings.pageUp(length + (addr - start));
    if (isRange(start, size)) {
      change(start, start + size, 0, Vma.LOCKED);
    }
  }

  /** Whether there is anything in a range to lock: EINVAL when it runs over the end, ENOMEM outside of user memory. */
  private boolean isRange(long start, long size) throws ErrnoException {
    if (Long.compareUnsigned(start + size, start) < 0) {
      throw EINVAL.error();
    }
    if (!mm.isUserRange(start, size)) {
      throw ENOMEM.error();
    }
    return size > 0;
  }

  /** {@code mlockall(2)}. */
  public void lockAll(int flags, boolean mayLock) throws ErrnoException {
    if (flags == 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0 || flags == MCL_ONFAULT) {
      throw EINVAL.error();
    }
    long limit = mm.limits().limit(MmLimits.RLIMIT_MEMLOCK);
    if (!mayLock && limit == 0) {
      throw EPERM.error();
    }
    mm.writeLock.lock();
    try {
      if (!mayLock && (flags & MCL_CURRENT) != 0 && Long.compareUnsigned(mm.books.total, limit) > 0) {
        throw ENOMEM.error();
      }
      mm.books.futureFlags = (flags & MCL_FUTURE) != 0 ? Vma.LOCKED : 0;
      if ((flags & MCL_CURRENT) != 0) {
        lockEverything(Vma.LOCKED, 0);
      }
    } finally {
      mm.writeLock.unlock();
    }
  }

  /** {@code munlockall(2)}. */
  public void unlockAll() {
    mm.writeLock.lock();
    try {
      mm.books.futureFlags = 0;
      lockEverything(0, Vma.LOCKED);
    } finally {
      mm.writeLock.unlock();
    }
  }

  private void lockEverything(int set, int clear) {
    for (int i = 0; i < mm.vmas.size(); i++) {
      Vma v = mm.vmas.get(i);
      if (!v.is(Vma.SPECIAL)) {
        mm.books.remove(v);
        v.flags = v.flags & ~clear | set;
        mm.books.add(v);
      }
    }
  }

  // ---- msync ----

  /** {@code msync(2)}. */
  public void sync(long addr, long length, int flags) throws ErrnoException {
    if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 || (flags & MS_ASYNC) != 0 && (flags & MS_SYNC) != 0
        || (addr & PAGE - 1) != 0) {
      throw EINVAL.error();
    }
    long size = Mappings.pageUp(length);
    if (length != 0 && (size <= 0 || addr + size < addr)) {
      throw ENOMEM.error();
    }
    if (size == 0) {
      return;
    }
    record Dirty(Mappable mappable, MappedFile file, long offset, long length) {}
    List<Dirty> dirty = new ArrayList<>(2);
    boolean gap;
    long end = addr + size;
    mm.writeLock.lock();
    try {
      gap = !mm.isUserRange(addr, size) || hasGap(addr, end);
      for (int i = mm.vmas.firstEndingAbove(addr); i < mm.vmas.size() && mm.vmas.get(i).start < end; i++) {
        Vma v = mm.vmas.get(i);
        if ((flags & MS_INVALIDATE) != 0 && v.is(Vma.LOCKED)) {
          throw EBUSY.error();
        }
        if ((flags & MS_SYNC) != 0 && v.isShared() && v.mappable.tracksStores()) {
          long from = Math.max(addr, v.start);
          dirty.add(new Dirty(v.mappable, v.file, v.offset + from - v.start, Math.min(end, v.end) - from));
        }
      }
      for (Dirty d : dirty) {
        d.file.acquire();
      }
    } finally {
      mm.writeLock.unlock();
    }
    ErrnoException failure = gap ? ENOMEM.error() : null;
    for (Dirty d : dirty) {
      try {
        d.mappable.writeBack(d.offset, d.length);
      } catch (ErrnoException e) {
        failure = e;
      } finally {
        d.file.release();
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  // ---- mincore, pagemap ----

  /** Eight bytes a page into {@code out}, as {@code /proc/[pid]/pagemap} has them: zeros where nothing is mapped. */
  public void pagemap(long addr, int pageCount, MemorySegment out) {
    long end = addr + (long) pageCount * PAGE;
    mm.writeLock.lock();
    try {
      out.asSlice(0, pageCount * 8L).fill((byte) 0);
      for (int i = mm.pmas.firstEndingAbove(addr); i < mm.pmas.size() && mm.pmas.get(i).start < end; i++) {
        Pma p = mm.pmas.get(i);
        int v = mm.vmas.firstEndingAbove(p.start);
        boolean shared = v < mm.vmas.size() && mm.vmas.get(v).isShared();
        long entry = PM_PRESENT | PM_SOFT_DIRTY | (p.ofFile || shared ? PM_FILE : p.owned ? PM_MMAP_EXCLUSIVE : 0);
        long to = p.at(Math.min(p.end, end));
        long at = p.at(Math.max(p.start, addr));
        while ((at = mm.pages.nextData(at, to) & -PAGE) < to) {
          out.set(ValueLayout.JAVA_LONG_UNALIGNED, (p.start + at - p.offset - addr >>> 12) * 8, entry);
          at += PAGE;
        }
      }
    } finally {
      mm.writeLock.unlock();
    }
  }

  /**
   * {@code mincore(2)}: one byte a page into {@code out}, 1 for pages that are in memory.
   *
   * @param pageCount pages from {@code addr} on, which is page aligned
   */
  public void residency(long addr, int pageCount, MemorySegment out) throws ErrnoException {
    long end = addr + (long) pageCount * PAGE;
    mm.writeLock.lock();
    try {
      if (hasGap(addr, end)) {
        throw ENOMEM.error();
      }
      out.asSlice(0, pageCount).fill((byte) 0);
      for (int i = mm.pmas.firstEndingAbove(addr); i < mm.pmas.size() && mm.pmas.get(i).start < end; i++) {
        Pma p = mm.pmas.get(i);
        long to = p.at(Math.min(p.end, end));
        long at = p.at(Math.max(p.start, addr));
        while ((at = mm.pages.nextData(at, to) & -PAGE) < to) {
          out.set(ValueLayout.JAVA_BYTE, p.start + at - p.offset - addr >>> 12, (byte) 1);
          at += PAGE;
        }
      }
    } finally {
      mm.writeLock.unlock();
    }
  }
}
