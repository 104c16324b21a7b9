package gvisor.platform.ptrace;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Cpus;
import java.util.BitSet;

/**
 * A task's thread and its stub thread, kept on one processor: waking a thread on another costs ten times as much as the
 * rest of a system call. The balancer moves pairs, never halves.
 *
 * <p>Thread-safe.
 */
final class Pair {
  /** Not pinned to any processor, or nobody knows to which. */
  static final int ANYWHERE = -1;

  private static final int NONE = -1;

  private final PairBalancer balancer;
  private final int threadTid;
  private final BitSet threadBefore;

  // Guarded by this; cpu is read without.
  private volatile int cpu;
  private int stubTid = NONE;

  /** Pins the calling thread to {@code cpu}; {@link #ANYWHERE} leaves everything to the host. */
  Pair(PairBalancer balancer, int cpu) {
    this.balancer = balancer;
    this.cpu = cpu;
    threadTid = Cpus.currentTid();
    threadBefore = balancer.allowed();
    if (cpu != ANYWHERE) {
      pin(threadTid, cpu);
    }
  }

  /** The processor the pair is on. */
  int cpu() {
    return cpu;
  }

  /** From now on the pair's other half is {@code tid}, which is pinned to {@code where}. */
  synchronized void bind(int tid, int where) {
    stubTid = tid;
    if (cpu != ANYWHERE && cpu != where) {
      pin(tid, cpu);
    }
  }

  /** The stub thread is not part of this any more: where it is pinned to. */
  synchronized int unbind() {
    stubTid = NONE;
    return cpu;
  }

  /** The pair is about to run application code. */
  void running() {
    balancer.running();
  }

  /** Moves both halves to {@code target}. */
  synchronized void moveTo(int target) {
    if (cpu == ANYWHERE || target == ANYWHERE || cpu == target) {
      return;
    }
    cpu = target;
    if (stubTid != NONE) {
      pin(stubTid, target);
    }
    pin(threadTid, target);
  }

  /** Ends the pair: the thread may run anywhere again. */
  synchronized void end() {
    if (cpu != ANYWHERE) {
      stubTid = NONE;
      cpu = ANYWHERE;
      try {
        Cpus.setAffinity(threadTid, threadBefore);
      } catch (ErrnoException e) {
        // The thread is about to end, or nobody minds where it is.
      }
    }
  }

  private static void pin(int tid, int cpu) {
    try {
      Cpus.pin(tid, cpu);
    } catch (ErrnoException e) {
      // Gone, or not allowed there any more (a cpuset changed): then it runs where the host puts it, only slower.
    }
  }
}
