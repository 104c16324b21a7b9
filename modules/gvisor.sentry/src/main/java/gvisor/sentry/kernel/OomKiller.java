package gvisor.sentry.kernel;

import gvisor.sentry.mm.MemoryCgroup;
import gvisor.sentry.mm.MemoryManager;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Holds the memory limits of containers: watches those that could pass theirs, has them give back what can be had
 * again, and kills a process of a container that is above its limit all the same ({@code man 5 proc}, oom_score_adj).
 *
 * <p>A thread of its own, started with the first container that comes near its limit, because who notices a shortage
 * holds locks, and applications touch memory without telling anybody. It looks as often as the room that is left could
 * be used up, and measures only when the memory of the whole sandbox has grown enough to matter.
 */
public final class OomKiller {
  private static final Logger LOG = LogManager.getLogger(OomKiller.class);

  private static final long MIN_SLEEP_NANOS = 4_000_000;
  private static final long MAX_SLEEP_NANOS = 200_000_000;

  /** Measuring may take one part of so many of the time. */
  private static final int MEASURE_SHARE = 30;

  /** How long a killed process may take to give its memory back before another is chosen. */
  private static final long DEATH_NANOS = 3_000_000_000L;

  /** How long who needs memory waits for the kill. */
  private static final long PATIENCE_NANOS = 10_000_000_000L;

  private static final long POLL_NANOS = 1_000_000;

  /** A guest that keeps being killed must not fill the log. */
  private static final long LOG_INTERVAL_NANOS = 1_000_000_000;

  private static final int UNKILLABLE = -1000;
  private static final int ADJ_SCALE = 1000;
  private static final int PAGE = MemoryManager.PAGE_SIZE;

  private final Kernel kernel;
  private final Set<Watched> watched = ConcurrentHashMap.newKeySet();
  private final Object threadLock = new Object();
  private volatile Thread thread;

  /** When the last kill was logged, and how many were not since. Of the one thread. */
  private long loggedAtNanos;
  private long unlogged;
  private int failures;

  OomKiller(Kernel kernel) {
    this.kernel = kernel;
    this.loggedAtNanos = System.nanoTime() - LOG_INTERVAL_NANOS;
  }

  /** What a container keeps of files because it may be read again. Called under any locks of memory and files. */
  public interface Caches {
    /** Gives back what is in use by nobody: the bytes. */
    long dropIdle();

    /** Bytes kept now. */
    long bytes();
  }

  /** A container that is watched, and what was measured of it last. */
  private final class Watched implements MemoryCgroup.Guard {
    final Container container;
    final Caches caches;
    long usage = -1;
    long sandboxThen;
    long measuredAt;

    /** Somebody waits: what was known is to be forgotten. */
    volatile boolean isUrgent;

    Watched(Container container, Caches caches) {
      this.container = container;
      this.caches = caches;
    }

    @Override
    public void watch() {
      if (watched.add(this)) {
        wake();
      }
    }

    @Override
    public void hurry() {
      isUrgent = true;
      watched.add(this);
      wake();
    }

    @Override
    public long reclaim() {
      return caches.dropIdle();
    }

    @Override
    public long cachedBytes() {
      return caches.bytes();
    }
  }

  /**
   * Guards the limit of {@code container}.
   *
   * @param caches what it keeps of files
   */
  public void guard(Container container, Caches caches) {
    container.memory().setGuard(new Watched(container, caches));
  }

  private void wake() {
    Thread t = thread;
    if (t == null) {
      synchronized (threadLock) {
        if (thread == null) {
          t = new Thread(null, this::run, "oom-killer", 256 << 10);
          t.setDaemon(true);
          thread = t;
          t.start();
        }
      }
    }
    LockSupport.unpark(t);
  }

  private void run() {
    while (!kernel.isDead()) {
      long sleep = Long.MAX_VALUE;
      for (Watched w : watched) {
        try {
          sleep = Math.min(sleep, check(w));
        } catch (RuntimeException | Error e) {
          // Without this thread no limit holds, so it goes on whatever happened.
          failures++;
          sleep = Math.min(sleep, MAX_SLEEP_NANOS);
          if (failures == 1) {
            LOG.error("a container's memory could not be watched", e);
          }
        }
      }
      if (sleep == Long.MAX_VALUE) {
        LockSupport.park(this);
      } else {
        LockSupport.parkNanos(this, sleep);
      }
    }
  }

