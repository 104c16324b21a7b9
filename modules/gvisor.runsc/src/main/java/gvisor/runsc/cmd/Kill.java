package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.container.SignalNames;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kill}: sends a signal to a container's first process, or to all of it. */
@CommandLine.Command(name = "kill", description = "Sends a signal to a container.")
final class Kill extends Command {
  @Option(names = {"--all", "-a", "-all"}, description = "to every process of the container")
  boolean all;

  @Parameters(index = "0", paramLabel = "ID")
  String id;

  @Parameters(index = "1", arity = "0..1", paramLabel = "SIGNAL", description = "a name or number; SIGTERM if absent")
  String signal = "SIGTERM";

  @Override
  int run(Config config) throws CommandFailure {
    new Containers(config).signal(id, SignalNames.parse(signal), all);
    return 0;
  }
}
