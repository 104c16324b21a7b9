package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;

/** {@code pause}: stops every process of a container where it is. */
final class Pause extends Command {
  private String id;

  Pause() {
    super("pause", "Stops every process of a container where it is.");
    positional(v -> id = v, "0", "1", "ID", "");
  }

  @Override
  int run(Config config) throws CommandFailure {
    new Containers(config).setPaused(id, true);
    return 0;
  }
}
