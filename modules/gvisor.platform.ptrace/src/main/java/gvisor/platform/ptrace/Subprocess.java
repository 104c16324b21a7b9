package gvisor.platform.ptrace;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.ptrace.Ptrace;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A stub process: in use by one address space, or retired. Its threads are attached to by contexts, or parked. A retired
 * one goes back to the platform's pool when its last thread has been parked; its old mappings go when the next address
 * space takes it.
 *
 * <p>Thread-safe.
 */
final class Subprocess {
  /** A retired process with more threads than this is killed: its next user will hardly need them. */
  private static final int MAX_KEPT_THREADS = 8;

  private final PtracePlatform platform;
  private final int pid;
  private final int slot;
  private final MemorySegment work;

  // Guarded by this.
  private int[] parked = new int[2];
  private int[] parkedCpu = new int[2];
  private int parkedCount;
  private int reserved;
  private int attachedCount;
  private boolean retired;
  private boolean dead;
  private boolean prepared;

  /** A new process, whose one thread {@code pid} is parked. */
  Subprocess(PtracePlatform platform, int pid, int slot, MemorySegment work) {
    this.platform = platform;
    this.pid = pid;
    this.slot = slot;
    this.work = work;
    addParked(pid, Pair.ANYWHERE);
  }

  int pid() {
    return pid;
  }

  int slot() {
    return slot;
  }

  /** The page that {@link Tracer#batch} works off. Guarded by the address space's lock. */
  MemorySegment work() {
    return work;
  }

  /** Whether the process has its work page and dies with us; asked and set by the first to attach. */
  synchronized boolean isPrepared() {
    return prepared;
  }

  synchronized void markPrepared() {
    prepared = true;
  }

  /**
   * Attaches to a parked thread, as the other half of {@code pair}: its id.
   *
   * @throws ErrnoException EAGAIN when there is none; ESRCH when the process is gone
   */
  int attach(Tracer tracer, Pair pair) throws ErrnoException {
    int tid;
    int cpu;
    synchronized (this) {
      if (parkedCount == 0 || dead) {
        throw Errno.EAGAIN.error();
      }
      parkedCount--;
      tid = parked[parkedCount];
      cpu = parkedCpu[parkedCount];
      if (reserved > 0) {
        reserved--;
      }
      attachedCount++;
    }
    try {
      pair.bind(tid, cpu); // first, so that it wakes up here
      tracer.attach(tid);
      return tid;
    } catch (ErrnoException e) {
      lose();
      throw e;
    }
  }

  /** Parks thread {@code tid}, which the caller's thread had attached to, and which is pinned to {@code cpu}. */
  void giveBack(Tracer tracer, int tid, int cpu) {
    tracer.park(tid);
    boolean free;
    synchronized (this) {
      addParked(tid, cpu);
      attachedCount--;
      free = retired && attachedCount == 0;
    }
    if (free) {
      release();
    }
  }

  /** A thread that was attached to is gone, and so is the process, or it soon will be. */
  void lose() {
    boolean free;
    synchronized (this) {
      dead = true;
      attachedCount--;
      free = retired && attachedCount == 0;
    }
    // Whatever is left of it is worth nothing, and must not linger half alive.
    Ptrace.kill(pid);
    if (free) {
      release();
    }
  }

  /** Says that one more context is going to attach; {@code tid} is a stopped tracee of the caller's thread. */
  void reserve(Tracer tracer, int tid) throws ErrnoException {
    synchronized (this) {
      if (parkedCount > reserved) {
        reserved++;
        return;
      }
    }
    int thread = tracer.cloneThread(tid);
    synchronized (this) {
      addParked(thread, Pair.ANYWHERE);
      reserved++;
    }
  }

  /** A context came that was still attached to a thread of ours: the one reserved for it is left for another. */
  synchronized void returnReservation() {
    if (reserved > 0) {
      reserved--;
    }
  }

  /** The address space is closed. */
  void retire() {
    boolean free;
    synchronized (this) {
      retired = true;
      reserved = 0;
      free = attachedCount == 0;
    }
    if (free) {
      release();
    }
  }

  /** Whether the one thread that is attached may take the process for a new address space. If so, it has it. */
  synchronized boolean takeBack() {
    if (!retired || dead || attachedCount != 1) {
      return false;
    }
    retired = false;
    return true;
  }

  /** Taken out of the pool. */
  synchronized void reuse() {
    retired = false;
  }

  synchronized boolean isDead() {
    return dead;
  }

  /** Ends the process. Nobody is attached. */
  void kill() {
    synchronized (this) {
      dead = true;
    }
    Ptrace.kill(pid);
    platform.reaped(this);
  }

  private void release() {
    boolean keep;
    synchronized (this) {
      keep = !dead && parkedCount <= MAX_KEPT_THREADS;
    }
    if (!keep || !platform.keep(this)) {
      kill();
    }
  }

  private void addParked(int tid, int cpu) {
    if (parkedCount == parked.length) {
      parked = Arrays.copyOf(parked, parkedCount * 2);
      parkedCpu = Arrays.copyOf(parkedCpu, parkedCount * 2);
    }
    parked[parkedCount] = tid;
    parkedCpu[parkedCount] = cpu;
    parkedCount++;
  }
}
