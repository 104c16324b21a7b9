package gvisor.sentry.mm;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EEXIST;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOMEM;
import static gvisor.api.errno.Errno.EOVERFLOW;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;

/**
 * Changes what an application was promised: {@code mmap}, {@code munmap}, {@code mprotect} and {@code brk}. Takes the
 * memory manager's lock; called with none. Any thread.
 */
public final class Mappings {
  private static final int PAGE = MemoryManager.PAGE_SIZE;
  private static final int ACCESS = Vma.ACCESS;

  /** Where {@code MAP_32BIT} looks. */
  private static final long LOW_START = 0x40000000L;
  private static final long LOW_END = 0x80000000L;

  /**
   * Private memory up to this size is mapped at once, because it is about to be used: the platform gets it together
   * with whatever else it has to map before the application goes on, and a fault is saved. Untouched it costs nothing.
   */
  private static final long EAGER = 4L << 20;

  private final MemoryManager mm;

  Mappings(MemoryManager mm) {
    this.mm = mm;
  }

  // ---- mmap ----

  /**
   * Maps anonymous memory ({@code mappable} null) or a file.
   *
   * @param addr wish, or with MAP_FIXED the place
   * @param flags MAP_* of {@link MapFlags}; which kinds of file and access mode go together has been checked
   * @param file gets a reference more for each vma made; null when {@code mappable} is
   * @param maxProt what {@code mprotect} may give later
   * @param mayLock the caller has CAP_IPC_LOCK
   * @return the address
   * @throws ErrnoException EINVAL, ENOMEM, EPERM, EEXIST, EAGAIN, EOVERFLOW as {@code mmap(2)}
   */
  public long map(long addr, long length, int prot, int flags, Mappable mappable, MappedFile file, long offset,
      int maxProt, boolean mayLock) throws ErrnoException {
    if (length == 0) {
      throw EINVAL.error();
    }
    long size = pageUp(length);
    if (size <= 0 || size > mm.maxAddress) {
      throw ENOMEM.error();
    }
    if (mappable != null && offset + size < offset) {
      throw EOVERFLOW.error();
    }
    boolean shared = (flags & MapFlags.MAP_TYPE) != MapFlags.MAP_PRIVATE;
    int vmaFlags = (maxProt & ACCESS) << Vma.MAX_PROT_SHIFT
        | (shared ? Vma.SHARED : 0)
        | ((flags & MapFlags.MAP_GROWSDOWN) != 0 ? Vma.GROWSDOWN : 0)
        | ((flags & MapFlags.MAP_NORESERVE) != 0 ? Vma.NORESERVE : 0)
        | ((flags & MapFlags.MAP_LOCKED) != 0 ? Vma.LOCKED : 0);
    Leftovers leftovers = new Leftovers(mm);
    long start;
    mm.writeLock.lock();
    try {
      start = place(addr, size, flags);
      vmaFlags |= mm.books.futureFlags;
      checkLock(vmaFlags, size, mayLock);
      Vma v = new Vma(start, start + size, prot & ACCESS, vmaFlags, mappable, file, offset, null);
      long replaced = (flags & MapFlags.MAP_FIXED) != 0 ? mappedBytes(start, start + size) : 0;
      checkRoom(v, replaced);
      insert(v, leftovers);
    } finally {
      mm.writeLock.unlock();
    }
    leftovers.settle();
    if ((flags & (MapFlags.MAP_POPULATE | MapFlags.MAP_NONBLOCK)) == MapFlags.MAP_POPULATE
        || (vmaFlags & Vma.LOCKED) != 0) {
      mm.populate(start, start + size, false);
    } else if (!shared && !mm.isFresh()) {
      mapAhead(start, size, prot, flags, mappable != null);
    }
    return start;
  }

