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
   * @param apparmorProfile name of an AppArmor profile, or ""
   * @param selinuxLabel SELinux context, or ""
   * @param scheduling as the process sees it
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
      int oomScoreAdj,
      String apparmorProfile,
      String selinuxLabel,
      Scheduling scheduling) {}

  /**
   * How a process is scheduled.
   *
   * @param policy number of {@code man 7 sched}
   * @param nice -20 to 19
   * @param priority 1 to 99 with a real-time policy, or 0
   * @param ioClass number of {@code man 2 ioprio_set}, 0 for none
   * @param ioPriority 0 to 7
   */
  public record Scheduling(int policy, int nice, int priority, int ioClass, int ioPriority) {}

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

  /** {@code size} users or groups from {@code containerId} on, who are those from {@code hostId} on, outside. */
  public record IdMapping(long containerId, long hostId, long size) {}

  /**
   * The Linux part.
   *
   * @param uidMappings users of the container's user namespace, none without one
   * @param gidMappings groups likewise
   * @param cgroupsPath the container's cgroup on the host, or ""
   * @param resources what it may take of the host
   * @param devices nodes to be made, and what may be done with devices
   * @param seccomp what its processes may call, or null for anything
   * @param mountLabel SELinux context of its mounts, or ""
   */
  public record Linux(
      List<Namespace> namespaces,
      List<IdMapping> uidMappings,
      List<IdMapping> gidMappings,
      String cgroupsPath,
      Resources resources,
      Devices devices,
      Map<String, String> sysctl,
      List<String> maskedPaths,
      List<String> readonlyPaths,
      Seccomp seccomp,
      String mountLabel) {}

  /** What happens to a system call. */
  public enum SeccompAction {
    KILL,
    KILL_PROCESS,
    KILL_THREAD,
    TRAP,
    ERRNO,
    TRACE,
    ALLOW,
    LOG,
    NOTIFY;

    /** As the specification writes it. */
    public String text() {
      return "SCMP_ACT_" + name();
    }
  }

  /**
   * A seccomp profile.
   *
   * @param defaultAction for calls that no rule matches
   * @param defaultErrno errno that goes with it; EPERM if the profile names none
   * @param namesDefaultErrno whether the profile named it
   * @param listenerPath socket of an agent that is asked about calls, or ""
   */
  public record Seccomp(
      SeccompAction defaultAction,
      int defaultErrno,
      boolean namesDefaultErrno,
      List<String> architectures,
      List<String> flags,
      String listenerPath,
      List<SeccompRule> syscalls) {
    /** Architectures that a profile may name. */
    public static final List<String> ARCHITECTURES =
        List.of(
            "SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64",
            "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64",
            "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390",
            "SCMP_ARCH_S390X", "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64", "SCMP_ARCH_LOONGARCH64",
            "SCMP_ARCH_M68K", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB");

    /** Flags that a profile may name. */
    public static final List<String> FLAGS =
        List.of(
            "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
            "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
  }

  /** What happens to some calls if their arguments are as {@code args} says, all of it. */
  public record SeccompRule(List<String> names, SeccompAction action, int errno, List<SeccompArg> args) {}

  /** A comparison of one argument; values are unsigned. {@code value} is the mask of SCMP_CMP_MASKED_EQ. */
  public record SeccompArg(int index, long value, long valueTwo, String op) {
    /** Comparisons, in the order of the kernel's {@code SeccompProfile.Comparison}. */
    public static final List<String> OPERATORS =
        List.of(
            "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT",
            "SCMP_CMP_MASKED_EQ");
  }
}
