package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code resume}: lets a paused container go on. */
@CommandLine.Command(name = "resume", description = "Lets a paused container go on.")
final class Resume extends Command {
  @Parameters(paramLabel = "ID")
  String id;

  @Override
  int run(Config config) throws CommandFailure {
    new Containers(config).setPaused(id, false);
    return 0;
  }
}
