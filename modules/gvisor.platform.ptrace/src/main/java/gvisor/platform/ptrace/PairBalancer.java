package gvisor.platform.ptrace;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Cpus;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Moves a pair when two want one processor for longer than a moment while another processor has none. A pair begins
 * where its thread's parent is: most children are waited for, and a hand-over on one processor is cheap.
 *
 * <p>A thread of its own looks every few milliseconds while application code comes and goes, and sleeps otherwise.
 */
final class PairBalancer {
  private static final long PERIOD_NANOS = 4_000_000;

  private final BitSet allowed;
  private final int[] cpus;
  private final Set<PtraceContext> contexts = ConcurrentHashMap.newKeySet();
  private final Thread thread;
  private volatile boolean idle;
  private volatile boolean stopped;

  PairBalancer() throws ErrnoException {
    allowed = Cpus.affinity(0);
    cpus = allowed.stream().toArray();
    thread = Thread.ofPlatform().name("pair-balancer").daemon().unstarted(this::run);
    if (cpus.length > 1) {
      thread.start();
    }
  }

  /** Processors of this process. */
  BitSet allowed() {
    return allowed;
  }

  /** Makes the calling thread half of a pair. */
  Pair newPair() throws ErrnoException {
    if (cpus.length < 2) {
      return new Pair(this, Pair.ANYWHERE);
    }
    BitSet own = Cpus.affinity(0);
    int cpu = own.cardinality() == 1 ? own.nextSetBit(0) : Cpus.current();
    return new Pair(this, allowed.get(cpu) ? cpu : cpus[0]);
  }

  void add(PtraceContext context) {
    contexts.add(context);
  }

  void remove(PtraceContext context) {
    contexts.remove(context);
  }

  /** Some pair is about to run application code. */
  void running() {
    if (idle) {
      idle = false;
      LockSupport.unpark(thread);
    }
  }

  void stop() {
    stopped = true;
    LockSupport.unpark(thread);
  }

  private void run() {
    int[] busy = new int[cpus[cpus.length - 1] + 1];
    PtraceContext candidate = null;
    while (!stopped) {
      LockSupport.parkNanos(PERIOD_NANOS);
      Arrays.fill(busy, 0);
      int total = 0;
      for (PtraceContext c : contexts) {
        int cpu = c.pair().cpu();
        if (cpu >= 0 && c.isInApplication()) {
          busy[cpu]++;
          total++;
        }
      }
      if (total < 2) {
        candidate = null;
        if (total == 0) {
          idle = true;
          LockSupport.park(this);
        }
        continue;
      }
      candidate = look(busy, candidate);
    }
  }

  /** Moves {@code candidate} if it still competes while a processor is free; returns who may be moved next time. */
  private PtraceContext look(int[] busy, PtraceContext candidate) {
    int free = -1;
    for (int cpu : cpus) {
      if (busy[cpu] == 0) {
        free = cpu;
      }
    }
    if (free < 0) {
      return null;
    }
    for (PtraceContext c : contexts) {
      int cpu = c.pair().cpu();
      if (cpu >= 0 && busy[cpu] >= 2 && c.isInApplication()) {
        if (candidate != null && c == candidate) {
          c.pair().moveTo(free);
          return null;
        }
        if (candidate == null || !contexts.contains(candidate)) {
          return c;
        }
      }
    }
    return null;
  }
}
