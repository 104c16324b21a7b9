package gvisor.sentry.mm;

import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOMEM;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.Host;
import gvisor.api.platform.AddressSpace;
import gvisor.api.platform.Platform;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * The memory of one process, or of several that share it: what was promised (vmas), what backs it now (pmas), and the
 * platform's address space as a cache of both. Like Linux {@code struct mm_struct}. Thread-safe.
 *
 * <p>The kernel reaches application memory only through this class: a bad pointer is EFAULT.
 *
 * <p>Lock: {@link #mmLock}, like Linux {@code mmap_lock}. Look-ups and copies hold it for reading, faults and mapping
 * calls for writing. Below it are only the platform, the page allocator and {@link MappingSpace}. File objects are
 * called without it: pages are asked for before, and closed files are let go after ({@link Leftovers}).
 *
 * <p>Private memory: a {@link Pma} that is owned has the only reference to its pages. {@code fork} gives the child
 * references of its own and takes ownership from both; the next store copies a few pages, or takes ownership back when
 * the other is gone.
 */
public final class MemoryManager extends UserMemory implements MappingSpace.Mapper {
  /** Bytes of a page. */
  public static final int PAGE_SIZE = PageAllocator.PAGE_SIZE;

  /** Most vmas ({@code /proc/sys/vm/max_map_count}). */
  public static final int MAX_MAP_COUNT = 65530;

  /** Faults at one address, one after the other, that others may undo before it is used; more are a defect here. */
  private static final int MAX_TRIES = 10_000;

  /** Lowest address an application may map without privilege ({@code /proc/sys/vm/mmap_min_addr}). */
  public static final long MMAP_MIN_ADDR = 65536;

  /** Up to this size a range of memory is taken for used in whole when the peak is asked for. */
  private static final long COUNTED_WHOLE = 64L << 10;

  /** As many pieces of committed memory are looked for in one range then. */
  private static final int PIECES = 16;

  /** Giving back less than this does not change the peak much. */
  private static final long WORTH_NOTING = 4L << 20;

  /** How much of each mapping {@link #mapAhead} maps. */
  private static final long AHEAD = 2L << 20;

  final Platform platform;
  final PageAllocator pages;
  final Host host;
  final long minAddress;
  final long maxAddress;

  private final ReentrantReadWriteLock mmLock = new ReentrantReadWriteLock();
  private final ReentrantReadWriteLock.ReadLock readLock = mmLock.readLock();
  final ReentrantReadWriteLock.WriteLock writeLock = mmLock.writeLock();

  // Guarded by mmLock.
  final RangeList<Vma> vmas = new RangeList<>();
  final RangeList<Pma> pmas = new RangeList<>();
  final MemoryBooks books = new MemoryBooks();
  final MemoryLayout layout = new MemoryLayout();
  /** Counts {@link #invalidate}: pages asked for before it may be gone when they arrive. */
  long invalidations;

  final ForkHistory forkHistory;

  private final PageFaults faults = new PageFaults(this);
  private final Mappings mappings = new Mappings(this);
  private final Remapping remapping = new Remapping(this, mappings);
  private final MemoryAdvice advice = new MemoryAdvice(this, mappings);
  private final AtomicInteger users = new AtomicInteger(1);
  private volatile MmLimits limits;
  private volatile int barriers;
  private volatile AddressSpace space;
  private volatile Attachment attachment;

  /** Nothing mapped, one user. */
  public MemoryManager(Platform platform, PageAllocator pages, Host host, MmLimits limits) {
    this(platform, pages, host, limits, new ForkHistory());
  }

  private MemoryManager(Platform platform, PageAllocator pages, Host host, MmLimits limits, ForkHistory history) {
    super(pages.memory());
    this.forkHistory = history;
    this.platform = platform;
    this.pages = pages;
    this.host = host;
    this.limits = limits;
    this.minAddress = Math.max(MMAP_MIN_ADDR, platform.minUserAddress());
    this.maxAddress = platform.maxUserAddress();
    this.layout.mmapBase = maxAddress;
  }

  // ---- life ----

  /** The limits of the process it belongs to. */
  public MmLimits limits() {
    return limits;
  }

  /** It belongs to another process now. */
  public void setLimits(MmLimits limits) {
    this.limits = limits;
  }

  /** The kinds of {@code membarrier(2)} that the process has registered for; bits of the caller's choice. */
  public int barriers() {
    return barriers;
  }

  /** Registers for more of them. */
  public void addBarriers(int kinds) {
    barriers |= kinds;
  }

  /** What the kernel keeps for a process beside its pages, as long as they. */
  public interface Attachment {
    /** The last user is gone. */
    void memoryGone();
  }

  /** Its attachment, made by {@code maker} if there is none. */
  public Attachment attachment(Supplier<Attachment> maker) {
    synchronized (users) {
      if (attachment == null) {
        attachment = maker.get();
      }
      return attachment;
    }
  }

  /** One more task runs in it (CLONE_VM), or somebody looks at it ({@code /proc/[pid]/mem}). */
  public MemoryManager acquire() {
    users.getAndIncrement();
    return this;
  }

  /** One more user, if it has not ended: for who found it in another task. */
  public boolean tryAcquire() {
    int n = users.get();
    while (n > 0) {
      if (users.compareAndSet(n, n + 1)) {
        return true;
      }
      n = users.get();
    }
    return false;
  }

  /** How many users there are. */
  public int users() {
    return users.get();
  }

  /** One user less. The last one unmaps everything; no context may be in the address space any more then. */
  public void release() {
    if (users.decrementAndGet() != 0) {
      return;
    }
    Attachment attached = attachment;
    if (attached != null) {
      attached.memoryGone();
    }
    Leftovers leftovers = new Leftovers(this);
    writeLock.lock();
    try {
      AddressSpace s = space;
      space = null;
      if (s != null) {
        s.close();
      }
      for (int i = 0; i < pmas.size(); i++) {
        Pma p = pmas.get(i);
        leftovers.noteStores(p, vmas);
        pages.release(p.offset, p.length());
      }
      pmas.clear();
      for (int i = 0; i < vmas.size(); i++) {
        leftovers.add(vmas.get(i));
      }
      vmas.clear();
      books.clear();
    } finally {
      writeLock.unlock();
    }
    leftovers.settle();
  }

  /**
   * A copy for a forked child, with one user: private memory is shared until one of both stores to it.
   *
   * @throws ErrnoException ENOMEM
   */
  public MemoryManager fork(MmLimits childLimits) throws ErrnoException {
    MemoryManager child = new MemoryManager(platform, pages, host, childLimits, forkHistory);
    child.barriers = barriers;
    boolean done = false;
    writeLock.lock();
    try {
      ForkCopy.copy(this, child);
      done = true;
    } finally {
      writeLock.unlock();
      if (!done) {
        child.release();
      }
    }
    return child;
  }

  /** The application is about to fork, and will store to {@code addr} soon after that, in parent and child. */
  public void expectStore(long addr) {
    if (isUserRange(addr, 1)) {
      forkHistory.note(addr);
    }
  }

  /** The platform's address space; made when first needed. */
  public AddressSpace addressSpace() throws ErrnoException {
    AddressSpace s = space;
    if (s != null) {
      return s;
    }
    writeLock.lock();
    try {
      if (space == null) {
        if (users.get() == 0) {
          throw ENOMEM.error();
        }
        space = platform.newAddressSpace();
      }
      return space;
    } finally {
      writeLock.unlock();
    }
  }

  // ---- faults ----

  /**
   * An application touched {@code addr} and could not.
   *
   * @param access bits of {@link gvisor.api.mem.AccessType}; READ may also mean that the platform cannot tell
   */
  public FaultResult handleFault(long addr, int access) {
    return faults.fromApplication(addr, access);
  }

  /** Whether nothing has run in it yet. */
  boolean isFresh() {
    return space == null;
  }

  /** Faults the range in and maps it, as far as it is mapped at all; the first failure ends it. */
  FaultResult populate(long start, long end, boolean write) {
    return populate(start, end, write, false);
  }

  /** Maps what is to be touched soon and is not backed yet; errors are left for the faults to report. */
  void mapAhead(long start, long end) {
    if (space != null) {
      populate(start, end, false, true);
    }
  }

  private FaultResult populate(long start, long end, boolean write, boolean onlyMissing) {
    long at = start;
    while (at < end) {
      int want;
      readLock.lock();
      try {
        int i = vmas.firstEndingAbove(at);
        if (i == vmas.size() || vmas.get(i).start >= end) {
          return FaultResult.OK;
        }
        Vma v = vmas.get(i);
        at = Math.max(at, v.start);
        want = write || v.isWritable() && !v.isShared() ? 2 : 1;
        if ((v.access() & want) == 0) {
          at = v.end;
          continue;
        }
        Pma p = pmas.find(at);
        if (p != null && (onlyMissing || (p.mapped & want) != 0)) {
          at = p.end;
          continue;
        }
      } finally {
        readLock.unlock();
      }
      FaultResult r = faults.fromApplication(at, want);
      if (r != FaultResult.OK) {
        return r;
      }
    }
    return FaultResult.OK;
  }

  /**
   * Maps what a program that was just loaded is about to use, so that it starts with one batch of mappings instead of a
   * dozen faults. Errors are left for the faults to report.
   */
  public void mapAhead() {
    for (long at = 0; ; ) {
      long end;
      readLock.lock();
      try {
        int i = vmas.firstEndingAbove(at);
        if (i == vmas.size()) {
          return;
        }
        Vma v = vmas.get(i);
        at = v.start;
        end = v.end;
        if (v.is(Vma.GROWSDOWN)) {
          at = Math.max(at, layout.startStack & -PAGE_SIZE);
        }
        if (!v.isPrivateAnonymous() && v.isWritable() && v.length() > PageFaults.DATA_SEGMENT) {
          at = end;
        }
      } finally {
        readLock.unlock();
      }
      populate(at, Math.min(end, at + AHEAD), false);
      at = end;
    }
  }

  @Override
  Pma hold(long addr, boolean write) throws ErrnoException {
    for (int tries = 0; tries < MAX_TRIES; tries++) {
      readLock.lock();
      Pma p = pmas.find(addr);
      if (p != null && (write ? p.writable() : p.readable())) {
        return p;
      }
      readLock.unlock();
      if (faults.fromKernel(addr, write) != FaultResult.OK) {
        throw EFAULT.error();
      }
    }
    throw new IllegalStateException(describe(addr, write));
  }

  /** What a fault says it has made accessible, and is not: for whoever looks for the defect. */
  private String describe(long addr, boolean write) {
    readLock.lock();
    try {
      Vma v = vmas.find(addr);
      Pma p = pmas.find(addr);
      return (write ? "a store to " : "a load from ") + Long.toHexString(addr) + " faults for ever; vma "
          + (v == null ? "none" : Long.toHexString(v.start) + "-" + Long.toHexString(v.end) + " prot " + v.prot
              + " flags " + Integer.toHexString(v.flags) + " file " + v.mappable)
          + ", pma " + (p == null ? "none" : Long.toHexString(p.start) + "-" + Long.toHexString(p.end) + " access "
              + p.access + " owned " + p.owned + " of file " + p.ofFile + " mapped " + p.mapped);
    } finally {
      readLock.unlock();
    }
  }

  @Override
  void letGo() {
    readLock.unlock();
  }

  @Override
  public void invalidate(MappingSpace of, long offset, long length) {
    writeLock.lock();
    try {
      invalidations++;
      long end = length > Long.MAX_VALUE - offset ? Long.MAX_VALUE : offset + length;
      for (int i = 0; i < vmas.size(); i++) {
        Vma v = vmas.get(i);
        if (v.mappable == null || v.mappable.mappingSpace() != of) {
          continue;
        }
        long from = Math.max(offset & -PAGE_SIZE, v.offset);
        long to = Math.min(end, v.offset + v.length());
        if (from < to) {
          to = to + PAGE_SIZE - 1 & -PAGE_SIZE;
          dropPmas(v.start + from - v.offset, v.start + to - v.offset, true);
        }
      }
    } finally {
      writeLock.unlock();
    }
  }

  // ---- user memory beside what UserMemory has ----

  /**
   * Where a shared futex word lives, the same for every process that maps it: its offset in the memory file. -1 when
   * the word is in private memory: it is this process' own then, and the key is this object and the address.
   */
  public long sharedFutexKey(long addr) throws ErrnoException {
    Pma p = hold(addr, false);
    try {
      Vma v = vmas.find(addr);
      return v != null && v.isShared() ? p.at(addr) : -1;
    } finally {
      letGo();
    }
  }

  /** Points {@code buffer} at {@code length} bytes at {@code addr}, at most MAX_RW_COUNT; nothing is checked yet. */
  public void wrap(UserBuffer buffer, long addr, long length) {
    buffer.start(this, addr, length);
  }

  /**
   * Points {@code buffer} at the {@code count} pieces of the iovec at {@code addr}, which is copied in now. More than
   * MAX_RW_COUNT bytes are cut off, as Linux does.
   *
   * @throws ErrnoException EINVAL for a count above IOV_MAX or a negative length; EFAULT when the iovec cannot be read
   *     or a piece is not in the application's half of the address space
   */
  public void wrapVector(UserBuffer buffer, long addr, int count) throws ErrnoException {
    buffer.startVector(this, this, addr, count);
  }

  /** As {@link #wrapVector} for an iovec that stands in the memory of {@code from} ({@code process_vm_readv(2)}). */
  public void wrapVectorOf(UserBuffer buffer, MemoryManager from, long addr, int count) throws ErrnoException {
    buffer.startVector(this, from, addr, count);
  }

  /** Whether the range is in the part of the address space that is the application's at all. */
  public boolean isUserRange(long addr, long length) {
    return addr >= 0 && length >= 0 && addr <= maxAddress && length <= maxAddress - addr;
  }

  /** Whether all of the range is mapped, whatever its rights. */
  public boolean isMapped(long addr, long length) {
    readLock.lock();
    try {
      long at = addr;
      for (int i = vmas.firstEndingAbove(addr); at < addr + length; i++) {
        if (i >= vmas.size() || vmas.get(i).start > at) {
          return false;
        }
        at = vmas.get(i).end;
      }
      return true;
    } finally {
      readLock.unlock();
    }
  }

  /** Whether some of the range is mapped. */
  public boolean isAnyMapped(long addr, long length) {
    readLock.lock();
    try {
      return mappings.anyMapped(addr, addr + length);
    } finally {
      readLock.unlock();
    }
  }

  // ---- mapping calls ----

  /** {@code mmap(2)} and its relatives; see {@link Mappings}. */
  public Mappings mappings() {
    return mappings;
  }

  /** {@code mremap(2)}. */
  public Remapping remapping() {
    return remapping;
  }

  /** {@code madvise(2)}, {@code mlock(2)}, {@code msync(2)} and {@code mincore(2)}. */
  public MemoryAdvice advice() {
    return advice;
  }

  /** A consistent look at everything that {@code /proc/[pid]} shows of it. */
  public MemoryReport report(boolean withResidency) {
    readLock.lock();
    try {
      return MemoryReport.of(this, withResidency);
    } finally {
      readLock.unlock();
    }
  }

  /**
   * The most memory that has been behind it at once, in bytes. Ranges of a few pages count whole: what the host would
   * say of them is not worth the question.
   */
  public long peakResident() {
    readLock.lock();
    try {
      noteResident();
      return books.peakResident;
    } finally {
      readLock.unlock();
    }
  }

  /** Forgets the peak: from here on it is what is there now. */
  public void resetPeakResident() {
    readLock.lock();
    try {
      books.peakResident = 0;
      noteResident();
    } finally {
      readLock.unlock();
    }
  }

  /**
   * The file mapped by exactly {@code start} to {@code end}, with one more reference that the caller releases, or null.
   */
  public MappedFile acquireFile(long start, long end) {
    readLock.lock();
    try {
      int i = vmas.firstEndingAbove(start);
      Vma v = i < vmas.size() ? vmas.get(i) : null;
      if (v == null || v.start != start || v.end != end || v.file == null || v.is(Vma.SPECIAL)) {
        return null;
      }
      v.file.acquire();
      return v.file;
    } finally {
      readLock.unlock();
    }
  }

  /** Keeps the peak up to date; before memory is given back. A lock is held. */
  private void noteResident() {
    long most = 0;
    for (int i = 0; i < pmas.size(); i++) {
      most += pmas.get(i).length();
    }
    if (most <= books.peakResident) {
      return;
    }
    long resident = 0;
    for (int i = 0; i < pmas.size(); i++) {
      Pma p = pmas.get(i);
      resident += p.ofFile || p.length() <= COUNTED_WHOLE ? p.length() : pages.committed(p.offset, p.length(), PIECES);
    }
    // Readers that race store one of two true values.
    books.peakResident = Math.max(books.peakResident, resident);
  }

  /** Where arguments, environment, heap and stack are; its fields are guarded by this object's lock. */
  public MemoryLayout layout() {
    return layout;
  }

  /**
   * {@code shmdt(2)}: unmaps the attachment of shared memory that starts at {@code addr}.
   *
   * @return what was attached
   * @throws ErrnoException EINVAL when none does
   */
  public MappedFile detach(long addr) throws ErrnoException {
    Leftovers leftovers = new Leftovers(this);
    MappedFile file;
    writeLock.lock();
    try {
      Vma first = vmas.find(addr);
      if (first == null || first.start != addr || first.offset != 0 || !(first.mappable instanceof SharedAnonymous s)) {
        throw EINVAL.error();
      }
      // What mprotect or munmap left of the attachment is recognised by its place relative to the start.
      file = first.file;
      for (int i = vmas.floor(addr); i < vmas.size() && vmas.get(i).start < addr + s.length(); ) {
        Vma v = vmas.get(i);
        if (v.file == file && v.start - addr == v.offset) {
          mappings.removeRange(v.start, v.end, leftovers);
        } else {
          i++;
        }
      }
    } finally {
      writeLock.unlock();
    }
    leftovers.settle();
    return file;
  }

  // ---- pmas; callers hold the write lock ----

  /** Makes sure that no pma crosses {@code addr}. */
  void splitPmas(long addr) {
    int i = pmas.floor(addr - 1);
    if (i < 0) {
      return;
    }
    Pma p = pmas.get(i);
    if (p.end > addr) {
      Pma tail = p.slice(addr, p.end);
      p.end = addr;
      pmas.insert(tail);
    }
  }

  /** Joins pmas that are one again, from the one at or before {@code from} to the one at or behind {@code to}. */
  void mergePmas(long from, long to) {
    int i = Math.max(0, pmas.floor(from - 1));
    while (i + 1 < pmas.size()) {
      Pma p = pmas.get(i);
      if (p.start > to) {
        return;
      }
      Pma next = pmas.get(i + 1);
      if (p.joins(next)) {
        p.end = next.end;
        pmas.remove(i + 1, i + 2);
      } else {
        i++;
      }
    }
  }

  /**
   * Takes away what backs the range, in the platform first.
   *
   * @param onlyOfFile keep private copies
   */
  void dropPmas(long start, long end, boolean onlyOfFile) {
    if (end - start >= WORTH_NOTING) {
      noteResident();
    }
    splitPmas(start);
    splitPmas(end);
    int from = pmas.firstEndingAbove(start);
    int to = from;
    long mappedFrom = -1;
    long mappedTo = -1;
    for (; to < pmas.size() && pmas.get(to).start < end; to++) {
      Pma p = pmas.get(to);
      if (onlyOfFile && !p.ofFile) {
        continue;
      }
      if (p.mapped != 0) {
        if (onlyOfFile) {
          unmapFromPlatform(p.start, p.end);
        } else {
          mappedFrom = mappedFrom < 0 ? p.start : mappedFrom;
          mappedTo = p.end;
        }
      }
    }
    if (mappedFrom >= 0) {
      unmapFromPlatform(mappedFrom, mappedTo);
    }
    if (!onlyOfFile) {
      for (int i = from; i < to; i++) {
        Pma p = pmas.get(i);
        pages.release(p.offset, p.length());
      }
      pmas.remove(from, to);
      return;
    }
    for (int i = to - 1; i >= from; i--) {
      Pma p = pmas.get(i);
      if (p.ofFile) {
        pages.release(p.offset, p.length());
        pmas.remove(i, i + 1);
      }
    }
  }

  void unmapFromPlatform(long start, long end) {
    AddressSpace s = space;
    if (s != null) {
      s.unmap(start, end - start);
    }
  }

  /** Changes rights of what is mapped; when the host refuses, it is unmapped, to be faulted in again. */
  void protectInPlatform(long start, long end, int access) {
    AddressSpace s = space;
    if (s == null) {
      return;
    }
    if (access != 0) {
      try {
        s.protect(start, end - start, access);
        return;
      } catch (ErrnoException e) {
        forgetMapped(start, end);
      }
    }
    s.unmap(start, end - start);
  }

  private void forgetMapped(long start, long end) {
    for (int i = pmas.firstEndingAbove(start); i < pmas.size() && pmas.get(i).start < end; i++) {
      pmas.get(i).mapped = 0;
    }
  }

  /** Has the platform map the whole of {@code p} with what it allows now. */
  void mapInPlatform(Pma p) throws ErrnoException {
    AddressSpace s = addressSpace();
    int access = p.platformAccess();
    if (p.mapped == access) {
      return;
    }
    try {
      if (p.mapped != 0) {
        s.protect(p.start, p.length(), access);
        p.mapped = access;
        faults.mappingChanged();
        return;
      }
      s.map(p.start, p.length(), p.offset, access, false);
    } catch (ErrnoException e) {
      // The host has no more mappings for this process: they are only a cache, so all of them go.
      s.unmap(platform.minUserAddress(), maxAddress - platform.minUserAddress());
      forgetMapped(0, maxAddress);
      s.map(p.start, p.length(), p.offset, access, false);
    }
    p.mapped = access;
    faults.mappingChanged();
  }
}
