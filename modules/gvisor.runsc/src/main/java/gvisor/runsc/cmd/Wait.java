package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.container.ControlClient;
import gvisor.runsc.json.Json;

/** {@code wait}: prints the exit status of a container or one of its processes when it has ended. */
final class Wait extends Command {
  private int pid;
  private String id;

  Wait() {
    super("wait", "Waits for the end of a container and prints its exit status.");
    number(v -> pid = v, "PID", "a process by its number in the container; the first one if absent", "--pid", "-pid");
    positional(v -> id = v, "0", "1", "ID", "");
  }

  @Override
  int run(Config config) throws CommandFailure {
    Containers containers = new Containers(config);
    int code;
    try (ControlClient client = containers.connect(id)) {
      code = Containers.exitCode(client.call(client.request("wait").put("pid", pid)));
    } catch (CommandFailure e) {
      Integer recorded = pid <= 0 ? containers.recordedExitCode(id) : null;
      if (recorded == null) {
        throw e;
      }
      code = recorded;
    }
    byte[] text = Json.writeIndented(Json.object().put("id", id).put("exitStatus", code));
    System.out.write(text, 0, text.length);
    return 0;
  }
}
