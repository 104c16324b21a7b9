package gvisor.runsc.spec;

import java.util.List;

/** Capability names of {@code man 7 capabilities}, in number order. */
public final class CapabilityNames {
  /** Names without CAP_; the index is the capability's number. */
  public static final List<String> ALL =
      List.of(
          "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
          "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
          "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
          "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
          "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
          "CHECKPOINT_RESTORE");

  /** The mask of every capability. */
  public static final long FULL_MASK = (1L << ALL.size()) - 1;

  private CapabilityNames() {}

  /** The number of {@code name}, with or without CAP_, in any case; -1 if there is none. */
  public static int number(String name) {
    String upper = name.toUpperCase(java.util.Locale.ROOT);
    return ALL.indexOf(upper.startsWith("CAP_") ? upper.substring(4) : upper);
  }
}
