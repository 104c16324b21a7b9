package gvisor.runsc.cmd;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.container.ControlClient;
import gvisor.runsc.json.Json;
import java.nio.charset.StandardCharsets;

/** {@code events}: what a container uses, as JSON lines in the shape of runc's. */
final class Events extends Command {
  /** How long a kill may stay unnoticed. */
  private static final long OOM_MILLIS = 250;

  private boolean stats;
  private String interval = "5s";
  private String id;

  Events() {
    super("events", "Prints what a container uses, as JSON.");
    flag(v -> stats = v, "print once and end", "--stats", "-stats");
    text(v -> interval = v, "TIME", "between two lines, such as 5s", "--interval", "-interval");
    positional(v -> id = v, "0", "1", "ID", "");
    examples("runsc events --stats box", "what it uses now", "runsc events --interval 1s box", "every second");
  }

  @Override
  int run(Config config) throws CommandFailure {
    if (!interval.matches("[1-9]\\d{0,8}(ms|s|m)")) {
      throw new CommandFailure("--interval=" + interval + " is no time such as 500ms, 5s or 1m");
    }
    Containers containers = new Containers(config);
    try (ControlClient client = containers.connect(id)) {
      JsonNode used = client.call(client.request("stats"));
      print(used);
      return stats ? 0 : follow(containers, client, kills(used));
    }
  }

  /** Prints from time to time what is used, and soon after it happens that a process was killed for its memory. */
  private int follow(Containers containers, ControlClient client, long knownKills) throws CommandFailure {
    long known = knownKills;
    long interval = intervalMillis();
    long untilPrinted = interval;
    while (true) {
      long pause = Math.min(untilPrinted, OOM_MILLIS);
      JsonNode used;
      try {
        Thread.sleep(pause);
        used = client.call(client.request("stats"));
      } catch (InterruptedException e) {
        return 0;
      } catch (CommandFailure e) {
        if (containers.store().load(id).status().equals("stopped")) {
          return 0;
        }
        throw e;
      }
      if (kills(used) > known) {
        known = kills(used);
        print(Json.object().put("type", "oom").put("id", id));
      }
      untilPrinted -= pause;
      if (untilPrinted <= 0) {
        untilPrinted = interval;
        print(used);
      }
    }
  }

  private static long kills(JsonNode used) {
    return used.path("memory").path("oomKills").asLong();
  }

  private long intervalMillis() {
    long number = Long.parseLong(interval.replaceAll("\\D", ""));
    return interval.endsWith("ms") ? number : interval.endsWith("s") ? number * 1000 : number * 60_000;
  }

  private void print(JsonNode used) {
    ObjectNode event = Json.object().put("type", "stats").put("id", id);
    ObjectNode data = event.putObject("data");
    JsonNode cpu = used.path("cpu");
    ObjectNode time = data.putObject("cpu").putObject("usage");
    time.put("total", cpu.path("usageNanos").asLong());
    time.put("kernel", cpu.path("systemNanos").asLong()).put("user", cpu.path("userNanos").asLong());
    JsonNode memory = used.path("memory");
    ObjectNode bytes = data.putObject("memory").putObject("usage");
    bytes.put("usage", memory.path("currentBytes").asLong()).put("failcnt", memory.path("oomKills").asLong());
    putLimit(bytes, memory.path("limitBytes").asLong());
    ObjectNode pids = data.putObject("pids").put("current", used.path("pids").path("current").asLong());
    putLimit(pids, used.path("pids").path("limit").asLong());
    print(event);
  }

  private static void print(ObjectNode event) {
    System.out.println(new String(Json.write(event), StandardCharsets.UTF_8));
    System.out.flush();
  }

  private static void putLimit(ObjectNode usage, long limit) {
    if (limit > 0) {
      usage.put("limit", limit);
    }
  }
}
