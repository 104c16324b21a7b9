package gvisor.runsc.cmd;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.json.FieldReader;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import gvisor.runsc.spec.Resources;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code update}: changes what a running container may use. */
final class Update extends Command {
  private static final int MAX_BYTES = 1 << 20;

  private final ObjectNode resources = Json.object();
  private String file = "";
  private String cacheSchema = "";
  private String id;

  Update() {
    super("update", "Changes what a container may use.");
    text(v -> file = v, "FILE", "a \"resources\" object of the OCI specification; - for standard input",
        "--resources", "-r", "-resources");
    limit("memory", "limit", "BYTES", "memory", "--memory");
    limit("memory", "reservation", "BYTES", "memory that is kept for it", "--memory-reservation");
    limit("memory", "swap", "BYTES", "memory and swap together", "--memory-swap");
    limit("cpu", "shares", "N", "weight beside other containers", "--cpu-share", "--cpu-shares");
    limit("cpu", "quota", "MICROSECONDS", "time of processors in a period", "--cpu-quota");
    limit("cpu", "period", "MICROSECONDS", "the period", "--cpu-period");
    limit("cpu", "burst", "MICROSECONDS", "time that may be saved up beyond the quota", "--cpu-burst");
    number("cpu", "idle", "0|1", "1 to run only when nobody else wants to", "--cpu-idle");
    // Refused with a reason when they are given: engines and scripts know them from runc.
    number("cpu", "realtimePeriod", "MICROSECONDS", "", "--cpu-rt-period");
    number("cpu", "realtimeRuntime", "MICROSECONDS", "", "--cpu-rt-runtime");
    text(v -> {}, "BYTES", "", "--kernel-memory", "--kernel-memory-tcp");
    text(v -> cacheSchema = v, "SCHEMA", "", "--l3-cache-schema", "--mem-bw-schema");
    limit("pids", "limit", "N", "tasks", "--pids-limit");
    limit("blockIO", "weight", "N", "weight of block I/O, 10 to 1000", "--blkio-weight");
    text(v -> part("cpu").put("cpus", v), "LIST", "processors, such as 0-2,4", "--cpuset-cpus");
    text(v -> part("cpu").put("mems", v), "LIST", "memory nodes", "--cpuset-mems");
    positional(v -> id = v, "0", "1", "ID", "");
    examples("runsc update --memory 268435456 --cpu-quota 50000 box", "256 MiB and half a processor");
  }

  private void number(String part, String field, String label, String description, String name) {
    text(v -> part(part).set(field, number(v)), label, description, name);
  }

  private void limit(String part, String field, String label, String description, String... names) {
    text(v -> part(part).set(field, number(v)), label, description + "; -1 for no limit", names);
  }

  private ObjectNode part(String name) {
    return resources.get(name) instanceof ObjectNode known ? known : resources.putObject(name);
  }

  /** What is no number stays text, for the reader to complain about. */
  private static JsonNode number(String text) {
    try {
      return Json.object().numberNode(Long.parseLong(text));
    } catch (NumberFormatException e) {
      return Json.object().textNode(text);
    }
  }

  @Override
  int run(Config config) throws CommandFailure {
    if (!cacheSchema.isEmpty()) {
      throw new CommandFailure("--l3-cache-schema, --mem-bw-schema: linux.intelRdt is not offered by a sandbox");
    }
    JsonNode asked = file.isEmpty() ? resources : read();
    Resources read;
    try {
      ObjectNode outer = Json.object();
      outer.set("resources", asked);
      read = Resources.read(FieldReader.of(outer).object("resources"));
    } catch (MalformedJsonException e) {
      throw new CommandFailure(e.getMessage());
    }
    if (read.isEmpty()) {
      throw new CommandFailure("update: nothing to change is named; see runsc update --help");
    }
    new Containers(config).update(id, read);
    return 0;
  }

  private JsonNode read() throws CommandFailure {
    byte[] text;
    try (InputStream in = file.equals("-") ? System.in : Files.newInputStream(Path.of(file))) {
      text = in.readNBytes(MAX_BYTES + 1);
    } catch (IOException e) {
      throw new CommandFailure("--resources=" + file + ": cannot be read: " + e.getMessage());
    }
    if (text.length > MAX_BYTES) {
      throw new CommandFailure("--resources=" + file + ": is larger than " + MAX_BYTES + " bytes");
    }
    try {
      return Json.read(text);
    } catch (MalformedJsonException e) {
      throw new CommandFailure("--resources=" + file + ": " + e.getMessage());
    }
  }
}
