package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;

/** {@code start}: lets the first process of a created container run. */
final class Start extends Command {
  private String id;

  Start() {
    super("start", "Starts a created container.");
    positional(v -> id = v, "0", "1", "ID", "");
  }

  @Override
  int run(Config config) throws CommandFailure {
    new Containers(config).start(id);
    return 0;
  }
}
