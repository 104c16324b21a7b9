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
import gvisor.runsc.container.SecurityLabels;
import gvisor.runsc.container.Stdio;
import gvisor.runsc.json.MalformedJsonException;
import gvisor.runsc.spec.CapabilityNames;
import gvisor.runsc.spec.Spec;
import gvisor.runsc.spec.SpecReader;
import java.nio.file.Path;
import java.util.List;

/** {@code exec}: starts one more process in a running container; exits with its exit code. */
final class Exec extends Command {
  private String processFile = "";
  private String cwd = "";
  private List<String> env = List.of();
  private String user = "";
  private List<String> additionalGids = List.of();
  private List<String> capabilities = List.of();
  private boolean tty;
  private boolean noNewPrivileges;
  private boolean detach;
  private boolean ignorePaused;
  private int preserveFds;
  private String consoleSocket = "";
  private String pidFile = "";
  private String internalPidFile = "";
  private String processLabel = "";
  private String apparmor = "";
  private String cgroup = "";
  private String id;
  private List<String> command = List.of();

  Exec() {
    super("exec", "Runs a process in a running container.");
    text(v -> processFile = v, "FILE", "process.json of the OCI spec", "--process", "-p", "-process");
    text(v -> cwd = v, "DIR", "working directory in the container", "--cwd", "-cwd");
    texts(v -> env = v, "NAME=VALUE", "one more environment variable", "--env", "-e", "-env");
    text(v -> user = v, "UID[:GID]", "user and group ids", "--user", "-u", "-user");
    texts(v -> additionalGids = v, "GID", "supplementary group ids", "--additional-gids", "-g", "-additional-gids");
    texts(v -> capabilities = v, "CAP", "one more capability", "--cap", "-c", "-cap");
    flag(v -> tty = v, "give it a terminal", "--tty", "-t", "-tty");
    flag(v -> noNewPrivileges = v, "set no_new_privs", "--no-new-privs", "-no-new-privs");
    flag(v -> detach = v, "do not wait for its end", "--detach", "-d", "-detach");
    text(v -> consoleSocket = v, "SOCKET", "gets the terminal", "--console-socket", "-console-socket");
    text(v -> pidFile = v, "FILE", "gets the id of a host process that ends with it", "--pid-file", "-pid-file");
    text(
        v -> internalPidFile = v,
        "FILE",
        "gets its process id in the container",
        "--internal-pid-file",
        "-internal-pid-file");
    number(v -> preserveFds = v, "N", "hand on N descriptors from 3 on", "--preserve-fds", "-preserve-fds");
    flag(v -> ignorePaused = v, "start it even if the container is paused", "--ignore-paused", "-ignore-paused");
    text(v -> processLabel = v, "LABEL", "SELinux context; refused, as in a bundle", "--process-label");
    text(v -> apparmor = v, "PROFILE", "AppArmor profile; refused or passed over, as in a bundle", "--apparmor");
    text(v -> cgroup = v, "GROUP", "", "--cgroup");
    positional(v -> id = v, "0", "1", "ID", "");
    positionals(v -> command = v, "1..*", "0..*", "COMMAND", "");
    examples(
        "runsc exec --tty box /bin/sh", "a shell in a running container",
        "runsc exec --user 1000:1000 --env A=b box id", "as another user");
  }

  @Override
  int run(Config config) throws CommandFailure {
    Containers containers = new Containers(config);
    ContainerState state = containers.store().load(id);
    switch (state.status()) {
      case "running" -> {}
      case "stopped" -> throw new CommandFailure("cannot exec in a stopped container");
      case "paused" -> {
        if (!ignorePaused) {
          throw new CommandFailure("cannot exec in a paused container (use --ignore-paused to override)");
        }
      }
      default -> throw new CommandFailure("cannot exec in container \"" + id + "\" in state " + state.status());
    }
    ObjectNode process = process(state);
    Spec.Process read;
    try {
      read = SpecReader.readProcess(process);
    } catch (MalformedJsonException e) {
      throw new CommandFailure(e.getMessage());
    }
    if (!processFile.isEmpty() || !processLabel.isEmpty() || !apparmor.isEmpty()) {
      SecurityLabels.ofHost(config).check(read);
    }
    if (!cgroup.isEmpty() && !cgroup.equals("/")) {
      throw new CommandFailure("--cgroup=" + cgroup + ": a sandbox has one control group");
    }
    return run(containers, process, read);
  }

  private int run(Containers containers, ObjectNode process, Spec.Process read) throws CommandFailure {
    try (Stdio stdio = Consoles.open(read, consoleSocket, detach, preserveFds);
        ControlClient client = containers.connectDirectly(id)) {
      ObjectNode request = client.request("exec").put("held", detach);
      request.set("process", process);
      stdio.describe(request);
      int size = stdio.windowSize();
      if (size != 0 && !process.has("consoleSize")) {
        process.putObject("consoleSize").put("height", size >>> 16).put("width", size & 0xffff);
      }
      client.send(request, stdio.files());
      stdio.handedOver();
      int pid = client.answer().path("pid").asInt();
      try {
        PidFile.write(internalPidFile, pid);
        if (detach) {
          // The sandbox controls the terminal of its first process; those of others are watched by their holders.
          PidFile.write(pidFile, ExecHolder.start(client, id, pid, read.terminal() ? stdio.window() : null));
          return 0;
        }
        PidFile.write(pidFile, ProcessHandle.current().pid());
      } catch (CommandFailure e) {
        containers.kill(id, pid);
        throw e;
      }
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
    if (!processLabel.isEmpty()) {
      process.put("selinuxLabel", processLabel);
    }
    if (!apparmor.isEmpty()) {
      process.put("apparmorProfile", apparmor);
    }
    if (noNewPrivileges) {
      process.put("noNewPrivileges", true);
    }
    setUser(process);
    addCapabilities(process);
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