  /** Maps what will be touched next: new private memory, and libraries as the dynamic linker maps them. */
  private void mapAhead(long start, long size, int prot, int flags, boolean ofFile) {
    boolean writable = (prot & MapFlags.PROT_WRITE) != 0;
    if (!ofFile) {
      if (writable && size <= EAGER) {
        mm.populate(start, start + size, false);
      }
    } else if ((flags & (MapFlags.MAP_DENYWRITE | MapFlags.MAP_FIXED)) != 0
        && (!writable || size <= PageFaults.DATA_SEGMENT)) {
      // The first mapping of a library covers all of it, and the others are put over it.
      boolean whole = (flags & MapFlags.MAP_FIXED) == 0;
      mm.populate(start, start + (whole ? PAGE : Math.min(size, EAGER)), false);
    }
  }

  /** Maps memory of the kernel's own (vDSO and its data) at {@code addr}, under a name of its own. */
  public void mapSpecial(long addr, long length, int prot, boolean shared, Mappable mappable, MappedFile file,
      long offset, String name) throws ErrnoException {
    Leftovers leftovers = new Leftovers(mm);
    mm.writeLock.lock();
    try {
      int maxProt = shared ? MapFlags.PROT_READ : ACCESS;
      int flags = maxProt << Vma.MAX_PROT_SHIFT | Vma.SPECIAL | (shared ? Vma.SHARED : 0);
      insert(new Vma(addr, addr + length, prot, flags, mappable, file, offset, name), leftovers);
    } finally {
      mm.writeLock.unlock();
    }
    leftovers.settle();
  }

  /** A free place for {@code length} bytes where {@code mmap} would put them. */
  public long findPlace(long length) throws ErrnoException {
    mm.writeLock.lock();
    try {
      return place(0, pageUp(length), 0);
    } finally {
      mm.writeLock.unlock();
    }
  }

  /** Makes way for {@code v} and enters it; the lock is held. */
  private void insert(Vma v, Leftovers leftovers) throws ErrnoException {
    removeRange(v.start, v.end, leftovers);
    if (v.file != null) {
      v.file.acquire();
      v.mappable.mappingSpace().add(mm);
    }
    mm.vmas.insert(v);
    mm.books.add(v);
    mergeVmas(v.start, v.end, leftovers);
  }

  long place(long addr, long size, int flags) throws ErrnoException {
    if ((flags & (MapFlags.MAP_FIXED | MapFlags.MAP_FIXED_NOREPLACE)) != 0) {
      if ((addr & PAGE - 1) != 0) {
        throw EINVAL.error();
      }
      if (!mm.isUserRange(addr, size)) {
        throw ENOMEM.error();
      }
      if (addr < mm.minAddress) {
        throw EPERM.error();
      }
      if ((flags & MapFlags.MAP_FIXED_NOREPLACE) != 0 && anyMapped(addr, addr + size)) {
        throw EEXIST.error();
      }
      return addr;
    }
    boolean low = (flags & MapFlags.MAP_32BIT) != 0;
    long wish = addr & -PAGE;
    if (!low && wish >= mm.minAddress && mm.isUserRange(wish, size) && !anyMapped(wish, wish + size)
        && wish + size <= guardedStart(mm.vmas.floor(wish) + 1)) {
      return wish;
    }
    long found = low ? bottomUp(size, LOW_START, LOW_END) : topDown(size);
    if (found < 0) {
      throw ENOMEM.error();
    }
    return found;
  }

  private long topDown(long size) {
    long high = mm.layout.mmapBase;
    for (int i = mm.vmas.floor(high - 1); i >= 0; i--) {
      Vma v = mm.vmas.get(i);
      if (high - Math.max(v.end, mm.minAddress) >= size) {
        return high - size;
      }
      high = Math.min(high, guardedStart(i));
    }
    if (high - mm.minAddress >= size) {
      return high - size;
    }
    // Nothing below: what is left between the base and the stack.
    return bottomUp(size, mm.layout.mmapBase, mm.maxAddress);
  }

