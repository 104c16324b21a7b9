package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code start}: lets the first process of a created container run. */
@CommandLine.Command(name = "start", description = "Starts a created container.")
final class Start extends Command {
  @Parameters(paramLabel = "ID")
  String id;

  @Override
  int run(Config config) throws CommandFailure {
    new Containers(config).start(id);
    return 0;
  }
}
