package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.json.Json;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code state}: prints the state JSON of the OCI specification. */
@CommandLine.Command(name = "state", description = "Prints the state of a container as JSON.")
final class State extends Command {
  @Parameters(paramLabel = "ID")
  String id;

  @Override
  int run(Config config) throws CommandFailure {
    byte[] text = Json.writeIndented(new Containers(config).store().load(id).toOci());
    System.out.write(text, 0, text.length);
    return 0;
  }
}
