package gvisor.platform.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.AccessType;
import gvisor.api.platform.AddressSpace;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One set of page tables. A mapping is in force when it is written down. What is taken away is first written down. If
 * anybody runs application code here, every such context is then made to leave it once (KVM may have read the old entry
 * and not yet acted on it), and KVM forgets the pages; if nobody does, that waits until somebody wants to, which often is
 * never: programs end and are replaced. A context announces itself before it looks for stale pages, the caller notes
 * stale pages before it looks for contexts: one sees the other.
 *
 * <p>With {@link NestedPaging} there is nothing for KVM to forget, only for processors: the space gets a new generation, and
 * a processor that enters a generation it did not run last forgets all its translations on the way ({@link Processor#run}).
 * That costs no host call.
 */
final class KvmAddressSpace implements AddressSpace {
  private static final KvmContext[] NONE = {};
  private static final long CHECK_NANOS = 1_000_000;

  private final KvmPlatform platform;
  private final ReentrantLock spaceLock = new ReentrantLock();

  // Guarded by spaceLock; the volatile ones are read without.
  private final PageTables tables;
  private final StaleRuns stale = new StaleRuns();
  private volatile KvmContext[] contexts = NONE;
  private volatile Thread waiter;
  private volatile boolean hasStale;
  private volatile long generation;
  private boolean closed;

  KvmAddressSpace(KvmPlatform platform, PageTables tables) {
    this.platform = platform;
    this.tables = tables;
    this.generation = platform.newGeneration();
  }

  @Override
  public void map(long addr, long length, long fileOffset, int access, boolean populate) throws ErrnoException {
    if (!isRange(addr, length) || fileOffset < 0 || fileOffset % TableMemory.PAGE != 0
        || fileOffset > platform.memorySize() - length) {
      throw Errno.EINVAL.error();
    }
    if (access == AccessType.NONE) {
      unmap(addr, length);
      return;
    }
    spaceLock.lock();
    try {
      checkOpen();
      try {
        platform.slots().require(fileOffset, length);
        tables.map(addr, length, fileOffset, access, stale);
      } catch (ErrnoException e) {
        tables.unmap(addr, length, stale);
        forgetStale();
        throw e;
      }
      forgetStale();
    } finally {
      spaceLock.unlock();
    }
    if (populate) {
      platform.slots().populate(fileOffset, length);
    }
  }

  @Override
  public void protect(long addr, long length, int access) throws ErrnoException {
    if (!isRange(addr, length)) {
      throw Errno.EINVAL.error();
    }
    if (access == AccessType.NONE) {
      unmap(addr, length);
      return;
    }
    spaceLock.lock();
    try {
      if (!closed) {
        tables.protect(addr, length, access, stale);
        forgetStale();
      }
    } finally {
      spaceLock.unlock();
    }
  }

  @Override
  public void unmap(long addr, long length) {
    if (!isRange(addr, length)) {
      throw new IllegalArgumentException("unmap of " + length + " bytes at 0x" + Long.toHexString(addr));
    }
    spaceLock.lock();
    try {
      if (!closed) {
        tables.unmap(addr, length, stale);
        forgetStale();
      }
    } finally {
      spaceLock.unlock();
    }
  }

  /** Does nothing: what a thread needs here it brings along. */
  @Override
  public void reserveThread() {}

  /** The way into a virtual machine and the way out both serialise; whoever is outside comes in later. */
  @Override
  public boolean barrier() {
    spaceLock.lock();
    try {
      expelOthers();
      return true;
    } finally {
      spaceLock.unlock();
    }
  }

  @Override
  public void close() {
    spaceLock.lock();
    try {
      if (!closed) {
        closed = true;
        stale.clear();
        hasStale = false;
        tables.close();
      }
    } finally {
      spaceLock.unlock();
    }
  }

  /** CR3. */
  long root() {
    return tables.rootAddress();
  }

  /** Changes when translations must not be used any longer; no two spaces ever have the same. */
  long generation() {
    return generation;
  }

  /** The byte that is mapped at {@code addr}, or -1 if nothing is. */
  int byteAt(long addr) {
    if (addr < 0 || addr >= KvmPlatform.MAX_USER_ADDRESS) {
      return -1;
    }
    spaceLock.lock();
    try {
      long offset = tables.translate(addr);
      return offset < 0 ? -1 : platform.memory().get(JAVA_BYTE, offset) & 0xff;
    } finally {
      spaceLock.unlock();
    }
  }

  /** Takes {@code context} in. */
  void enter(KvmContext context) {
    spaceLock.lock();
    try {
      checkOpen();
      KvmContext[] more = Arrays.copyOf(contexts, contexts.length + 1);
      more[contexts.length] = context;
      contexts = more;
    } finally {
      spaceLock.unlock();
    }
  }

  /** Forgets {@code context}, which is not in application code. */
  void leave(KvmContext context) {
    spaceLock.lock();
    try {
      KvmContext[] old = contexts;
      for (int i = 0; i < old.length; i++) {
        if (old[i] == context) {
          KvmContext[] fewer = new KvmContext[old.length - 1];
          System.arraycopy(old, 0, fewer, 0, i);
          System.arraycopy(old, i + 1, fewer, i, old.length - i - 1);
          contexts = fewer;
          break;
        }
      }
    } finally {
      spaceLock.unlock();
    }
  }

  /** A context has left application code. */
  void left() {
    Thread waiting = waiter;
    if (waiting != null) {
      LockSupport.unpark(waiting);
    }
  }

  /** Whether there are pages to be forgotten before application code may run. */
  boolean hasStale() {
    return hasStale;
  }

  /** Has them forgotten. The caller's context is not in application code. */
  void settle() {
    spaceLock.lock();
    try {
      stale.forget(platform.slots());
      hasStale = false;
    } finally {
      spaceLock.unlock();
    }
  }

  private void forgetStale() {
    if (stale.isEmpty()) {
      return;
    }
    if (platform.hasNestedPaging()) {
      generation = platform.newGeneration();
      expelOthers();
      stale.clear();
      tables.releaseDropped();
      return;
    }
    hasStale = true;
    if (expelOthers()) {
      stale.forget(platform.slots());
      hasStale = false;
    }
  }

  /**
   * Waits until every context has left application code once; false if none was there. The caller's own, if it has one,
   * is not.
   */
  private boolean expelOthers() {
    boolean any = false;
    for (KvmContext c : contexts) {
      long turn = c.turn();
      if ((turn & 1) == 0) {
        continue;
      }
      any = true;
      waiter = Thread.currentThread();
      c.nudge();
      while (c.turn() == turn) {
        LockSupport.parkNanos(this, CHECK_NANOS);
      }
    }
    waiter = null;
    return any;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("address space is closed");
    }
  }

  private static boolean isRange(long addr, long length) {
    return addr >= 0 && length > 0 && (addr | length) % TableMemory.PAGE == 0
        && addr <= KvmPlatform.MAX_USER_ADDRESS - length;
  }
}
