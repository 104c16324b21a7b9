package gvisor.sentry.kernel;

/**
 * What {@code sched_*(2)}, {@code setpriority(2)}, {@code ioprio_set(2)} and {@code set_mempolicy(2)} set. Stored and reported; the host's
 * scheduler decides. Fields are set one by one by whoever may, and read anywhere.
 */
public final class SchedulingAttributes {
  public static final int SCHED_NORMAL = 0;
  public static final int SCHED_FIFO = 1;
  public static final int SCHED_RR = 2;
  public static final int SCHED_BATCH = 3;
  public static final int SCHED_IDLE = 5;
  public static final int SCHED_DEADLINE = 6;

  public volatile int policy;
  public volatile int priority;
  public volatile boolean resetOnFork;
  /** -20 to 19. */
  public volatile int nice;
  /** Processors it may run on, bit by bit, or null for all. Never changed once set. */
  public volatile long[] affinity;
  /** Class and data, {@code man 2 ioprio_set}. */
  public volatile int ioPriority;
  /** NUMA policy of new memory ({@code man 2 set_mempolicy}), a small number; 0 for the system's. */
  public volatile int memoryPolicy;

  /** Takes over what a child gets. */
  void inherit(SchedulingAttributes parent) {
    boolean reset = parent.resetOnFork;
    boolean realtime = parent.policy == SCHED_FIFO || parent.policy == SCHED_RR || parent.policy == SCHED_DEADLINE;
    policy = reset && realtime ? SCHED_NORMAL : parent.policy;
    priority = reset && realtime ? 0 : parent.priority;
    nice = reset && parent.nice < 0 ? 0 : parent.nice;
    affinity = parent.affinity;
    ioPriority = parent.ioPriority;
    memoryPolicy = parent.memoryPolicy;
  }
}
