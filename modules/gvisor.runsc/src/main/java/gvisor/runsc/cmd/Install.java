package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.config.DockerDaemon;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;

/** {@code install}: makes this program a runtime of Docker's. */
final class Install extends Command {
  static final String CONFIG_FILE = "/etc/docker/daemon.json";

  private String configFile = CONFIG_FILE;
  private String runtime = "runsc";
  private List<String> flags = List.of();

  Install() {
    super("install", "Makes this program a runtime of Docker's.");
    text(v -> configFile = v, "FILE", "Docker's settings (default: " + CONFIG_FILE + ")", "--config_file",
        "-config_file", "--config-file");
    text(v -> runtime = v, "NAME", "what Docker calls it (default: runsc)", "--runtime", "-runtime");
    positionals(v -> flags = v, "0..*", "0..*", "FLAG", "flags that Docker shall give it, after --");
    examples(
        "runsc install", "docker run --runtime=runsc ... then works, once Docker has read its settings anew",
        "runsc install --runtime runsc-kvm -- --platform=kvm --debug-log=/var/log/runsc/", "one with flags of its own");
  }

  @Override
  int run(Config config) throws CommandFailure {
    if (!runtime.matches("[A-Za-z0-9][A-Za-z0-9_.-]*")) {
      throw new CommandFailure("--runtime=" + runtime + " is no name of a runtime");
    }
    checkFlags();
    Path program = Path.of(System.getProperty("java.home"), "bin", "runsc");
    if (!Files.isExecutable(program)) {
      throw new CommandFailure(program + " is not there: only a linked image can be installed");
    }
    DockerDaemon daemon = DockerDaemon.read(Path.of(configFile));
    daemon.addRuntime(runtime, program, flags);
    if (daemon.save()) {
      System.out.println(configFile + ": runtime " + runtime + " is " + program + String.join(" ", withSpace(flags))
          + "; have Docker read it: systemctl reload docker");
    } else {
      System.out.println(configFile + ": nothing to change");
    }
    return 0;
  }

  private static List<String> withSpace(List<String> flags) {
    return flags.stream().map(flag -> " " + flag).toList();
  }

  /** A flag that is wrong here would be wrong in every container's start. */
  private void checkFlags() throws CommandFailure {
    GlobalOptions global = new GlobalOptions();
    CommandLine line = new CommandLine(global.spec());
    line.setOverwrittenOptionsAllowed(true);
    try {
      line.parseArgs(flags.toArray(String[]::new));
    } catch (CommandLine.ParameterException e) {
      throw new CommandFailure("flags after --: " + e.getMessage().lines().findFirst().orElse(""));
    }
    global.config("none");
  }
}