  private long bottomUp(long size, long from, long limit) {
    long low = from;
    for (int i = mm.vmas.firstEndingAbove(from); i < mm.vmas.size(); i++) {
      if (guardedStart(i) - low >= size) {
        break;
      }
      low = Math.max(low, mm.vmas.get(i).end);
    }
    return low + size <= limit && low + size <= guardedStart(mm.vmas.floor(low) + 1) ? low : -1;
  }

  /** Start of the vma at {@code index}, with the room below that a stack keeps. */
  private long guardedStart(int index) {
    if (index >= mm.vmas.size()) {
      return mm.maxAddress;
    }
    Vma v = mm.vmas.get(index);
    return v.is(Vma.GROWSDOWN) ? Math.max(0, v.start - PageFaults.STACK_GUARD) : v.start;
  }

  boolean anyMapped(long start, long end) {
    int i = mm.vmas.firstEndingAbove(start);
    return i < mm.vmas.size() && mm.vmas.get(i).start < end;
  }

  private long mappedBytes(long start, long end) {
    long sum = 0;
    for (int i = mm.vmas.firstEndingAbove(start); i < mm.vmas.size() && mm.vmas.get(i).start < end; i++) {
      Vma v = mm.vmas.get(i);
      sum += Math.min(v.end, end) - Math.max(v.start, start);
    }
    return sum;
  }

  void checkLock(int vmaFlags, long size, boolean mayLock) throws ErrnoException {
    if ((vmaFlags & Vma.LOCKED) == 0 || mayLock) {
      return;
    }
    long limit = mm.limits().limit(MmLimits.RLIMIT_MEMLOCK);
    if (limit == 0) {
      throw EPERM.error();
    }
    if (Long.compareUnsigned(mm.books.locked + size, limit) > 0) {
      throw EAGAIN.error();
    }
  }

  /** RLIMIT_AS, RLIMIT_DATA, the number of vmas, and more than the machine could ever have. */
  void checkRoom(Vma v, long replaced) throws ErrnoException {
    MmLimits limits = mm.limits();
    if (mm.vmas.size() >= MemoryManager.MAX_MAP_COUNT
        || Long.compareUnsigned(mm.books.total + v.length() - replaced, limits.limit(MmLimits.RLIMIT_AS)) > 0
        || v.isData()
            && Long.compareUnsigned(mm.books.data + v.length(), limits.limit(MmLimits.RLIMIT_DATA)) > 0
        || v.isData() && !v.is(Vma.NORESERVE) && v.length() > mm.host.memoryBytes()) {
      throw ENOMEM.error();
    }
  }

  // ---- munmap ----

  /** {@code munmap(2)}. */
  public void unmap(long addr, long length) throws ErrnoException {
    if ((addr & PAGE - 1) != 0 || length == 0 || !mm.isUserRange(addr, length)) {
      throw EINVAL.error();
    }
    Leftovers leftovers = new Leftovers(mm);
    mm.writeLock.lock();
    try {
      removeRange(addr, addr + pageUp(length), leftovers);
    } finally {
      mm.writeLock.unlock();
    }
    leftovers.settle();
  }

  /** Takes vmas and pmas of the range away; the lock is held. ENOMEM, and nothing done, for one vma too many. */
  void removeRange(long start, long end, Leftovers leftovers) throws ErrnoException {
    int from = mm.vmas.firstEndingAbove(start);
    if (from == mm.vmas.size() || mm.vmas.get(from).start >= end) {
      return;
    }
    Vma first = mm.vmas.get(from);
    if (first.start < start && first.end > end && mm.vmas.size() >= MemoryManager.MAX_MAP_COUNT) {
      throw ENOMEM.error();
    }
    for (int i = mm.pmas.firstEndingAbove(start); i < mm.pmas.size() && mm.pmas.get(i).start < end; i++) {
      leftovers.noteStores(mm.pmas.get(i), mm.vmas);
    }
    mm.dropPmas(start, end, false);
    splitVmas(start);
    splitVmas(end);
    from = mm.vmas.firstEndingAbove(start);
    int to = from;
    while (to < mm.vmas.size() && mm.vmas.get(to).start < end) {
      Vma v = mm.vmas.get(to++);
      mm.books.remove(v);
      leftovers.add(v);
    }
    mm.vmas.remove(from, to);
  }

