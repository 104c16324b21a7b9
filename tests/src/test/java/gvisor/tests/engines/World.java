package gvisor.tests.engines;

import gvisor.tests.image.Image;
import gvisor.tests.image.Programs;
import gvisor.tests.image.RootFileSystems;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * Namespaces in which container engines run with their usual paths ({@code tests/engines/world}). Closing it ends every
 * process in it and leaves nothing on the machine. In it the runtime of platform P is called {@code runsc-P}.
 */
final class World {
  private static final Path SCRIPTS = Path.of("engines").toAbsolutePath();
  private static final int START_SECONDS = 60;
  private static final int CLOSE_SECONDS = 30;

  /** How long what ends with a container may take to be gone after its engine has said that it is. */
  private static final int SETTLE_SECONDS = 20;

  /** Prints what containers leave: processes, mounts, groups, files of runtimes. Nothing, that is. */
  private static final String LEFT =
      """
      ps -eo args= | grep -E '/java |containerd-shim|conmon|/runsc' | grep -vE 'grep|/engines/' | cut -c1-200
      grep -E ' /(var/lib|run)/.*(merged|/shm|/rootfs|netns/[0-9a-f]{12}|netns/cni-)' /proc/mounts
      find /sys/fs/cgroup -mindepth 2 -type d | grep -E '/[0-9a-f]{64}|/(libpod|buildah)-[^/]*[0-9a-f]{12}' \\
        | grep -vE '/libpod_parent/[0-9a-f]{64}$' # Podman's own of a pod, which stays whatever the runtime is.
      for root in /run/runsc /run/runc /run/docker/runtime-*/moby /run/containerd/runc/*; do
        [ ! -d "$root" ] || find "$root" -mindepth 1 -maxdepth 1
      done
      true
      """;

  private final Process process;
  private final String first;
  private final Path messages;

  private World(Process process, String first, Path messages) {
    this.process = process;
    this.first = first;
    this.messages = messages;
  }

  /** Makes one; the test is skipped where that cannot be, or where one of {@code programs} is missing. */
  static World start(String... programs) throws IOException, InterruptedException {
    Assumptions.assumeTrue(System.getProperty("user.name").equals("root"), "container engines are started by root");
    for (String program : programs) {
      Assumptions.assumeTrue(isInstalled(program), () -> program + " is not installed");
    }
    Path messages = Files.createTempFile("world", ".log");
    List<String> command = new ArrayList<>(List.of(SCRIPTS.resolve("world").toString(), Image.RUNSC.toString()));
    command.addAll(Image.platforms());
    Process process = new ProcessBuilder(command).redirectError(messages.toFile()).start();
    BufferedReader out = process.inputReader();
    String line = out.readLine();
    if (line == null || !line.startsWith("ready ")) {
      process.waitFor(START_SECONDS, TimeUnit.SECONDS);
      String reason = Files.readString(messages).strip();
      Files.delete(messages);
      Assumptions.abort("no namespaces for container engines: " + reason);
    }
    return new World(process, line.substring("ready ".length()), messages);
  }

  private static boolean isInstalled(String program) {
    return Stream.of("/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/")
        .anyMatch(directory -> Files.isExecutable(Path.of(directory + program)));
  }

  /** Runs a shell script in it. */
  Programs.Result run(int seconds, String script) throws IOException, InterruptedException {
    return Programs.run(
        Path.of("/"), Map.of(), seconds, List.of(SCRIPTS.resolve("enter").toString(), first, "sh", "-c", script));
  }

  /** Runs a shell script that has to succeed, and returns what it prints. */
  String must(int seconds, String script) throws IOException, InterruptedException {
    Programs.Result result = run(seconds, script);
    if (result.exitCode() != 0) {
      throw new AssertionError(script + "\nexit code " + result.exitCode() + ": " + result.out() + result.err());
    }
    return result.out();
  }

  /** Starts Docker's daemon, which has the image {@code busybox} then, with this default runtime. */
  void startDocker(String defaultRuntime) throws IOException, InterruptedException {
    must(
        START_SECONDS,
        "dockerd --default-runtime=" + defaultRuntime + " > /run/dockerd.log 2>&1 < /dev/null &\n"
            + "for i in $(seq 300); do docker info > /dev/null 2>&1 && break; sleep 0.1; done\n"
            + "docker info > /dev/null || { tail /run/dockerd.log; exit 1; }\n"
            + "docker image inspect busybox > /dev/null 2>&1 || "
            + "tar -C " + RootFileSystems.get("busybox") + " -c . | docker import -c 'CMD [\"/bin/sh\"]' - busybox");
  }

  /** Ends it, and the containerd that it started. */
  void stopDocker() throws IOException, InterruptedException {
    must(
        START_SECONDS,
        "pid=$(cat /var/run/docker.pid); kill $pid\n"
            + "for i in $(seq 300); do [ -d /proc/$pid ] || exit 0; sleep 0.1; done\n"
            + "tail /run/dockerd.log; exit 1");
  }

  /** What is there that should have gone with the containers it belonged to: "" after a while, or the test fails. */
  String left() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SETTLE_SECONDS);
    while (true) {
      String left = must(START_SECONDS, LEFT);
      if (left.isEmpty() || System.nanoTime() > deadline) {
        return left;
      }
      TimeUnit.MILLISECONDS.sleep(200);
    }
  }

  /** Ends it; fails if anything of it stays on the machine. */
  void close() throws IOException, InterruptedException {
    process.getOutputStream().close(); // The end of its standard input is the end of the world.
    boolean ended = process.waitFor(CLOSE_SECONDS, TimeUnit.SECONDS);
    if (!ended) {
      process.destroy();
    }
    String said = Files.readString(messages).strip();
    Files.delete(messages);
    if (!ended || !said.isEmpty()) {
      throw new AssertionError("the engines' namespaces do not end cleanly: " + said);
    }
  }
}
