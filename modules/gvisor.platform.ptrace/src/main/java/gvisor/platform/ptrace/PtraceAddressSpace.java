package gvisor.platform.ptrace;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.mem.AccessType;
import gvisor.api.platform.AddressSpace;
import java.util.Arrays;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The mappings of one stub process, which it gets when a context first runs here. Until then, and whenever nobody runs
 * here, mapping work is only noted down ({@link MappingQueue}); who next enters has it done first, by its own stopped
 * tracee, in one round trip.
 *
 * <p>So that what is taken away is gone for every thread: if others are in application code, the caller's tracee does the
 * work at once (the host's kernel then tells the other processors); a caller without a tracee here makes everybody leave
 * application code and waits for that. A context announces itself before it looks for work, the caller notes work before
 * it looks for contexts: one sees the other.
 */
final class PtraceAddressSpace implements AddressSpace {
  private static final PtraceContext[] NONE = {};

  private final PtracePlatform platform;
  private final ReentrantLock spaceLock = new ReentrantLock();
  private final Condition left = spaceLock.newCondition();

  // Guarded by spaceLock; the volatile ones are read without.
  private final MappingQueue queue;
  private volatile boolean hasWork;
  private volatile int waiting;
  private volatile PtraceContext[] contexts = NONE;
  private Subprocess process;
  private int reservedBeforeStart;
  private boolean closed;

  PtraceAddressSpace(PtracePlatform platform, int memoryFd) {
    this.platform = platform;
    this.queue = new MappingQueue(memoryFd);
  }

  @Override
  public void map(long addr, long length, long fileOffset, int access, boolean populate) throws ErrnoException {
    checkRange(addr, length);
    if (fileOffset < 0 || fileOffset % 4096 != 0 || fileOffset > platform.memorySize() - length) {
      throw Errno.EINVAL.error();
    }
    if (access == AccessType.NONE) {
      unmap(addr, length);
      return;
    }
    spaceLock.lock();
    try {
      queue.map(addr, length, fileOffset, access | AccessType.READ, populate);
      workAdded();
    } finally {
      spaceLock.unlock();
    }
  }

  @Override
  public void protect(long addr, long length, int access) throws ErrnoException {
    checkRange(addr, length);
    if (access == AccessType.NONE) {
      // A page that nobody may touch is better not there: the kernel can then tell a write from a read by the fault.
      unmap(addr, length);
      return;
    }
    spaceLock.lock();
    try {
      queue.protect(addr, length, access | AccessType.READ);
      workAdded();
    } finally {
      spaceLock.unlock();
    }
  }

  @Override
  public void unmap(long addr, long length) {
    if (addr < 0 || length <= 0 || (addr | length) % 4096 != 0 || addr > StubCode.ADDRESS - length) {
      throw new IllegalArgumentException("unmap of " + length + " bytes at 0x" + Long.toHexString(addr));
    }
    spaceLock.lock();
    try {
      queue.unmap(addr, length);
      workAdded();
    } finally {
      spaceLock.unlock();
    }
  }

  @Override
  public void reserveThread() throws ErrnoException {
    spaceLock.lock();
    try {
      if (process == null) {
        reservedBeforeStart++;
        return;
      }
      PtraceContext own = platform.currentContext();
      if (own == null || !own.isIn(this)) {
        throw Errno.EAGAIN.error();
      }
      process.reserve(own.tracer(), own.tid());
    } finally {
      spaceLock.unlock();
    }
  }

  @Override
  public boolean barrier() {
    spaceLock.lock();
    try {
      PtraceContext own = platform.currentContext();
      expelAll(own != null && own.isIn(this) ? own : null);
    } finally {
      spaceLock.unlock();
    }
    return true;
  }

  @Override
  public void close() {
    Subprocess p;
    spaceLock.lock();
    try {
      closed = true;
      p = process;
      process = null;
      queue.clear();
      hasWork = false;
    } finally {
      spaceLock.unlock();
    }
    if (p != null) {
      p.retire();
    }
  }

  /** Whether somebody must do mapping work before application code may run. */
  boolean hasWork() {
    return hasWork;
  }

  /** Whether somebody waits for contexts to leave application code. */
  boolean isAwaited() {
    return waiting != 0;
  }

  /** A context has left application code, and {@link #isAwaited}. */
  void wakeWaiting() {
    spaceLock.lock();
    try {
      left.signalAll();
    } finally {
      spaceLock.unlock();
    }
  }

  /** Has {@code context}'s stopped tracee do the work. ESRCH when it is gone. */
  void work(PtraceContext context) throws ErrnoException {
    spaceLock.lock();
    try {
      flush(context);
    } finally {
      spaceLock.unlock();
    }
  }

  /**
   * Takes {@code context} in: finds or makes the process and a thread of it, and attaches. {@code spare} is a retired
   * process that the context is still attached to, or null; it is used if this space has none yet.
   *
   * @return the process; it is {@code spare} if that was used, and then no thread was attached to
   */
  Subprocess enter(PtraceContext context, Subprocess spare) throws ErrnoException {
    spaceLock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("address space is closed");
      }
      if (process == null) {
        if (spare != null && spare.takeBack()) {
          process = spare;
        } else {
          process = platform.takeProcess(context.tracer());
        }
        queueResetFirst();
      }
      if (process != spare) {
        context.attachTo(process);
      } else {
        process.returnReservation();
      }
      for (; reservedBeforeStart > 0; reservedBeforeStart--) {
        process.reserve(context.tracer(), context.tid());
      }
      PtraceContext[] more = Arrays.copyOf(contexts, contexts.length + 1);
      more[contexts.length] = context;
      contexts = more;
      return process;
    } finally {
      spaceLock.unlock();
    }
  }

  /** Forgets {@code context}, which is not in application code. */
  void leave(PtraceContext context) {
    spaceLock.lock();
    try {
      PtraceContext[] old = contexts;
      for (int i = 0; i < old.length; i++) {
        if (old[i] == context) {
          PtraceContext[] fewer = new PtraceContext[old.length - 1];
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

  /** A reused process still has its last user's mappings: they go before ours come. */
  private void queueResetFirst() {
    queue.resetFirst();
    hasWork = true;
  }

  /** Sees to it that no thread runs with what the work just noted takes away. */
  private void workAdded() {
    hasWork = true;
    PtraceContext own = null;
    boolean othersRun = false;
    PtraceContext current = platform.currentContext();
    for (PtraceContext c : contexts) {
      if (c == current) {
        own = c;
      } else if (c.isInApplication()) {
        othersRun = true;
      }
    }
    if (!othersRun) {
      return;
    }
    if (own != null) {
      try {
        flush(own);
        return;
      } catch (ErrnoException e) {
        // Our own tracee is gone, and the process with it; the others find out when they stop.
      }
    }
    expelAll(own);
  }

  /** Waits until every context but {@code own} has left application code once. */
  private void expelAll(PtraceContext own) {
    PtraceContext[] all = contexts;
    waiting++;
    try {
      for (PtraceContext c : all) {
        if (c == own) {
          continue;
        }
        long turn = c.turn();
        if ((turn & 1) == 0) {
          continue;
        }
        c.nudge();
        while (c.turn() == turn) {
          left.awaitUninterruptibly();
        }
      }
    } finally {
      waiting--;
    }
  }

  private void flush(PtraceContext context) throws ErrnoException {
    Tracer tracer = context.tracer();
    int tid = context.tid();
    int done = 0;
    while (done < queue.size()) {
      int count = queue.write(done, process.work());
      int remaining = tracer.batch(tid, count);
      done += count - remaining;
      if (remaining == 0) {
        continue;
      }
      if (queue.operation(done) == MappingQueue.PROTECT && tracer.batchErrno() == Errno.ENOMEM.number()) {
        // A hole in the range, which mprotect does not get over. Without the pages, faults bring the right ones.
        queue.turnIntoUnmap(done);
      } else if (queue.isReset()) {
        throw Errno.ESRCH.error(); // not even this: the process is of no use
      } else {
        // No more mappings to be had (vm.max_map_count): begin anew, faults bring back what is in use.
        queue.reset();
        done = 0;
      }
    }
    queue.clear();
    hasWork = false;
  }

  private void checkRange(long addr, long length) throws ErrnoException {
    if (addr < 0 || length <= 0 || (addr | length) % 4096 != 0 || addr > StubCode.ADDRESS - length) {
      throw Errno.EINVAL.error();
    }
  }
}
