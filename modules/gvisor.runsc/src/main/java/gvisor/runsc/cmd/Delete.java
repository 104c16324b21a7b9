package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import java.util.List;

/** {@code delete}: forgets containers that have stopped. */
final class Delete extends Command {
  private boolean force;
  private List<String> ids;

  Delete() {
    super("delete", "Removes what is kept of a container.");
    flag(v -> force = v, "in any state; ends what still runs", "--force", "-f", "-force");
    positionals(v -> ids = v, "0..*", "1..*", "ID", "");
  }

  @Override
  int run(Config config) throws CommandFailure {
    Containers containers = new Containers(config);
    for (String id : ids) {
      containers.delete(id, force);
    }
    return 0;
  }
}
