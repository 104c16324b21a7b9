package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code pause}: stops every process of a container where it is. */
@CommandLine.Command(name = "pause", description = "Stops every process of a container where it is.")
final class Pause extends Command {
  @Parameters(paramLabel = "ID")
  String id;

  @Override
  int run(Config config) throws CommandFailure {
    new Containers(config).setPaused(id, true);
    return 0;
  }
}
