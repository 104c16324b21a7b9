package gvisor.runsc.cmd;

import gvisor.host.Confinement;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.Version;
import gvisor.runsc.config.Config;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Options before the subcommand. */
final class GlobalOptions implements Callable<Integer> {
  private String root = "";
  private String platform = "";
  private String network = "sandbox";
  private boolean netRaw;
  private String log = "";
  private String logFormat = "text";
  private boolean debug;
  private String debugLog = "";
  private boolean strace;
  private String overlay = "";
  private boolean ignoreCgroups;
  private boolean rootless;
  private String hostUds = "none";
  private String hostFifo = "none";
  private boolean ociSeccomp = true;
  private boolean systemdCgroup;

  /** The declaration, for picocli. */
  CommandSpec spec() {
    CommandSpec spec = CommandSpec.wrapWithoutInspection(this).name("runsc").version(Version.text());
    spec.usageMessage()
        .description("Runs containers on an application kernel of their own.")
        .synopsisSubcommandLabel("COMMAND")
        .sortOptions(false);
    text(spec, v -> root = v, "DIR", "directory for the state of containers", "root");
    text(spec, v -> platform = v, "NAME", "how application code is run: ptrace or kvm (default: the best that works here)", "platform");
    text(spec, v -> network = v, "KIND", "network inside the sandbox: sandbox (the default) or none, which have loopback only as yet, or host, the host's sockets", "network");
    flag(spec, v -> netRaw = v, "with --network=host: raw sockets, for ping and the like", "net-raw");
    text(spec, v -> log = v, "FILE", "file for error messages", "log");
    text(spec, v -> logFormat = v, "FORMAT", "format of that file: text or json", "log-format");
    flag(spec, v -> debug = v, "log what the sandbox does", "debug");
    text(spec, v -> debugLog = v, "FILE", "the sandbox's log: a file, or a directory and a slash (default: standard error of run and do)", "debug-log");
    flag(spec, v -> strace = v, "log the system calls of applications", "strace");
    text(
        spec,
        v -> overlay = v,
        "WHAT",
        "writable layer dropped at the end: none, or {root|all}:{memory|self} (default: none for create, or root:self)",
        "overlay2");
    flag(spec, v -> ociSeccomp = v, "apply the bundle's seccomp profile to its processes (default: true)", "oci-seccomp");
    flag(spec, v -> ignoreCgroups = v, "leave the host's cgroups alone", "ignore-cgroups");
    // Engines tell with a value, or without one; who is not root is found out all the same.
    spec.addOption(
        Options.optionalText(
            v -> rootless = v.isEmpty() || v.equals("true"), "BOOL", "the caller is not root (found out without this)",
            "--rootless", "-rootless"));
    text(
        spec,
        v -> hostUds = v,
        "WHAT",
        "Unix sockets of the host: none (the default); open: applications connect to those in their files; create: what"
            + " they bind there is one; or all",
        "host-uds");
    text(
        spec,
        v -> hostFifo = v,
        "WHAT",
        "fifos of the host: none (the default), or open: those in their files lead to processes of the host",
        "host-fifo");
    flag(spec, v -> systemdCgroup = v, "cgroup paths are in systemd's notation, slice:prefix:name", "systemd-cgroup");
    text(spec, v -> {}, "", "", "criu"); // Engines tell where criu would be.
    OptionSpec.Builder version = OptionSpec.builder("--version", "-v").arity("0").versionHelp(true);
    spec.addOption(version.description("print the version").build());
    OptionSpec.Builder help = OptionSpec.builder("--help", "-h").arity("0").usageHelp(true);
    spec.addOption(help.description("print this text").build());
    return spec;
  }

  private static void text(CommandSpec spec, Consumer<String> target, String label, String description, String name) {
    // One dash does as well as two, as it does in gVisor.
    spec.addOption(Options.text(target, label, description, "--" + name, "-" + name));
  }

  private static void flag(CommandSpec spec, Consumer<Boolean> target, String description, String name) {
    spec.addOption(Options.flag(target, description, "--" + name, "-" + name));
  }

  /** Options alone do nothing. */
  @Override
  public Integer call() throws CommandFailure {
    throw new CommandFailure("name a command; try runsc help");
  }

  /** Whether internal errors are shown in full. */
  boolean debug() {
    return debug;
  }

  /** The file of --log, or "". */
  String log() {
    return log;
  }

  /** The format of --log, unchecked. */
  String logFormat() {
    return logFormat;
  }

  /**
   * The checked settings.
   *
   * @param defaultOverlay the value of --overlay2 where none is given
   */
  Config config(String defaultOverlay) throws CommandFailure {
    return new Config(
        root.isEmpty() ? defaultRoot() : Path.of(root).toAbsolutePath(),
        platform,
        Config.Network.parse(network),
        netRaw,
        debug,
        debugLog,
        log,
        Config.LogFormat.parse(logFormat),
        strace,
        Config.Overlay.parse(overlay.isEmpty() ? defaultOverlay : overlay),
        ignoreCgroups || rootless || !Confinement.isAdministrator(),
        ociSeccomp,
        systemdCgroup,
        Config.HostUds.parse(hostUds),
        Config.HostFifo.parse(hostFifo));
  }

  /** Like runc: the user's own directory for who is not root, even where root has such a variable from a login. */
  private static Path defaultRoot() throws CommandFailure {
    if (Confinement.isRoot()) {
      return Path.of("/run/runsc");
    }
    String runtimeDirectory = System.getenv("XDG_RUNTIME_DIR");
    if (runtimeDirectory != null && runtimeDirectory.startsWith("/")) {
      return Path.of(runtimeDirectory, "runsc");
    }
    try {
      return OwnDirectory.in("/tmp");
    } catch (IOException e) {
      throw new CommandFailure(e.getMessage() + "; name another with --root");
    }
  }
}
