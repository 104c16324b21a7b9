package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.container.SignalNames;

/** {@code kill}: sends a signal to a container's first process, or to all of it. */
final class Kill extends Command {
  private boolean all;
  private String id;
  private String signal = "SIGTERM";

  Kill() {
    super("kill", "Sends a signal to a container.");
    flag(v -> all = v, "to every process of the container", "--all", "-a", "-all");
    positional(v -> id = v, "0", "1", "ID", "");
    positional(v -> signal = v, "1", "0..1", "SIGNAL", "a name or number; SIGTERM if absent, 0 to see whether it runs");
    examples("runsc kill box", "asks it to end", "runsc kill --all box KILL", "ends every process of it");
  }

  @Override
  int run(Config config) throws CommandFailure {
    new Containers(config).signal(id, SignalNames.parse(signal), all);
    return 0;
  }
}
