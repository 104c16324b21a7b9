package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Containers of the image below a directory of a test's own, made of bundles that differ in a few fields. */
final class Containers {
  private static final int SECONDS = 60;

  private final Path directory;
  private final Path state;

  Containers(Path directory) {
    this.directory = directory;
    this.state = directory.resolve("state");
  }

  /** Runs a command of the image with the state directory of this test. */
  Programs.Result runsc(String... args) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("--root", state.toString()));
    all.addAll(List.of(args));
    return Image.runsc(SECONDS, all.toArray(String[]::new));
  }

  /** As {@link #runsc}, for what has to succeed; its standard output. */
  String succeed(String... args) throws IOException, InterruptedException {
    Programs.Result result = runsc(args);
    assertEquals(0, result.exitCode(), List.of(args) + ": " + result.err());
    return result.out();
  }

  /**
   * Makes the bundle of container {@code id}, which runs a shell script.
   *
   * @param more fields of config.json, each as {@code "name": value}
   */
  Path bundle(String id, String script, String... more) throws IOException, InterruptedException {
    Path bundle = Files.createDirectories(directory.resolve("bundle-" + id));
    Image.Container container =
        new Image.Container(RootFileSystems.get("busybox"), List.of("/bin/sh", "-c", script));
    String config = Image.config(container).stripTrailing();
    StringBuilder text = new StringBuilder(config.substring(0, config.length() - 1));
    for (String field : more) {
      text.append(", ").append(field);
    }
    Files.writeString(bundle.resolve("config.json"), text.append('}').toString());
    return bundle;
  }

  /** Starts a container in the background; what it writes goes nowhere. */
  void start(String id, String script, String... more) throws IOException, InterruptedException {
    Path bundle = bundle(id, script, more);
    succeed("create", "--bundle", bundle.toString(), "--pid-file", pidFile(id).toString(), id);
    succeed("start", id);
  }

  Programs.Result run(String id, String script, String... more) throws IOException, InterruptedException {
    return runsc("run", "--bundle", bundle(id, script, more).toString(), id);
  }

  private Path pidFile(String id) {
    return directory.resolve("pid-" + id);
  }

  /** The host process that stands for a container. */
  long pid(String id) throws IOException {
    return Long.parseLong(Files.readString(pidFile(id)));
  }

  /** What {@code state} says of a container. */
  String status(String id) throws IOException, InterruptedException {
    String json = succeed("state", id);
    return json.replaceAll("(?s).*\"status\" : \"(\\w+)\".*", "$1");
  }

  /** Waits until {@code state} says so. */
  void awaitStatus(String id, String wanted) throws IOException, InterruptedException {
    String status = status(id);
    for (int i = 0; i < 50 && !status.equals(wanted); i++) {
      status = status(id);
    }
    assertEquals(wanted, status);
  }

  /** Runs a shell script in a container until it succeeds. */
  void awaitInside(String id, String condition) throws IOException, InterruptedException {
    Programs.Result result =
        runsc("exec", id, "/bin/sh", "-c", "for i in $(seq 100); do if " + condition + "; then exit 0; fi; sleep 0.1;"
            + " done; exit 1");
    assertEquals(0, result.exitCode(), condition + ": " + result.out() + result.err());
  }

  /** Deletes what a test left, the last first; nothing of it may stay. */
  void deleteAll() throws IOException, InterruptedException {
    List<String> left = succeed("list", "-q").lines().toList();
    for (String id : left.reversed()) {
      succeed("delete", "--force", id);
    }
    if (Files.isDirectory(state)) {
      try (Stream<Path> files = Files.list(state)) {
        assertEquals(List.of(), files.toList());
      }
    }
    String mark = state.toString();
    List<String> processes = List.of();
    for (int i = 0; i < 50; i++) {
      processes =
          ProcessHandle.allProcesses()
              .map(p -> p.pid() + " " + p.info().commandLine().orElse(""))
              .filter(line -> line.contains("gvisor.runsc") && line.contains(mark))
              .toList();
      if (processes.isEmpty()) {
        return;
      }
      Thread.sleep(20);
    }
    assertTrue(processes.isEmpty(), processes.toString());
  }
}
