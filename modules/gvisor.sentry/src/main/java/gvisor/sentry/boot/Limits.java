package gvisor.sentry.boot;

/**
 * What the processes of a container may use together; 0 or less for as much as there is.
 *
 * @param memoryBytes memory, as {@code memory.max}
 * @param cpus time of processors a time, such as 1.5; only shown, the host sees to it
 * @param pids processes and threads, as {@code pids.max}
 */
public record Limits(long memoryBytes, double cpus, long pids) {
  /** As much as there is. */
  public static final Limits NONE = new Limits(0, 0, 0);
}