  /** Makes sure that no vma crosses {@code addr}. */
  void splitVmas(long addr) {
    int i = mm.vmas.floor(addr - 1);
    if (i < 0) {
      return;
    }
    Vma v = mm.vmas.get(i);
    if (v.end > addr) {
      Vma tail = v.slice(addr, v.end);
      if (tail.file != null) {
        tail.file.acquire();
        tail.mappable.mappingSpace().add(mm);
      }
      v.end = addr;
      mm.vmas.insert(tail);
    }
  }

  /** Joins vmas that are one again, from the neighbour in front of {@code from} to the one behind {@code to}. */
  void mergeVmas(long from, long to, Leftovers leftovers) {
    int i = Math.max(0, mm.vmas.floor(from - 1));
    while (i + 1 < mm.vmas.size()) {
      Vma v = mm.vmas.get(i);
      if (v.start > to) {
        return;
      }
      Vma next = mm.vmas.get(i + 1);
      if (v.joins(next)) {
        v.end = next.end;
        mm.vmas.remove(i + 1, i + 2);
        leftovers.add(next);
      } else {
        i++;
      }
    }
  }

  // ---- mprotect ----

  /** {@code mprotect(2)}. */
  public void protect(long addr, long length, int protection) throws ErrnoException {
    protectNow(addr, length, protection);
    if ((protection & MapFlags.PROT_WRITE) != 0 && length > 0 && length <= EAGER) {
      // An allocator that reserves addresses and opens them step by step is about to use the step.
      mm.mapAhead(addr, addr + pageUp(length));
    }
  }

  private void protectNow(long addr, long length, int protection) throws ErrnoException {
    int prot = protection & ~(MapFlags.PROT_GROWSDOWN | MapFlags.PROT_GROWSUP);
    boolean down = (protection & MapFlags.PROT_GROWSDOWN) != 0;
    if ((addr & PAGE - 1) != 0 || (prot & ~(ACCESS | MapFlags.PROT_SEM)) != 0
        || down && (protection & MapFlags.PROT_GROWSUP) != 0) {
      throw EINVAL.error();
    }
    if (length == 0) {
      return;
    }
    if (!mm.isUserRange(addr, length)) {
      throw ENOMEM.error();
    }
    long end = addr + pageUp(length);
    Leftovers leftovers = new Leftovers(mm);
    mm.writeLock.lock();
    try {
      int i = mm.vmas.firstEndingAbove(addr);
      if (i == mm.vmas.size() || !down && mm.vmas.get(i).start > addr || mm.vmas.get(i).start >= end) {
        throw ENOMEM.error();
      }
      Vma first = mm.vmas.get(i);
      long start = addr;
      if (down) {
        if (!first.is(Vma.GROWSDOWN)) {
          throw EINVAL.error();
        }
        start = first.start;
      } else if ((protection & MapFlags.PROT_GROWSUP) != 0) {
        throw EINVAL.error();
      }
      long done = protectRange(start, end, prot & ACCESS);
      mm.mergePmas(start, end);
      mergeVmas(start, end, leftovers);
      if (done < end) {
        throw (done < 0 ? EACCES : ENOMEM).error();
      }
    } finally {
      mm.writeLock.unlock();
      leftovers.settle();
    }
  }

