package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code delete}: forgets containers that have stopped. */
@CommandLine.Command(name = "delete", description = "Removes what is kept of a container.")
final class Delete extends Command {
  @Option(names = {"--force", "-f", "-force"}, description = "in any state; ends what still runs")
  boolean force;

  @Parameters(arity = "1..*", paramLabel = "ID")
  List<String> ids;

  @Override
  int run(Config config) throws CommandFailure {
    Containers containers = new Containers(config);
    for (String id : ids) {
      containers.delete(id, force);
    }
    return 0;
  }
}
