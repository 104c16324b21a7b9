package gvisor.sentry.boot;

import java.util.List;

/**
 * A mount of a container: OCI's {@code mounts} entry.
 *
 * @param attachName for a bind mount: the name under which the gofer serves its source; null for the others
 * @param options as in the spec: flags such as {@code ro}, {@code nosuid}, and the file system's own
 */
public record MountSpec(String destination, String type, String source, String attachName, List<String> options) {
  /**
   * A type: a tmpfs that all containers of the sandbox share that name the same source, for {@code /dev/shm} of
   * containers that share System V and POSIX memory.
   */
  public static final String SHARED_MEMORY = "shared-memory";
}
