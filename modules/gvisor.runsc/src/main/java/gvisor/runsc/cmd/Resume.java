package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;

/** {@code resume}: lets a paused container go on. */
final class Resume extends Command {
  private String id;

  Resume() {
    super("resume", "Lets a paused container go on.");
    positional(v -> id = v, "0", "1", "ID", "");
  }

  @Override
  int run(Config config) throws CommandFailure {
    new Containers(config).setPaused(id, false);
    return 0;
  }
}
