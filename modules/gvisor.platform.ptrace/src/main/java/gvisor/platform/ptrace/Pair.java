package gvisor.platform.ptrace;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Cpus;
import java.util.BitSet;

/**
 * A task's thread and its stub thread, kept on one processor: waking a thread on another costs ten times as much as the
 * rest of a system call. The balancer moves pairs, never halves.
 */
final class Pair {
  private final PairBalancer balancer;
  private final int threadTid;
  private final BitSet threadBefore;

  // Guarded by this.
  private int cpu;
  private int stubTid = -1;

  /** Pins the calling thread to {@code cpu}, or to none if it is negative. */
  Pair(PairBalancer balancer, int cpu) throws ErrnoException {
    this.balancer = balancer;
    this.cpu = cpu;
    threadTid = Cpus.currentTid();
    threadBefore = balancer.allowed();
    if (cpu >= 0) {
      Cpus.setAffinity(threadTid, mask(cpu));
    }
  }

  /** The processor the pair is on. */
  synchronized int cpu() {
    return cpu;
  }

  /** From now on the pair's other half is {@code tid}. */
  synchronized void bind(int tid) {
    stubTid = tid;
    if (cpu >= 0) {
      pin(tid, mask(cpu));
    }
  }

  /** The pair is about to run application code. */
  void running() {
    balancer.running();
  }

  /** Moves both halves to {@code target}. */
  synchronized void moveTo(int target) {
    if (cpu < 0 || stubTid < 0) {
      return;
    }
    cpu = target;
    BitSet mask = mask(target);
    pin(stubTid, mask);
    pin(threadTid, mask);
  }

  /** Ends the pair: the thread may run anywhere again. */
  synchronized void end() {
    if (cpu >= 0) {
      stubTid = -1;
      cpu = -1;
      pin(threadTid, threadBefore);
    }
  }

  private static void pin(int tid, BitSet mask) {
    try {
      Cpus.setAffinity(tid, mask);
    } catch (ErrnoException e) {
      // Gone, or not allowed there any more (a cpuset changed): then it runs where the host puts it, only slower.
    }
  }

  private static BitSet mask(int cpu) {
    BitSet mask = new BitSet();
    mask.set(cpu);
    return mask;
  }
}