  /** Changes vma after vma up to a gap, as Linux does; where it stopped, or -1 when one may not have the rights. */
  private long protectRange(long start, long end, int prot) throws ErrnoException {
    long at = start;
    while (at < end) {
      Vma v = mm.vmas.find(at);
      if (v == null) {
        return at;
      }
      if (!v.mayHave(prot)) {
        return -1;
      }
      long to = Math.min(end, v.end);
      if (v.prot != prot) {
        if ((v.start < at || v.end > to) && mm.vmas.size() >= MemoryManager.MAX_MAP_COUNT) {
          return at;
        }
        if ((prot & MapFlags.PROT_WRITE) != 0 && !v.isWritable() && !v.isShared() && Long.compareUnsigned(
            mm.books.data + to - at, mm.limits().limit(MmLimits.RLIMIT_DATA)) > 0) {
          return at;
        }
        splitVmas(at);
        splitVmas(to);
        Vma piece = mm.vmas.find(at);
        mm.books.remove(piece);
        piece.prot = prot;
        mm.books.add(piece);
        protectPmas(at, to, Vma.effective(prot));
      }
      at = to;
    }
    return at;
  }

  /** Gives pmas other rights; what the platform has mapped changes now, adjacent ranges in one call. */
  private void protectPmas(long start, long end, int access) {
    mm.splitPmas(start);
    mm.splitPmas(end);
    long from = -1;
    long to = -1;
    int spanAccess = 0;
    for (int i = mm.pmas.firstEndingAbove(start); i < mm.pmas.size() && mm.pmas.get(i).start < end; i++) {
      Pma p = mm.pmas.get(i);
      p.access = access;
      int wanted = p.platformAccess();
      if (p.mapped == 0 || p.mapped == wanted) {
        continue;
      }
      if (to != p.start || spanAccess != wanted) {
        if (from >= 0) {
          mm.protectInPlatform(from, to, spanAccess);
        }
        from = p.start;
        spanAccess = wanted;
      }
      to = p.end;
      p.mapped = wanted;
    }
    if (from >= 0) {
      mm.protectInPlatform(from, to, spanAccess);
    }
  }

  // ---- brk ----

  /** {@code brk(2)}: the program break afterwards, the old one when it could not be moved. */
  public long brk(long wanted) throws ErrnoException {
    long before = pageUp(mm.layout.brk);
    long brk = move(wanted);
    if (brk > before && brk - before <= EAGER) {
      mm.mapAhead(before, pageUp(brk));
    }
    return brk;
  }

  private long move(long wanted) throws ErrnoException {
    Leftovers leftovers = new Leftovers(mm);
    mm.writeLock.lock();
    try {
      MemoryLayout l = mm.layout;
      if (wanted < l.startBrk || !mm.isUserRange(wanted, 0)) {
        return l.brk;
      }
      long old = pageUp(l.brk);
      long now = pageUp(wanted);
      MmLimits limits = mm.limits();
      if (Long.compareUnsigned(wanted - l.startBrk + l.endData - l.startData, limits.limit(MmLimits.RLIMIT_DATA)) > 0) {
        return l.brk;
      }
      if (now < old) {
        removeRange(now, old, leftovers);
      } else if (now > old) {
        int next = mm.vmas.firstEndingAbove(old);
        if (next < mm.vmas.size() && now > guardedStart(next) - PAGE) {
          return l.brk;
        }
        Vma v = new Vma(old, now, MapFlags.PROT_READ | MapFlags.PROT_WRITE,
            ACCESS << Vma.MAX_PROT_SHIFT | mm.books.futureFlags, null, null, 0, null);
        try {
          checkLock(v.flags, v.length(), false);
          checkRoom(v, 0);
        } catch (ErrnoException e) {
          return l.brk;
        }
        insert(v, leftovers);
      }
      l.brk = wanted;
      return wanted;
    } finally {
      mm.writeLock.unlock();
      leftovers.settle();
    }
  }

  /** Rounds up to pages; negative or 0 on overflow. */
  static long pageUp(long length) {
    return length + PAGE - 1 & -PAGE;
  }
}
