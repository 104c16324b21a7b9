package gvisor.runsc.cmd;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.ContainerState;
import gvisor.runsc.container.Containers;
import gvisor.runsc.container.ControlClient;
import gvisor.runsc.container.ExecHolder;
import gvisor.runsc.container.Stdio;
import gvisor.runsc.json.MalformedJsonException;
import gvisor.runsc.spec.CapabilityNames;
import gvisor.runsc.spec.SpecReader;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code exec}: starts one more process in a running container; exits with its exit code. */
@CommandLine.Command(name = "exec", description = "Runs a process in a running container.")
final class Exec extends Command {
  @Option(names = {"--process", "-p", "-process"}, paramLabel = "FILE", description = "process.json of the OCI spec")
  String processFile = "";

  @Option(names = {"--cwd", "-cwd"}, paramLabel = "DIR", description = "working directory in the container")
  String cwd = "";

  @Option(names = {"--env", "-e", "-env"}, paramLabel = "NAME=VALUE", description = "one more environment variable")
  List<String> env = List.of();

  @Option(names = {"--user", "-u", "-user"}, paramLabel = "UID[:GID]", description = "user and group ids")
  String user = "";

  @Option(names = {"--additional-gids", "-g"}, paramLabel = "GID", description = "supplementary group ids")
  List<String> additionalGids = List.of();

  @Option(names = {"--cap", "-c", "-cap"}, paramLabel = "CAP", description = "one more capability")
  List<String> capabilities = List.of();

  @Option(names = {"--tty", "-t", "-tty"}, description = "give it a terminal")
  boolean tty;

  @Option(names = {"--no-new-privs"}, description = "set no_new_privs")
  boolean noNewPrivileges;

  @Option(names = {"--detach", "-d", "-detach"}, description = "do not wait for its end")
  boolean detach;

  @Option(names = {"--console-socket", "-console-socket"}, paramLabel = "SOCKET", description = "gets the terminal")
  String consoleSocket = "";

  @Option(
      names = {"--pid-file", "-pid-file"},
      paramLabel = "FILE",
      description = "gets the id of a host process that ends with it")
  String pidFile = "";

  @Option(
      names = {"--internal-pid-file", "-internal-pid-file"},
      paramLabel = "FILE",
      description = "gets its process id in the container")
  String internalPidFile = "";

  @Option(names = "--preserve-fds", hidden = true)
  int preserveFds;

  @Option(names = "--ignore-paused", hidden = true)
  boolean ignorePaused;

  @Parameters(index = "0", paramLabel = "ID")
  String id;

  @Parameters(index = "1..*", paramLabel = "COMMAND")
  List<String> command = List.of();

  @Override
  int run(Config config) throws CommandFailure {
    Containers containers = new Containers(config);
    ContainerState state = containers.store().load(id);
    if (!state.status().equals("running")) {
      throw new CommandFailure("cannot exec in container \"" + id + "\" in state " + state.status());
    }
    ObjectNode process = process(state);
    boolean terminal = process.path("terminal").asBoolean();
    Consoles.check(terminal, consoleSocket, detach);
    if (detach && !ExecHolder.isHolder()) {
      PidFile.write(pidFile, ExecHolder.start());
      return 0;
    }
    return runHere(containers, process, terminal);
  }

  private int runHere(Containers containers, ObjectNode process, boolean terminal) throws CommandFailure {
    try (Stdio stdio = Consoles.open(terminal, consoleSocket);
        ControlClient client = containers.connect(id)) {
      ObjectNode request = client.request("exec");
      request.set("process", process);
      stdio.describe(request);
      int size = stdio.windowSize();
      if (size != 0 && !process.has("consoleSize")) {
        process.putObject("consoleSize").put("height", size >>> 16).put("width", size & 0xffff);
      }
      int pid;
      try {
        client.send(request, stdio.files());
        stdio.handedOver();
        pid = client.answer().path("pid").asInt();
      } catch (CommandFailure e) {
        ExecHolder.reportFailure(e);
        throw e;
      }
      PidFile.write(internalPidFile, pid);
      if (!detach) {
        PidFile.write(pidFile, ProcessHandle.current().pid());
      }
      ExecHolder.reportStarted();
      Forwarding forwarding = new Forwarding(containers, id, pid, stdio);
      try {
        return Containers.exitCode(client.call(client.request("wait").put("pid", pid)));
      } finally {
        forwarding.stop();
      }
    }
  }

  /** The process object to start: that of the file, or the container's own changed by the options. */
  private ObjectNode process(ContainerState state) throws CommandFailure {
    if (!processFile.isEmpty()) {
      ObjectNode process = (ObjectNode) SpecReader.readProcessFile(Path.of(processFile));
      if (tty) {
        process.put("terminal", true);
      }
      return process;
    }
    if (command.isEmpty()) {
      throw new CommandFailure("name the command to run, or a file with --process");
    }
    ObjectNode process = (ObjectNode) SpecReader.readBundle(Path.of(state.bundle())).json().path("process");
    process.put("terminal", tty);
    process.remove("consoleSize");
    ArrayNode args = process.putArray("args");
    command.forEach(args::add);
    if (!cwd.isEmpty()) {
      process.put("cwd", cwd);
    }
    if (!env.isEmpty()) {
      ArrayNode variables = process.withArray("env");
      env.forEach(variables::add);
    }
    if (noNewPrivileges) {
      process.put("noNewPrivileges", true);
    }
    setUser(process);
    addCapabilities(process);
    try {
      SpecReader.readProcess(process);
    } catch (MalformedJsonException e) {
      throw new CommandFailure(e.getMessage());
    }
    return process;
  }

  private void setUser(ObjectNode process) throws CommandFailure {
    if (!user.isEmpty()) {
      if (!user.matches("\\d{1,10}(:\\d{1,10})?")) {
        throw new CommandFailure("--user=" + user + " is not UID or UID:GID");
      }
      String[] parts = user.split(":");
      ObjectNode ids = process.putObject("user");
      ids.put("uid", Long.parseLong(parts[0]));
      ids.put("gid", parts.length == 2 ? Long.parseLong(parts[1]) : 0);
    }
    if (!additionalGids.isEmpty()) {
      ObjectNode ids = process.path("user") instanceof ObjectNode there ? there : process.putObject("user");
      ArrayNode gids = ids.putArray("additionalGids");
      for (String gid : additionalGids) {
        if (!gid.matches("\\d{1,10}")) {
          throw new CommandFailure("--additional-gids=" + gid + " is no number");
        }
        gids.add(Long.parseLong(gid));
      }
    }
  }

  private void addCapabilities(ObjectNode process) throws CommandFailure {
    if (capabilities.isEmpty()) {
      return;
    }
    ObjectNode sets =
        process.path("capabilities") instanceof ObjectNode there ? there : process.putObject("capabilities");
    for (String name : capabilities) {
      int number = CapabilityNames.number(name);
      if (number < 0) {
        throw new CommandFailure("--cap=" + name + " is no capability");
      }
      for (String set : List.of("bounding", "effective", "permitted")) {
        JsonNode list = sets.path(set);
        ArrayNode array = list instanceof ArrayNode there ? there : sets.putArray(set);
        array.add("CAP_" + CapabilityNames.ALL.get(number));
      }
    }
  }
}
