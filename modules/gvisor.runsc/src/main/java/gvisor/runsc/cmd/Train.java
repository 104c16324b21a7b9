package gvisor.runsc.cmd;

import gvisor.api.errno.ErrnoException;
import gvisor.host.ScmSocket;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.ControlClient;
import gvisor.runsc.container.HostNetworking;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * {@code train}: runs commands once in this VM, for an AOT cache that the build makes of it. All of a cache is loaded at
 * every start, so that one cache for all commands would cost each of them half as much again: {@code --for} says which
 * commands to run. Where containers can run they run on real ones: {@code create} runs a bundle, so that the sandbox and
 * the gofer can be trained by the same run, and the others take a container that was made for them.
 */
final class Train extends Command {
  private String commands = "create";
  private String bundle = "";
  private String container = "";

  Train() {
    super("train", "");
    text(v -> commands = v, "", "", "--for");
    text(v -> bundle = v, "", "", "--bundle");
    text(v -> container = v, "", "", "--container");
  }

  @Override
  int run(Config config) throws CommandFailure {
    try {
      Path root = Files.createTempDirectory("runsc-train");
      try {
        train(config, root);
      } finally {
        remove(root);
      }
    } catch (IOException e) {
      throw new CommandFailure("training: " + e.getMessage());
    }
    return 0;
  }

  private void train(Config config, Path root) throws CommandFailure {
    List<String> absent =
        List.of("--root", root + "/state", "--log", root + "/log", "--log-format", "json", "--overlay2=none");
    List<String> present = List.of("--root", config.root().toString(), "--log", root + "/log", "--log-format=json");
    switch (commands) {
      case "create" -> create(absent, root);
      case "start" -> start(absent, present);
      case "ps" -> ps(absent, present, root);
      default -> throw new CommandFailure("--for=" + commands + " is none of: create, start, ps");
    }
  }

  /** Commands that start a sandbox. */
  private void create(List<String> global, Path root) throws CommandFailure {
    command(global, "spec", "--bundle", root.toString());
    command(global, "create", "--bundle", root.toString(), "absent"); // Fails: there is no root file system.
    HostNetworking.prepare();
    if (!bundle.isEmpty()) {
      must(List.of("--root", root + "/state"), "run", "--bundle", bundle, "train");
    }
  }

  /** What engines do with a container that has been created: they wait for each of these. */
  private void start(List<String> absent, List<String> present) throws CommandFailure {
    // Each of these fails, for want of a container, after some of its way.
    for (String verb : List.of("state", "start", "kill", "delete")) {
      command(absent, verb, "absent");
    }
    command(absent, "exec", "absent", "true");
    command(absent, "delete", "--force", "absent");
    if (!container.isEmpty()) {
      must(present, "state", container);
      must(present, "start", container);
      must(present, "exec", container, "/bin/true");
      must(present, "exec", "--detach", container, "/bin/true");
      must(present, "kill", container, "KILL");
      must(present, "delete", "--force", container);
    }
  }

  /** All others. */
  private void ps(List<String> absent, List<String> present, Path root) throws CommandFailure {
    command(absent, "help");
    command(absent, "features");
    command(absent, "list");
    command(absent, "list", "--format", "json");
    for (String verb : List.of("pause", "resume", "wait", "ps")) {
      command(absent, verb, "absent");
    }
    connect(root.resolve("control"));
    if (!container.isEmpty()) {
      must(present, "ps", "--format", "json", container);
    }
  }

  /** Connects as to a sandbox, and hangs up. */
  private static void connect(Path socket) throws CommandFailure {
    try (ScmSocket listener = ScmSocket.listen(socket.toString(), ScmSocket.STREAM, 1);
        ControlClient client = ControlClient.connect("train", socket);
        ScmSocket _ = listener.accept()) {
      client.within(1000);
    } catch (ErrnoException e) {
      throw new CommandFailure("training: " + e.errno().message());
    }
  }

  private static void must(List<String> global, String... verb) throws CommandFailure {
    int code = command(global, verb);
    if (code != 0) {
      throw new CommandFailure("training: " + String.join(" ", verb) + " exited with " + code);
    }
  }

  private static int command(List<String> global, String... verb) {
    return Cli.run(Stream.concat(global.stream(), Stream.of(verb)).toArray(String[]::new));
  }

  private static void remove(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
