package gvisor.tests.engines;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import gvisor.tests.image.Image;
import gvisor.tests.image.Programs;
import gvisor.tests.image.RootFileSystems;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/**
 * Docker, containerd, podman and buildah with this image as their runtime: each script of {@code tests/engines/ENGINE}
 * is run with runc and then with every platform that works here. It has to print the same, and nothing may stay behind.
 * {@code engines.only} is a regular expression for names such as {@code docker/run}. What each has printed stands in
 * {@code target/engines} afterwards.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EnginesTest {
  private static final Path SCRIPTS = Path.of("engines").toAbsolutePath();
  private static final int SCRIPT_SECONDS = 300;
  private static final int SETUP_SECONDS = 60;

  private final Map<String, String> expected = new HashMap<>();
  private World world;

  @BeforeAll
  void makeWorld() throws Exception {
    world = World.start("dockerd", "docker", "containerd", "ctr", "podman", "buildah", "runc", "ip", "script");
  }

  @AfterAll
  void endWorld() throws Exception {
    if (world != null) {
      world.close();
    }
  }

  @TestFactory
  Stream<DynamicNode> docker() throws Exception {
    return withEach("docker", runtime -> world.startDocker(runtime), () -> world.stopDocker());
  }

  @TestFactory
  Stream<DynamicNode> podman() throws Exception {
    return withEach("podman", runtime -> importForPodman(), () -> {});
  }

  @TestFactory
  Stream<DynamicNode> buildah() throws Exception {
    return withEach("buildah", runtime -> importForPodman(), () -> {});
  }

  @TestFactory
  Stream<DynamicNode> containerd() throws Exception {
    return withEach("containerd", runtime -> startContainerd(), () -> stopContainerd());
  }

  private void importForPodman() throws IOException, InterruptedException {
    world.must(
        SETUP_SECONDS,
        "podman image exists localhost/busybox || tar -C " + RootFileSystems.get("busybox")
            + " -c . | podman import -q -c 'CMD [\"/bin/sh\"]' -c ENV=PATH=/bin:/usr/bin - localhost/busybox:latest");
  }

  private void startContainerd() throws IOException, InterruptedException {
    importForPodman();
    world.must(
        SETUP_SECONDS,
        """
        containerd > /run/containerd.log 2>&1 < /dev/null &
        echo $! > /run/containerd.pid
        for i in $(seq 300); do ctr version > /dev/null 2>&1 && break; sleep 0.1; done
        rm -f /run/tmp/busybox.tar
        podman save -q --format oci-archive -o /run/tmp/busybox.tar localhost/busybox:latest
        ctr images import /run/tmp/busybox.tar
        """);
  }

  private void stopContainerd() throws IOException, InterruptedException {
    world.must(
        SETUP_SECONDS,
        "pid=$(cat /run/containerd.pid); kill $pid; for i in $(seq 300); do [ -d /proc/$pid ] || exit 0; sleep 0.1; done");
  }

  private interface Start {
    void with(String runtime) throws Exception;
  }

  private interface Stop {
    void now() throws Exception;
  }

  private Stream<DynamicNode> withEach(String engine, Start start, Stop stop) throws Exception {
    List<String> scripts = scriptNames(engine);
    if (scripts.isEmpty()) {
      return Stream.of();
    }
    List<String> runtimes = new ArrayList<>(List.of("runc"));
    Image.platforms().forEach(platform -> runtimes.add("runsc-" + platform));
    List<DynamicNode> nodes = new ArrayList<>();
    for (String runtime : runtimes) {
      List<DynamicNode> tests = new ArrayList<>();
      tests.add(dynamicTest("start", () -> start.with(runtime)));
      for (String script : scripts) {
        tests.add(dynamicTest(script + " with " + runtime, () -> compare(engine, script, runtime)));
      }
      tests.add(dynamicTest("stop", stop::now));
      nodes.add(dynamicContainer(engine + " with " + runtime, tests));
    }
    return nodes.stream();
  }

  private static List<String> scriptNames(String engine) throws IOException {
    String only = System.getProperty("engines.only", ".*");
    try (Stream<Path> files = Files.list(SCRIPTS.resolve(engine))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".sh"))
          .map(name -> name.replace(".sh", ""))
          .filter(name -> (engine + "/" + name).matches(only))
          .sorted()
          .toList();
    }
  }

  private void compare(String engine, String script, String runtime) throws Exception {
    String name = engine + "/" + script;
    String prelude = Files.readString(SCRIPTS.resolve(engine + ".prelude"));
    String text = Files.readString(SCRIPTS.resolve(name + ".sh"));
    Programs.Result result =
        world.run(SCRIPT_SECONDS, "export RUNTIME=" + runtime + "\n" + prelude + "\n" + text);
    String printed = result.out() + result.err();
    Path record = Path.of("target", "engines", name + "." + runtime);
    Files.createDirectories(record.getParent());
    Files.writeString(record, printed);
    try {
      assertNotEquals(-1, result.exitCode(), () -> name + " does not end; so far it has printed\n" + printed);
      if (runtime.equals("runc")) {
        expected.put(name, printed);
      } else {
        assertEquals(expected.get(name), printed, name);
      }
      assertEquals("", world.left(), () -> name + " leaves something behind");
    } finally {
      world.run(SETUP_SECONDS, prelude + "\ncleanup > /dev/null 2>&1");
    }
  }
}