  /** Looks at a container; nanoseconds until it has to be looked at again, MAX_VALUE when it will say so itself. */
  private long check(Watched w) {
    MemoryCgroup memory = w.container.memory();
    long limit = memory.limitBytes();
    if (memory.allocatedChargeBytes() <= limit) {
      watched.remove(w);
      // Between the look and the removal it may have asked to be watched.
      if (memory.allocatedChargeBytes() <= memory.limitBytes()) {
        w.usage = -1;
        return Long.MAX_VALUE;
      }
      watched.add(w);
    }
    long sandbox = memory.sandboxUsageBytes();
    long most = w.usage < 0 ? sandbox : Math.min(sandbox, w.usage + Math.max(0, sandbox - w.sandboxThen));
    // What others give back can hide what this one takes, so the bound does not hold for long.
    boolean isStale = System.nanoTime() - w.measuredAt > Math.max(
        MAX_SLEEP_NANOS / 2, memory.measureNanos() * MEASURE_SHARE);
    boolean isUrgent = w.isUrgent;
    w.isUrgent = false;
    if (most > limit || isUrgent || isStale && sandbox > limit) {
      most = measure(w);
      if (most > limit && memory.reclaim() > 0) {
        most = measure(w);
      }
      if (most > limit) {
        memory.countOom();
        kill(w, most, limit);
        most = measure(w);
      }
    }
    // A processor touches about a byte a nanosecond.
    long untilFull = Math.clamp(limit - most, MIN_SLEEP_NANOS, MAX_SLEEP_NANOS);
    return Math.max(untilFull, Math.min(MAX_SLEEP_NANOS, memory.measureNanos() * (most > limit ? 1 : MEASURE_SHARE)));
  }

  private static long measure(Watched w) {
    MemoryCgroup memory = w.container.memory();
    long before = memory.sandboxUsageBytes();
    w.usage = memory.usageBytes();
    w.sandboxThen = Math.min(before, memory.sandboxUsageBytes());
    w.measuredAt = System.nanoTime();
    return w.usage;
  }

  /** Kills the worst process and those that share its memory, and waits until they have given it back. */
  private void kill(Watched w, long usage, long limit) {
    List<ThreadGroup> processes = ContainerTasks.processes(kernel, w.container);
    Set<ThreadGroup> dying = new HashSet<>();
    ThreadGroup victim = null;
    long resident = 0;
    long worst = Long.MIN_VALUE;
    for (ThreadGroup p : processes) {
      MemoryManager mm = memoryOf(p);
      if (p.isZombie() || mm == null || p.oomScoreAdj() == UNKILLABLE) {
        continue;
      }
      if (p.exiting) {
        dying.add(p);
        continue;
      }
      long bytes = mm.report(true).residentBytes();
      long badness = bytes / PAGE + p.oomScoreAdj() * (limit / PAGE) / ADJ_SCALE;
      if (badness > worst) {
        worst = badness;
        victim = p;
        resident = bytes;
      }
    }
    if (!dying.isEmpty()) {
      await(dying); // What is about to be given back may be enough.
      return;
    }
    if (victim == null) {
      LockSupport.parkNanos(this, MAX_SLEEP_NANOS);
      return;
    }
    MemoryManager shared = memoryOf(victim);
    List<ThreadGroup> victims = new ArrayList<>(List.of(victim));
    for (ThreadGroup p : processes) {
      if (p != victim && shared != null && memoryOf(p) == shared && p.oomScoreAdj() != UNKILLABLE) {
        victims.add(p);
      }
    }
    w.container.memory().countKill();
    victims.forEach(ThreadGroup::kill);
    log(w.container, victim, resident, usage, limit);
    await(victims);
  }

  private static MemoryManager memoryOf(ThreadGroup process) {
    for (Task t : process.tasks()) {
      MemoryManager mm = t.mm();
      if (mm != null && !t.dead) {
        return mm;
      }
    }
    return null;
  }

  private void await(Iterable<ThreadGroup> victims) {
    long deadline = System.nanoTime() + DEATH_NANOS;
    for (ThreadGroup p : victims) {
      while (!p.isZombie() && System.nanoTime() < deadline) {
        LockSupport.parkNanos(this, POLL_NANOS);
      }
    }
  }

  private void log(Container container, ThreadGroup victim, long resident, long usage, long limit) {
    long now = System.nanoTime();
    if (now - loggedAtNanos < LOG_INTERVAL_NANOS) {
      unlogged++;
      return;
    }
    loggedAtNanos = now;
    // One text, without arguments to fill in: loading what does that takes memory, too.
    LOG.warn("container " + container.id() + " is out of memory (" + (usage >> 10) + " of " + (limit >> 10)
        + " kB): killed process " + victim.pid().number() + " (" + victim.leader().comm() + "), which had "
        + (resident >> 10) + " kB, oom_score_adj " + victim.oomScoreAdj()
        + (unlogged == 0 ? "" : "; " + unlogged + " kills before it were not logged"));
    unlogged = 0;
  }

  /**
   * Waits, on {@code t}'s thread and without locks, until its container has room or {@code t} is to die.
   *
   * @return false when its container has no limit, or no room was made
   */
  boolean awaitRoom(Task t) {
    MemoryCgroup memory = t.threadGroup().container().memory();
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (memory.limitBytes() != MemoryCgroup.UNLIMITED && System.nanoTime() < deadline) {
      if (t.isDying()) {
        return true;
      }
      if (memory.usageBytes() + PAGE <= memory.limitBytes()) {
        return true;
      }
      LockSupport.parkNanos(t, 2 * POLL_NANOS + memory.measureNanos());
    }
    return false;
  }
}
