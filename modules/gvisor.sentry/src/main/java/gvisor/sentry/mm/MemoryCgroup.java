package gvisor.sentry.mm;

import static gvisor.api.errno.Errno.ENOMEM;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The memory of one container: what is allocated through it is charged to it. Like Linux's {@code mem_cgroup}, with
 * page tables and kernel objects left out.
 *
 * <p>Applications touch what was mapped for them without asking, so a limit cannot be held at the moment of the
 * allocation alone. Three things hold it. Whoever allocates while more is allocated than the limit wakes the
 * {@link Guard}, which measures and has somebody killed. Large windows for memory that may be touched later are refused
 * where they would not fit. And files get nothing above the limit, processes nothing from {@link #slackBytes} above it
 * on, until the kill has made room.
 *
 * <p>Thread-safe; its locks are leaves.
 */
public final class MemoryCgroup {
  /** No limit. */
  public static final long UNLIMITED = Long.MAX_VALUE;

  private static final long MIN_SLACK = 8L << 20;
  private static final long MAX_SLACK = 128L << 20;
  private static final int SLACK_SHIFT = 4;

  /** Larger allocations are windows, which can as well be smaller. */
  private static final long WINDOW = 2L << 20;

  /** How old a measurement may be that an allocation is refused for. */
  private static final long FRESH_NANOS = 2_000_000;

  /** Who sees to it that the limit is held. All are called under any locks of memory and files. */
  public interface Guard {
    /** More is allocated than the limit: what of it is touched has to be watched from now on. */
    void watch();

    /** The limit is reached: somebody who needs memory is waiting. */
    void hurry();

    /** Gives back what can be had again: the bytes. */
    long reclaim();

    /** Bytes of files that are kept in memory. */
    long cachedBytes();
  }

  private static final Guard NOBODY = new Guard() {
    @Override
    public void watch() {}

    @Override
    public void hurry() {}

    @Override
    public long reclaim() {
      return 0;
    }

    @Override
    public long cachedBytes() {
      return 0;
    }
  };

  private final ExtentAllocator pages;

  /** Whom its pages are charged to; nobody in particular once it is closed. */
  private volatile int owner;

  private final PageAllocator processPages = new Charged(false);
  private final PageAllocator filePages = new Charged(true);
  private final AtomicLong peakBytes = new AtomicLong();
  private final AtomicLong limitHits = new AtomicLong();
  private final AtomicLong ooms = new AtomicLong();
  private final AtomicLong oomKills = new AtomicLong();
  private final ReentrantLock measureLock = new ReentrantLock();
  private volatile long limitBytes = UNLIMITED;
  private volatile long hostLimitBytes = UNLIMITED;
  private volatile Guard guard = NOBODY;

  // Written under measureLock.
  private volatile long measuredBytes;
  private volatile long allocatedThen;
  private volatile long measuredAtNanos = System.nanoTime() - 1_000_000_000L;
  private volatile long costNanos;

  /** Set for a thread that was refused memory. */
  private final ThreadLocal<Boolean> refused = new ThreadLocal<>();

  /** @throws ErrnoException ENOMEM when the sandbox has too many containers */
  public MemoryCgroup(ExtentAllocator pages) throws ErrnoException {
    this.pages = pages;
    this.owner = pages.newOwner();
  }

  /** The container is gone. What others still have of it stays charged to nobody who could be killed for it. */
  public void close() {
    limitBytes = UNLIMITED;
    hostLimitBytes = UNLIMITED;
    guard = NOBODY;
    int left = owner;
    owner = ExtentAllocator.NOBODY;
    pages.releaseOwner(left);
  }

  /** Memory for processes, charged to this group; {@link PageAllocator#forFiles} of it is for files. */
  public PageAllocator pages() {
    return processPages;
  }

  /** Who is told, before there is a limit. */
  public void setGuard(Guard next) {
    guard = next;
  }

  /** {@code memory.max}, in bytes, or {@link #UNLIMITED}. */
  public long limitBytes() {
    return limitBytes;
  }

  public void setLimitBytes(long limit) {
    limitBytes = limit <= 0 ? UNLIMITED : limit;
    guard.watch();
  }

  /** The limit that holds: {@link #limitBytes}, or less if the machine has not that much. */
  public long ceilingBytes() {
    return Math.min(limitBytes, hostLimitBytes);
  }

  /** What the machine has for the container, as far as is known. */
  public void setHostLimitBytes(long limit) {
    hostLimitBytes = limit;
  }

  /** {@code memory.current}: bytes of memory in use, measured now. */
  public long usageBytes() {
    return allocatedChargeBytes() == 0 ? 0 : measure();
  }

  /** Bytes of memory in use, at most as old as a tenth of a second: for what is asked often. */
  public long recentUsageBytes() {
    return System.nanoTime() - measuredAtNanos < 100_000_000 ? measuredBytes : usageBytes();
  }

  /** Bytes charged, touched or not: what is in use is never more. */
  public long allocatedChargeBytes() {
    return pages.allocatedBytes(owner);
  }

  /** Bytes of memory that everybody in the sandbox uses: cheap to ask, and never less than what this one uses. */
  public long sandboxUsageBytes() {
    return pages.committedBytes();
  }

  /** The most that {@link #usageBytes} has been. */
  public long peakBytes() {
    return Math.max(peakBytes.get(), usageBytes());
  }

  /** What the last measurement cost, in nanoseconds. */
  public long measureNanos() {
    return costNanos;
  }

  /** Gives back what can be had again; the bytes. */
  public long reclaim() {
    return guard.reclaim();
  }

  /** Bytes of files among it that are kept because they may be read again. */
  public long cachedBytes() {
    return guard.cachedBytes();
  }

  /** {@code max} of {@code memory.events}: how often the limit was about to be passed. */
  public long limitHits() {
    return limitHits.get();
  }

  /** {@code oom} of {@code memory.events}: how often there was nothing left to give back. */
  public long ooms() {
    return ooms.get();
  }

  /** {@code oom_kill} of {@code memory.events}: processes killed. */
  public long oomKills() {
    return oomKills.get();
  }

  /** The limit is passed, and nothing can be given back. */
  public void countOom() {
    ooms.getAndIncrement();
  }

  /** A process was killed for it. */
  public void countKill() {
    oomKills.getAndIncrement();
  }

  private long measure() {
    measureLock.lock();
    try {
      long start = System.nanoTime();
      long allocated = allocatedChargeBytes();
      long used = pages.committedBytes(owner);
      long end = System.nanoTime();
      costNanos = end - start;
      allocatedThen = allocated;
      measuredBytes = used;
      measuredAtNanos = end;
      peakBytes.accumulateAndGet(used, Math::max);
      return used;
    } finally {
      measureLock.unlock();
    }
  }

  private static long slackBytes(long limit) {
    return Math.clamp(limit >> SLACK_SHIFT, MIN_SLACK, MAX_SLACK);
  }

  /** Whether this thread was refused memory because of the limit since it asked this last. */
  public boolean takeRefusal() {
    boolean was = refused.get() != null;
    if (was) {
      refused.remove();
    }
    return was;
  }

  /**
   * Charges {@code length} bytes more, which may be touched or not.
   *
   * @param isForFiles whether it is for what stays when processes die
   */
  private void charge(long length, boolean isForFiles) throws ErrnoException {
    long limit = ceilingBytes();
    if (limit == UNLIMITED) {
      return;
    }
    long allocated = allocatedChargeBytes();
    if (allocated + length <= limit) {
      return;
    }
    guard.watch();
    // A window may be refused, and is asked for again in pieces; of anything else one more is always let pass, so that
    // the limit is not only reached but passed, and somebody killed for it.
    long ceiling = length > WINDOW ? limit - length : isForFiles ? limit : limit + slackBytes(limit);
    if (measuredBytes + Math.max(0, allocated - allocatedThen) <= ceiling) {
      return;
    }
    long used = System.nanoTime() - measuredAtNanos < FRESH_NANOS ? measuredBytes : measure();
    if (used <= ceiling) {
      return;
    }
    if (length <= WINDOW) {
      limitHits.getAndIncrement();
      if (guard.reclaim() > 0 && measure() <= ceiling) {
        return;
      }
      refused.set(Boolean.TRUE);
      guard.hurry();
    }
    throw ENOMEM.error();
  }

  /** Memory that is charged to this group. */
  private final class Charged implements PageAllocator {
    private final boolean isForFiles;

    Charged(boolean isForFiles) {
      this.isForFiles = isForFiles;
    }

    @Override
    public MemorySegment memory() {
      return pages.memory();
    }

    @Override
    public PageAllocator forFiles() {
      return filePages;
    }

    @Override
    public long allocate(long length, long alignment) throws ErrnoException {
      charge(length, isForFiles);
      return pages.allocate(owner, length, alignment);
    }

    @Override
    public long allocateDirty(long length) throws ErrnoException {
      charge(length, isForFiles);
      return pages.allocateDirty(owner, length);
    }

    @Override
    public boolean allocateAt(long offset, long length) {
      try {
        charge(length, isForFiles);
      } catch (ErrnoException e) {
        return false;
      }
      return pages.allocateAt(owner, offset, length);
    }

    @Override
    public void acquire(long offset, long length) {
      pages.acquire(offset, length);
    }

    @Override
    public void release(long offset, long length) {
      pages.release(offset, length);
    }

    @Override
    public int references(long offset) {
      return pages.references(offset);
    }

    @Override
    public long exclusive(long offset, long length) {
      return pages.exclusive(offset, length);
    }

    @Override
    public void decommit(long offset, long length) {
      pages.decommit(offset, length);
    }

    @Override
    public long nextData(long offset, long limit) {
      return pages.nextData(offset, limit);
    }

    @Override
    public long nextHole(long offset, long limit) {
      return pages.nextHole(offset, limit);
    }

    @Override
    public long allocatedBytes() {
      return pages.allocatedBytes();
    }
  }
}
