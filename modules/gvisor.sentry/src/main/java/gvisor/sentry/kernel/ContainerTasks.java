package gvisor.sentry.kernel;

import java.util.List;

/** The processes of a container, wherever they are in PID namespaces, and what they have used together. */
public final class ContainerTasks {
  private ContainerTasks() {}

  /** Every process of {@code container}, zombies too. */
  public static List<ThreadGroup> processes(Kernel kernel, Container container) {
    List<ThreadGroup> all = kernel.rootPidNamespace().threadGroups();
    all.removeIf(p -> p.container() != container);
    return all;
  }

  /** Time on processors that a container's tasks have used, those that have ended included; nanoseconds. */
  public record CpuTime(long userNanos, long systemNanos) {
    public long totalNanos() {
      return userNanos + systemNanos;
    }
  }

  /** How much of the processors {@code container} has used. */
  public static CpuTime cpuTime(Kernel kernel, Container container) {
    kernel.tasksLock.lock();
    try {
      long user = container.deadUserNanos();
      long system = container.deadSystemNanos();
      for (ThreadGroup process : processes(kernel, container)) {
        for (Task t : process.tasks) {
          if (!t.dead) {
            user += t.utime();
            system += t.stime();
          }
        }
      }
      return new CpuTime(user, system);
    } finally {
      kernel.tasksLock.unlock();
    }
  }
}
