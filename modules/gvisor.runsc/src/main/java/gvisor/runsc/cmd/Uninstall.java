package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.config.DockerDaemon;
import java.nio.file.Path;

/** {@code uninstall}: what {@code install} did is undone. */
final class Uninstall extends Command {
  private String configFile = Install.CONFIG_FILE;
  private String runtime = "runsc";

  Uninstall() {
    super("uninstall", "Takes this program out of Docker's runtimes.");
    text(v -> configFile = v, "FILE", "Docker's settings (default: " + Install.CONFIG_FILE + ")", "--config_file",
        "-config_file", "--config-file");
    text(v -> runtime = v, "NAME", "what Docker calls it (default: runsc)", "--runtime", "-runtime");
  }

  @Override
  int run(Config config) throws CommandFailure {
    DockerDaemon daemon = DockerDaemon.read(Path.of(configFile));
    if (daemon.removeRuntime(runtime) && daemon.save()) {
      System.out.println(configFile + ": runtime " + runtime
          + " is removed; have Docker read it: systemctl reload docker");
    } else {
      System.out.println(configFile + ": there is no runtime " + runtime);
    }
    return 0;
  }
}
