package gvisor.runsc.cmd;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.container.ControlClient;
import gvisor.runsc.json.Json;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;

/** {@code ps}: the processes of a container. */
final class Ps extends Command {
  private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm").withZone(ZoneId.systemDefault());

  private String format = "table";
  private String id;

  Ps() {
    super("ps", "Lists the processes of a container.");
    text(v -> format = v, "FORMAT", "table or json", "--format", "-f", "-format");
    positional(v -> id = v, "0", "1", "ID", "");
    // Docker passes options for the host's ps; the sandbox's processes are not the host's.
    positionals(v -> {}, "1..*", "0..*", "", "");
  }

  @Override
  int run(Config config) throws CommandFailure {
    if (!format.equals("table") && !format.equals("json")) {
      throw new CommandFailure("--format=" + format + " is none of: table, json");
    }
    Containers containers = new Containers(config);
    JsonNode answer;
    try (ControlClient client = containers.connect(id)) {
      answer = client.call(client.request("ps"));
    }
    JsonNode processes = answer.path("processes");
    if (format.equals("json")) {
      // Engines take these for numbers of the host, and look them up there: those of its processes it knows.
      ArrayNode pids = Json.array();
      pids.add(containers.store().load(id).init().pid());
      answer.path("holders").forEach(pids::add);
      byte[] text = Json.write(pids);
      System.out.write(text, 0, text.length);
      System.out.println();
      return 0;
    }
    System.out.printf(Locale.ROOT, "%-10s %-10s %-10s %-8s %-10s %s%n", "UID", "PID", "PPID", "STIME", "TIME", "CMD");
    for (JsonNode process : processes) {
      Instant start = Instant.ofEpochSecond(process.path("startRealtimeNanos").asLong() / 1_000_000_000);
      long cpuMillis = process.path("cpuNanos").asLong() / 1_000_000;
      System.out.printf(
          Locale.ROOT,
          "%-10d %-10d %-10d %-8s %-10s %s%n",
          process.path("uid").asLong(),
          process.path("pid").asInt(),
          process.path("ppid").asInt(),
          CLOCK.format(start),
          cpuMillis < 1000 ? cpuMillis + "ms" : cpuMillis / 1000 + "s",
          process.path("command").asText());
    }
    return 0;
  }
}
