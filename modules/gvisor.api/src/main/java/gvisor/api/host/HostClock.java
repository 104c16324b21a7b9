package gvisor.api.host;

/** The host's clocks. Any thread. */
public interface HostClock {
  /** CLOCK_MONOTONIC in nanoseconds. */
  long monotonicNanos();

  /** CLOCK_REALTIME in nanoseconds since the epoch. */
  long realtimeNanos();

  /** CLOCK_BOOTTIME in nanoseconds. */
  long boottimeNanos();

  /** CPU time of the calling thread, in nanoseconds (CLOCK_THREAD_CPUTIME_ID). */
  long threadCpuNanos();

  /** The time stamp counter, read now, or 0 where the host has no invariant one to share with applications. */
  long timestampCounter();
}
