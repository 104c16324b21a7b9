package gvisor.sentry.boot;

import gvisor.api.host.HostFd;
import java.util.List;

/**
 * A process to start: OCI's {@code process} object without JSON. Strings hold one byte a character (ISO 8859-1).
 *
 * @param file what is executed; null for what {@code args} begins with
 * @param umask -1 for the default, 022
 * @param capabilities bits of each set, in the order bounding, effective, inheritable, permitted, ambient
 * @param stdio host descriptors 0, 1, 2 and on; a null is closed; the same object may stand more than once
 * @param terminal whether to give it a controlling terminal: {@code stdio[0]} is the host's end of it then
 */
public record ProcessSpec(
    String file, List<String> args, List<String> env, String cwd,
    int uid, int gid, int[] additionalGids, int umask,
    long[] capabilities, boolean noNewPrivileges, List<Rlimit> rlimits, int oomScoreAdj,
    boolean terminal, int rows, int columns, Scheduling scheduling, HostFd[] stdio) {

  /** What {@code sched_getattr(2)} and {@code ioprio_get(2)} give, in their numbers. */
  public record Scheduling(int policy, int nice, int priority, int ioClass, int ioPriority) {}

  /** One limit: the number of RLIMIT_*, soft and hard, -1 for infinity. */
  public record Rlimit(int resource, long soft, long hard) {}
}
