package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.json.Json;

/** {@code state}: prints the state JSON of the OCI specification. */
final class State extends Command {
  private String id;

  State() {
    super("state", "Prints the state of a container as JSON.");
    positional(v -> id = v, "0", "1", "ID", "");
  }

  @Override
  int run(Config config) throws CommandFailure {
    byte[] text = Json.writeIndented(new Containers(config).store().load(id).toOci());
    System.out.write(text, 0, text.length);
    return 0;
  }
}
