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
 * {@code train}: runs every command once in this VM, for the AOT cache that the build makes of it. With a bundle the
 * container is a real one, so that the sandbox and the gofer can be trained by the same run.
 */
final class Train extends Command {
  private String bundle = "";

  Train() {
    super("train", "");
    text(v -> bundle = v, "", "", "--bundle");
  }

  @Override
  int run(Config config) throws CommandFailure {
    try {
      Path root = Files.createTempDirectory("runsc-train");
      try {
        train(root);
      } finally {
        remove(root);
      }
    } catch (IOException e) {
      throw new CommandFailure("training: " + e.getMessage());
    }
    return 0;
  }

  private void train(Path root) throws CommandFailure {
    List<String> global =
        List.of("--root", root + "/state", "--log", root + "/log", "--log-format", "json", "--overlay2=none");
    command(global, "--version");
    command(global, "help");
    command(global, "features");
    command(global, "spec", "--bundle", root.toString());
    // Each of these fails, for want of a container, after most of its way.
    for (String verb : List.of("state", "start", "kill", "delete", "pause", "resume", "wait", "ps")) {
      command(global, verb, "absent");
    }
    command(global, "exec", "absent", "true");
    command(global, "create", "--bundle", root.toString(), "absent");
    command(global, "delete", "--force", "absent");
    command(global, "list");
    command(global, "list", "--format", "json");
    connect(root.resolve("control"));
    HostNetworking.prepare();
    if (!bundle.isEmpty()) {
      int code = command(List.of("--root", root + "/state"), "run", "--bundle", bundle, "train");
      if (code != 0) {
        throw new CommandFailure("the training container exited with " + code);
      }
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
