package gvisor.runsc.cmd;

import com.fasterxml.jackson.databind.node.ArrayNode;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.ContainerState;
import gvisor.runsc.container.Containers;
import gvisor.runsc.json.Json;
import java.util.List;

/** {@code list}: the containers below {@code --root}. */
final class ListContainers extends Command {
  private String format = "table";
  private boolean quiet;

  ListContainers() {
    super("list", "Lists containers.");
    text(v -> format = v, "FORMAT", "table or json", "--format", "-f", "-format");
    flag(v -> quiet = v, "ids only", "--quiet", "-q", "-quiet");
  }

  @Override
  int run(Config config) throws CommandFailure {
    List<ContainerState> states = new Containers(config).store().list();
    if (quiet) {
      states.forEach(state -> System.out.println(state.id()));
      return 0;
    }
    switch (format) {
      case "json" -> {
        ArrayNode array = Json.array();
        states.forEach(state -> array.add(state.toOci()));
        byte[] text = Json.write(array);
        System.out.write(text, 0, text.length);
        System.out.println();
      }
      case "table" -> printTable(states);
      default -> throw new CommandFailure("--format=" + format + " is none of: table, json");
    }
    return 0;
  }

  private static void printTable(List<ContainerState> states) {
    int width = "ID".length();
    for (ContainerState state : states) {
      width = Math.max(width, state.id().length());
    }
    String line = "%-" + (width + 2) + "s %-8s %-9s %-32s %-32s %s%n";
    System.out.printf(line, "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER");
    for (ContainerState state : states) {
      String status = state.status();
      long pid = status.equals("stopped") ? 0 : state.init().pid();
      System.out.printf(line, state.id(), pid, status, state.bundle(), state.created(), "root");
    }
  }
}
