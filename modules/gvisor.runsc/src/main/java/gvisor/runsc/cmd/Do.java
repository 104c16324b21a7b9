package gvisor.runsc.cmd;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.host.Confinement;
import gvisor.host.Fd;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.Version;
import gvisor.runsc.config.Config;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import gvisor.runsc.spec.Bundle;
import gvisor.runsc.spec.CapabilityNames;
import gvisor.runsc.spec.SpecReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** {@code do}: runs a command of the host in a sandbox over the host's files; changes are dropped at its end. */
final class Do extends Command {
  private String root = "/";
  private String cwd = "";
  private List<String> command;

  Do() {
    super("do", "Runs a command of this machine in a sandbox; what it changes is dropped at the end.");
    text(v -> root = v, "DIR", "directory that is the root (default: /)", "--root", "-root");
    text(v -> cwd = v, "DIR", "working directory (default: the current one)", "--cwd", "-cwd");
    flag(v -> {}, "", "--quiet", "-quiet");
    flag(v -> {}, "", "--force-overlay", "-force-overlay");
    positionals(v -> command = v, "0..*", "1..*", "COMMAND", "");
  }

  @Override
  int run(Config config) throws CommandFailure {
    Path directory = Path.of(root).toAbsolutePath().normalize();
    if (!Files.isDirectory(directory)) {
      throw new CommandFailure("--root=" + root + ": no such directory");
    }
    Config overlaid = config.overlay() == Config.Overlay.NONE ? config.withOverlay(Config.Overlay.ROOT) : config;
    String id = "do-" + ProcessHandle.current().pid();
    ObjectNode json = config(directory);
    try {
      Bundle bundle = new Bundle(Path.of("/"), json, SpecReader.read(json));
      return Run.run(overlaid, id, bundle);
    } catch (MalformedJsonException e) {
      throw new CommandFailure(e.getMessage());
    }
  }

  private ObjectNode config(Path directory) throws CommandFailure {
    ObjectNode json = Json.object().put("ociVersion", Version.OCI).put("hostname", "runsc-do");
    json.putObject("root").put("path", directory.toString()).put("readonly", false);
    ObjectNode process = json.putObject("process");
    process.put("terminal", Fd.adopt(0).isTerminal() && Fd.adopt(1).isTerminal());
    String workingDirectory = cwd.isEmpty() ? System.getProperty("user.dir") : cwd;
    // Below another root the current directory may well not exist.
    process.put("cwd", cwd.isEmpty() && !directory.equals(Path.of("/")) ? "/" : workingDirectory);
    ArrayNode args = process.putArray("args");
    command.forEach(args::add);
    ArrayNode env = process.putArray("env");
    ownEnvironment().forEach((name, value) -> env.add(name + "=" + value));
    // The gofer of a caller without privileges sees the caller's files as root's, as the sandbox does then.
    int[] ids = Confinement.isAdministrator() ? ownIds() : new int[2];
    process.putObject("user").put("uid", Integer.toUnsignedLong(ids[0])).put("gid", Integer.toUnsignedLong(ids[1]));
    ObjectNode sets = process.putObject("capabilities");
    for (String set : List.of("bounding", "effective", "permitted", "inheritable")) {
      ArrayNode names = sets.putArray(set);
      for (String name : CapabilityNames.ALL) {
        names.add("CAP_" + name);
      }
    }
    ArrayNode mounts = json.putArray("mounts");
    mount(mounts, "/proc", "proc");
    mount(mounts, "/sys", "sysfs");
    mount(mounts, "/dev", "devtmpfs");
    mount(mounts, "/dev/shm", "tmpfs", "mode=1777");
    mount(mounts, "/dev/pts", "devpts", "newinstance", "ptmxmode=0666", "mode=0620");
    return json;
  }

  /** The environment as the caller had it, before the launcher saw to it that names of files are read as UTF-8. */
  private static Map<String, String> ownEnvironment() {
    Map<String, String> environment = new HashMap<>(System.getenv());
    String locale = environment.remove("GVISOR_LC_ALL");
    if (locale != null) {
      environment.remove("LC_ALL");
      if (!locale.isEmpty()) {
        environment.put("LC_ALL", locale);
      }
    }
    return environment;
  }

  private static void mount(ArrayNode mounts, String destination, String type, String... options) {
    ArrayNode list =
        mounts.addObject().put("destination", destination).put("type", type).put("source", type).putArray("options");
    for (String option : options) {
      list.add(option);
    }
  }

  /** The effective user and group id of this process: {@code man 5 proc_pid_status}. */
  private static int[] ownIds() throws CommandFailure {
    int[] ids = new int[2];
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("Uid:")) {
          ids[0] = Integer.parseUnsignedInt(line.split("\\s+")[2]);
        } else if (line.startsWith("Gid:")) {
          ids[1] = Integer.parseUnsignedInt(line.split("\\s+")[2]);
        }
      }
      return ids;
    } catch (IOException e) {
      throw new CommandFailure("/proc/self/status: " + e.getMessage());
    }
  }
}
