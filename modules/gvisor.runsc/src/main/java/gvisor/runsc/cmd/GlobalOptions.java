package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Options before the subcommand. */
@CommandLine.Command(
    name = "runsc",
    description = "Runs containers on an application kernel of their own.",
    synopsisSubcommandLabel = "COMMAND",
    sortOptions = false)
final class GlobalOptions {
  @Option(names = {"--root", "-root"}, paramLabel = "DIR", description = "directory for the state of containers")
  String root = "";

  @Option(
      names = {"--platform", "-platform"},
      paramLabel = "NAME",
      description = "how application code is run: ptrace or kvm (default: ${DEFAULT-VALUE})")
  String platform = "ptrace";

  @Option(
      names = {"--network", "-network"},
      paramLabel = "KIND",
      description = "network inside the sandbox: none (loopback only)")
  String network = "none";

  @Option(names = {"--log", "-log"}, paramLabel = "FILE", description = "file for error messages")
  String log = "";

  @Option(names = {"--log-format", "-log-format"}, paramLabel = "FORMAT", description = "text or json")
  String logFormat = "text";

  @Option(
      names = {"--debug", "-debug"},
      arity = "0..1",
      fallbackValue = "true",
      description = "log what the sandbox does")
  boolean debug;

  @Option(
      names = {"--debug-log", "-debug-log"},
      paramLabel = "FILE",
      description = "the sandbox's log: a file, or a directory with a slash at its end")
  String debugLog = "";

  @Option(
      names = {"--strace", "-strace"},
      arity = "0..1",
      fallbackValue = "true",
      description = "log the system calls of applications")
  boolean strace;

  @Option(
      names = {"--overlay2", "-overlay2"},
      paramLabel = "WHAT",
      description = "writable layer dropped at the end: none, or {root|all}:{memory|self} (default: ${DEFAULT-VALUE})")
  String overlay = "root:self";

  @Option(
      names = {"--ignore-cgroups", "-ignore-cgroups"},
      arity = "0..1",
      fallbackValue = "true",
      description = "leave the host's cgroups alone")
  boolean ignoreCgroups;

  @Option(
      names = {"--rootless", "-rootless"},
      arity = "0..1",
      fallbackValue = "true",
      description = "the caller is not root")
  boolean rootless;

  @Option(
      names = {"--systemd-cgroup", "-systemd-cgroup"},
      arity = "0..1",
      fallbackValue = "true",
      description = "cgroup paths are in systemd's notation")
  boolean systemdCgroup;

  @Option(names = {"--version", "-v"}, versionHelp = true, description = "print the version")
  boolean version;

  @Option(names = {"--help", "-h"}, usageHelp = true, description = "print this text")
  boolean help;

  /** The checked settings. */
  Config config() throws CommandFailure {
    return new Config(
        root.isEmpty() ? defaultRoot() : Path.of(root).toAbsolutePath(),
        platform,
        Config.Network.parse(network),
        debug,
        debugLog,
        log,
        Config.LogFormat.parse(logFormat),
        strace,
        Config.Overlay.parse(overlay),
        ignoreCgroups || rootless);
  }

  private static Path defaultRoot() {
    String runtimeDirectory = System.getenv("XDG_RUNTIME_DIR");
    return runtimeDirectory != null && runtimeDirectory.startsWith("/")
        ? Path.of(runtimeDirectory, "runsc")
        : Path.of("/var/run/runsc");
  }
}
