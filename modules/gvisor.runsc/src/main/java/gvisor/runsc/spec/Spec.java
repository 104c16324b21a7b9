package gvisor.runsc.spec;

import java.util.List;
import java.util.Map;

/**
 * What {@code config.json} asks for, as far as this runtime acts on it. Source: OCI Runtime Specification 1.2,
 * config.md and config-linux.md.
 *
 * @param ociVersion version of the specification that the bundle follows
 * @param process the container's first process; null in a bundle that is never started
 * @param root the root file system
 * @param hostname the UTS host name, or ""
 * @param domainname the NIS domain name, or ""
 * @param mounts in order
 * @param hooks programs to run on the host at points of the life cycle
 * @param annotations free text of higher layers
 * @param linux the part of the specification about Linux
 */
public record Spec(
    String ociVersion,
    Process process,
    Root root,
    String hostname,
    String domainname,
    List<Mount> mounts,
    Hooks hooks,
    Map<String, String> annotations,
    Linux linux) {

  /**
   * A process to start.
   *
   * @param terminal whether its standard files are a terminal
   * @param consoleHeight rows of the terminal, 0 for unknown
   * @param consoleWidth columns of the terminal, 0 for unknown
   * @param umask file mode creation mask, or -1 for the default
   * @param capabilities as bit masks
   * @param oomScoreAdj from -1000 to 1000
   */
  public record Process(
      boolean terminal,
      int consoleHeight,
      int consoleWidth,
      User user,
      int umask,
      List<String> args,
      List<String> env,
      String cwd,
      Capabilities capabilities,
      List<Rlimit> rlimits,
      boolean noNewPrivileges,
      int oomScoreAdj) {}

  /** User and groups; ids are unsigned 32-bit numbers. */
  public record User(int uid, int gid, int[] additionalGids) {}

  /** Capability sets; bit n is capability n of {@code man 7 capabilities}. */
  public record Capabilities(long bounding, long effective, long inheritable, long permitted, long ambient) {}

  /** A resource limit: the number of {@code man 2 getrlimit}, and unsigned values where all ones is no limit. */
  public record Rlimit(int resource, long soft, long hard) {}

  /** The root file system: a host directory. */
  public record Root(String path, boolean readonly) {}

  /** A mount; for a bind mount {@code source} is an absolute host path. */
  public record Mount(String destination, String type, String source, List<String> options) {
    /** Whether it shows a host file or directory. */
    public boolean isBind() {
      return type.equals("bind") || options.contains("bind") || options.contains("rbind");
    }
  }

  /** One program that a hook runs. */
  public record Hook(String path, List<String> args, List<String> env, int timeoutSeconds) {}

  /** Hooks by point of the life cycle. */
  public record Hooks(
      List<Hook> prestart,
      List<Hook> createRuntime,
      List<Hook> createContainer,
      List<Hook> startContainer,
      List<Hook> poststart,
      List<Hook> poststop) {}

  /** A namespace of the host to join or, with an empty path, to make. */
  public record Namespace(String type, String path) {}

  /**
   * The Linux part.
   *
   * @param cgroupsPath the container's cgroup on the host, or ""
   * @param memoryLimitBytes most memory the container may use, or -1
   * @param pidsLimit most tasks the container may have, or -1
   */
  public record Linux(
      List<Namespace> namespaces,
      String cgroupsPath,
      long memoryLimitBytes,
      long pidsLimit,
      Map<String, String> sysctl,
      List<String> maskedPaths,
      List<String> readonlyPaths) {}
}
