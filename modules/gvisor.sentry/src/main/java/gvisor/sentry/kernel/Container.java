package gvisor.sentry.kernel;

import gvisor.sentry.auth.IdMap;
import gvisor.sentry.mm.MemoryCgroup;
import gvisor.sentry.vfs.DevicePolicy;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * The processes of one OCI container: what is paused and killed together, and what limits hold for together, as for a
 * control group of Linux. Thread-safe.
 */
public final class Container {
  /** {@code cpu.max}'s usual period, in microseconds. */
  public static final long CPU_PERIOD_MICROS = 100_000;

  private final String id;
  private final MemoryCgroup memory;
  private final int hostProcessors;
  private final AtomicInteger tasks = new AtomicInteger();
  private final AtomicLong pidsHits = new AtomicLong();
  private final AtomicInteger pidsPeak = new AtomicInteger();
  private final LongAdder deadUserNanos = new LongAdder();
  private final LongAdder deadSystemNanos = new LongAdder();
  private volatile double cpus;
  private volatile long pidsLimit = Long.MAX_VALUE;
  private volatile boolean paused;
  private volatile IdMap users = IdMap.ALL;
  private volatile IdMap groups = IdMap.ALL;
  private volatile DevicePolicy devices = DevicePolicy.EVERYTHING;

  /**
   * @param memory what its memory is charged to
   * @param hostProcessors processors there are for the sandbox
   */
  public Container(String id, MemoryCgroup memory, int hostProcessors) {
    this.id = id;
    this.memory = memory;
    this.hostProcessors = hostProcessors;
  }

  /** The OCI id. */
  public String id() {
    return id;
  }

  /** What its memory is charged to. */
  public MemoryCgroup memory() {
    return memory;
  }

  /** Which users there are. */
  public IdMap users() {
    return users;
  }

  /** Which groups there are. */
  public IdMap groups() {
    return groups;
  }

  /** Says which users and groups there are, before there is a process. */
  public void setIds(IdMap userMap, IdMap groupMap) {
    users = userMap;
    groups = groupMap;
  }

  /** Which devices its processes may make and open. */
  public DevicePolicy devices() {
    return devices;
  }

  public void setDevices(DevicePolicy policy) {
    devices = policy;
  }

  /** How many processors' time it may use, such as 1.5; 0 for all there is. */
  public double cpus() {
    return cpus;
  }

  public void setCpus(double limit) {
    cpus = Math.max(0, limit);
  }

  /** How many processors it sees: enough for its share of time, and no more. */
  public int processors() {
    double limit = cpus;
    return limit <= 0 ? hostProcessors : (int) Math.clamp((long) Math.ceil(limit), 1L, hostProcessors);
  }

  /** {@code pids.max}; {@link Long#MAX_VALUE} for no limit. */
  public long pidsLimit() {
    return pidsLimit;
  }

  public void setPidsLimit(long limit) {
    pidsLimit = limit <= 0 ? Long.MAX_VALUE : limit;
  }

  /** {@code pids.current}: processes and threads. */
  public int taskCount() {
    return tasks.get();
  }

  /** {@code pids.peak}: the most there were at once. */
  public int taskPeak() {
    return pidsPeak.get();
  }

  /** {@code max} of {@code pids.events}: how often one more would have been too many. */
  public long pidsHits() {
    return pidsHits.get();
  }

  /** Counts one task more, unless that would be too many. */
  boolean chargeTask() {
    int now = tasks.incrementAndGet();
    if (now > pidsLimit) {
      tasks.getAndDecrement();
      pidsHits.getAndIncrement();
      return false;
    }
    if (now > pidsPeak.get()) {
      pidsPeak.accumulateAndGet(now, Math::max);
    }
    return true;
  }

  /** Counts a task that is there whatever the limit says: one that the runtime puts into the container. */
  void addTask() {
    pidsPeak.accumulateAndGet(tasks.incrementAndGet(), Math::max);
  }

  void unchargeTask() {
    tasks.getAndDecrement();
  }

  /** A task has ended that used so much of a processor. */
  void addDead(long userNanos, long systemNanos) {
    deadUserNanos.add(userNanos);
    deadSystemNanos.add(systemNanos);
  }

  /** Time on processors in the application, of tasks that have ended. */
  long deadUserNanos() {
    return deadUserNanos.sum();
  }

  /** Time on processors in the kernel, of tasks that have ended. */
  long deadSystemNanos() {
    return deadSystemNanos.sum();
  }

  /** Whether its tasks stop at the next boundary. */
  public boolean isPaused() {
    return paused;
  }

  void setPaused(boolean on) {
    paused = on;
  }
}
