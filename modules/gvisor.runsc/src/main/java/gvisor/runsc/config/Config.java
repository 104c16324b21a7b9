package gvisor.runsc.config;

import gvisor.runsc.CommandFailure;
import java.nio.file.Path;
import java.util.List;

/**
 * Global settings.
 *
 * @param root directory that holds the state of all containers
 * @param platform name of the platform provider; "" for the best that works on this machine
 * @param network kind of network inside the sandbox
 * @param netRaw whether applications may have raw sockets of the host's network
 * @param debug whether debug messages are logged
 * @param debugLog file for the sandbox's log, or a directory if it ends in a slash; "" for none
 * @param log file for errors of the command line; "" for none
 * @param logFormat how {@code log} is written
 * @param strace whether system calls of applications are logged
 * @param overlay what the writable overlay covers
 * @param ignoreCgroups whether host cgroups are left alone
 * @param ociSeccomp whether a bundle's seccomp profile is applied
 * @param systemdCgroup whether {@code linux.cgroupsPath} is in systemd's notation, {@code slice:prefix:name}
 * @param hostUds which AF_UNIX sockets of the host applications reach through files of theirs
 * @param hostFifo which fifos of the host they reach
 */
public record Config(
    Path root,
    String platform,
    Network network,
    boolean netRaw,
    boolean debug,
    String debugLog,
    String log,
    LogFormat logFormat,
    boolean strace,
    Overlay overlay,
    boolean ignoreCgroups,
    boolean ociSeccomp,
    boolean systemdCgroup,
    HostUds hostUds,
    HostFifo hostFifo) {

  /** The same settings with another overlay. */
  public Config withOverlay(Overlay other) {
    return new Config(
        root, platform, network, netRaw, debug, debugLog, log, logFormat, strace, other, ignoreCgroups, ociSeccomp,
        systemdCgroup, hostUds, hostFifo);
  }

  /** Network inside the sandbox. */
  public enum Network {
    /** Loopback only. */
    NONE,
    /** The host's, or that of the namespace the bundle names: sockets of the host stand for applications' own. */
    HOST,
    /** What the container's network namespace has; until there is a stack for it, loopback and a warning. */
    SANDBOX;

    /** Parses the flag's value. */
    public static Network parse(String text) throws CommandFailure {
      return switch (text) {
        case "none" -> NONE;
        case "sandbox" -> SANDBOX;
        case "host" -> HOST;
        case "plugin" ->
            throw new CommandFailure(
                "--network=" + text + " is not available in this version; use --network=sandbox, host or none");
        default -> throw new CommandFailure("--network=" + text + " is none of: sandbox, host, none");
      };
    }
  }

  /** AF_UNIX sockets of the host that applications reach, through bind mounts and the root file system. */
  public enum HostUds {
    NONE,
    /** They connect to those that processes of the host have bound. */
    OPEN,
    /** What they bind is one of the host, which its processes can connect to. */
    CREATE,
    ALL;

    /** Parses the flag's value. */
    public static HostUds parse(String text) throws CommandFailure {
      return switch (text) {
        case "none" -> NONE;
        case "open" -> OPEN;
        case "create" -> CREATE;
        case "all" -> ALL;
        default -> throw new CommandFailure("--host-uds=" + text + " is none of: none, open, create, all");
      };
    }

    public boolean connects() {
      return this == OPEN || this == ALL;
    }

    public boolean binds() {
      return this == CREATE || this == ALL;
    }
  }

  /** Fifos of the host that applications reach, as {@link HostUds}. */
  public enum HostFifo {
    /** A fifo is one of the sandbox' own, whoever made its name. */
    NONE,
    /** A process of the host may have the other end. */
    OPEN;

    /** Parses the flag's value. */
    public static HostFifo parse(String text) throws CommandFailure {
      return switch (text) {
        case "none" -> NONE;
        case "open" -> OPEN;
        default -> throw new CommandFailure("--host-fifo=" + text + " is none of: none, open");
      };
    }
  }

  /** Format of the log that higher layers read. */
  public enum LogFormat {
    TEXT,
    JSON;

    /** Parses the flag's value. */
    public static LogFormat parse(String text) throws CommandFailure {
      return switch (text) {
        case "text" -> TEXT;
        case "json", "json-k8s" -> JSON;
        default -> throw new CommandFailure("--log-format=" + text + " is none of: text, json");
      };
    }
  }

  /** Which mounts get a writable layer that is dropped at the end. */
  public enum Overlay {
    /** Changes go to the host's files. */
    NONE,
    /** The root file system's changes stay in the sandbox. */
    ROOT,
    /** Changes to any host file stay in the sandbox. */
    ALL;

    private static final List<String> MEDIA = List.of("memory", "self");

    /** Parses {@code none} or {@code MOUNT:MEDIUM[,size=...]}. */
    public static Overlay parse(String text) throws CommandFailure {
      if (text.equals("none") || text.isEmpty()) {
        return NONE;
      }
      String[] parts = text.split(":", 2);
      String medium = parts.length == 2 ? parts[1].split(",", 2)[0] : "";
      if (!MEDIA.contains(medium)) {
        throw new CommandFailure("--overlay2=" + text + " is neither none nor {root|all}:{memory|self}");
      }
      return switch (parts[0]) {
        case "root" -> ROOT;
        case "all" -> ALL;
        default -> throw new CommandFailure("--overlay2=" + text + " is neither none nor {root|all}:{memory|self}");
      };
    }
  }
}
