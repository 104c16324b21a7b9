package gvisor.sentry.kernel;

import gvisor.sentry.mm.MmLimits;

/**
 * Resource limits of a process ({@code man 2 getrlimit}). Thread-safe; a pair is set under {@link Kernel#tasksLock}.
 */
public final class Rlimits implements MmLimits {
  public static final int RLIMIT_CPU = 0;
  public static final int RLIMIT_FSIZE = 1;
  public static final int RLIMIT_CORE = 4;
  public static final int RLIMIT_RSS = 5;
  public static final int RLIMIT_NPROC = 6;
  public static final int RLIMIT_NOFILE = 7;
  public static final int RLIMIT_LOCKS = 10;
  public static final int RLIMIT_SIGPENDING = 11;
  public static final int RLIMIT_MSGQUEUE = 12;
  public static final int RLIMIT_NICE = 13;
  public static final int RLIMIT_RTPRIO = 14;
  public static final int RLIMIT_RTTIME = 15;

  /** How many there are. */
  public static final int COUNT = 16;

  /** No limit. */
  public static final long INFINITY = -1;

  /** As far as RLIMIT_NOFILE can be raised: {@code /proc/sys/fs/nr_open}. */
  public static final long NR_OPEN = 1 << 20;

  private static final long DEFAULT_TASKS = 16384;

  private final long[] soft = new long[COUNT];
  private final long[] hard = new long[COUNT];

  /** What the first process of Linux has. */
  public Rlimits() {
    for (int r = 0; r < COUNT; r++) {
      soft[r] = INFINITY;
      hard[r] = INFINITY;
    }
    put(RLIMIT_STACK, 8L << 20, INFINITY);
    put(RLIMIT_CORE, 0, INFINITY);
    put(RLIMIT_NPROC, DEFAULT_TASKS, DEFAULT_TASKS);
    put(RLIMIT_NOFILE, 1024, 4096);
    put(RLIMIT_MEMLOCK, 8 << 20, 8 << 20);
    put(RLIMIT_SIGPENDING, DEFAULT_TASKS, DEFAULT_TASKS);
    put(RLIMIT_MSGQUEUE, 819200, 819200);
    put(RLIMIT_NICE, 0, 0);
    put(RLIMIT_RTPRIO, 0, 0);
  }

  /** A copy, for {@code fork}. */
  public Rlimits copy() {
    Rlimits c = new Rlimits();
    System.arraycopy(soft, 0, c.soft, 0, COUNT);
    System.arraycopy(hard, 0, c.hard, 0, COUNT);
    return c;
  }

  /** The limit in force: bytes, seconds or a count; {@link #INFINITY} for none. */
  public long soft(int resource) {
    return soft[resource];
  }

  @Override
  public long limit(int resource) {
    return soft[resource];
  }

  /** How far an unprivileged process may raise the limit. */
  public long hard(int resource) {
    return hard[resource];
  }

  /** Whether {@code amount}, taken as unsigned, is more than the limit allows. */
  public boolean exceeds(int resource, long amount) {
    return Long.compareUnsigned(amount, soft[resource]) > 0;
  }

  /** Sets both; who may is checked by the caller. */
  public void put(int resource, long softLimit, long hardLimit) {
    soft[resource] = softLimit;
    hard[resource] = hardLimit;
  }
}
