package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/**
 * {@code --network=host} in network namespaces made here: {@code outside} and {@code inside}, joined by a pair of veths.
 * The programs of {@code network.py} run inside natively and then in a container, whose network that is, and have to
 * print the same. Nothing leaves these namespaces.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostNetworkTest {
  private static final int SECONDS = 240;

  private static final String JOIN =
      """
      set -e
      outside=$1 inside=$2
      nsenter -t $outside -n ip link set lo up
      nsenter -t $outside -n ip link add v0 type veth peer name v1 netns $inside
      nsenter -t $outside -n ip addr add 10.77.0.1/24 dev v0
      nsenter -t $outside -n ip -6 addr add fd77::1/64 dev v0 nodad
      nsenter -t $outside -n ip link set v0 up
      nsenter -t $inside -n ip link set lo up
      nsenter -t $inside -n ip addr add 10.77.0.2/24 dev v1
      nsenter -t $inside -n ip -6 addr add fd77::2/64 dev v1 nodad
      nsenter -t $inside -n ip link set v1 up
      nsenter -t $inside -n ip route add default via 10.77.0.1
      """;

  private final List<Process> started = new ArrayList<>();
  private Path programs;
  private Path rootfs;
  private long outside;
  private long inside;

  @BeforeAll
  void makeNetwork() throws Exception {
    Assumptions.assumeTrue(
        (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0, "only root makes network namespaces");
    Assumptions.assumeTrue(
        Stream.of("/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip").anyMatch(p -> Files.isExecutable(Path.of(p))),
        "ip is not installed");
    rootfs = RootFileSystems.get("debian");
    programs = Files.createTempDirectory("programs");
    try (InputStream in = HostNetworkTest.class.getResourceAsStream("network.py")) {
      Files.copy(in, programs.resolve("network.py"), StandardCopyOption.REPLACE_EXISTING);
    }
    outside = namespace();
    inside = namespace();
    Programs.Result joined =
        Programs.run(
            Path.of("/"), Map.of(), 30, List.of("sh", "-c", JOIN, "join", Long.toString(outside), Long.toString(inside)));
    Assumptions.assumeTrue(joined.exitCode() == 0, () -> "no veths here: " + joined.err());
    Process peer = new ProcessBuilder(natively(outside, "peer")).redirectErrorStream(true).start();
    started.add(peer);
    BufferedReader out = peer.inputReader();
    assertEquals("ready", out.readLine());
  }

  @AfterAll
  void endNetwork() throws Exception {
    for (Process process : started) {
      process.destroyForcibly().waitFor();
    }
    if (programs != null) {
      Image.delete(programs);
    }
  }

  /** A process in a network namespace of its own. */
  private long namespace() throws Exception {
    Process holder = new ProcessBuilder("unshare", "--net", "sleep", "600").start();
    started.add(holder);
    Path namespace = Path.of("/proc/" + holder.pid() + "/ns/net");
    while (Files.readSymbolicLink(namespace).equals(Files.readSymbolicLink(Path.of("/proc/self/ns/net")))) {
      Thread.sleep(10);
    }
    return holder.pid();
  }

  /** The command that runs a program of {@code network.py} in {@code namespace}, without a sandbox. */
  private List<String> natively(long namespace, String program) {
    String script =
        "mount -t proc proc $1/proc; mount -t sysfs sysfs $1/sys; mount --bind $2 $1/mnt; "
            + "exec chroot $1 /usr/bin/python3 /mnt/network.py $3";
    return List.of(
        "nsenter", "--target", Long.toString(namespace), "--net", "unshare", "--mount", "sh", "-c", script, "natively",
        rootfs.toString(), programs.toString(), program);
  }

  private Programs.Result contained(String platform, List<String> args, String... options) throws Exception {
    Path bundle = Files.createTempDirectory("bundle");
    try {
      String config = Image.config(new Image.Container(rootfs, "/", args, Map.of(programs, "/mnt"), false));
      Files.writeString(bundle.resolve("config.json"), config);
      List<String> command = new ArrayList<>(
          List.of("nsenter", "--target", Long.toString(inside), "--net", Image.RUNSC.toString(), "--root",
              bundle.resolve("state").toString(), "--platform", platform, "--network=host"));
      command.addAll(List.of(options));
      command.addAll(List.of("run", "--bundle", bundle.toString(), "networked"));
      Programs.Result result = Programs.run(Path.of("/"), Map.of(), SECONDS, command);
      if (result.exitCode() == -1) {
        delete(bundle);
      }
      return result;
    } finally {
      Image.delete(bundle);
    }
  }

  private static void delete(Path bundle) throws Exception {
    Image.runsc(30, "--root", bundle.resolve("state").toString(), "delete", "--force", "networked");
  }

  @TestFactory
  Stream<DynamicTest> aClientInsideSeesWhatItWouldWithoutASandbox() throws Exception {
    Programs.Result expected = Programs.run(Path.of("/"), Map.of(), SECONDS, natively(inside, "inside"));
    assertEquals(0, expected.exitCode(), expected.out() + expected.err());
    return Image.platforms().stream()
        .map(
            platform ->
                dynamicTest(
                    platform,
                    () -> {
                      List<String> args = List.of("/usr/bin/python3", "/mnt/network.py", "inside");
                      Programs.Result result = contained(platform, args);
                      assertEquals(expected.out(), result.out(), result.err());
                      assertEquals(0, result.exitCode());
                    }));
  }

  @TestFactory
  Stream<DynamicTest> servicesInsideAreReachedFromOutside() throws Exception {
    return Image.platforms().stream().map(platform -> dynamicTest(platform, () -> checkServices(platform)));
  }

  private void checkServices(String platform) throws Exception {
    Path bundle = Files.createTempDirectory("bundle");
    Process server = null;
    try {
      List<String> args = List.of("/usr/bin/python3", "/mnt/network.py", "serve");
      String config = Image.config(new Image.Container(rootfs, "/", args, Map.of(programs, "/mnt"), false));
      // Here by the path of a namespace, which is how engines that make one themselves name it.
      int end = config.lastIndexOf("\"linux\": {") + "\"linux\": {".length();
      Files.writeString(
          bundle.resolve("config.json"),
          config.substring(0, end)
              + "\"namespaces\": [{\"type\": \"network\", \"path\": \"/proc/%d/ns/net\"}], ".formatted(inside)
              + config.substring(end));
      server =
          new ProcessBuilder(
                  Image.RUNSC.toString(), "--root", bundle.resolve("state").toString(), "--platform", platform,
                  "--network=host", "run", "--bundle", bundle.toString(), "networked")
              .redirectErrorStream(true)
              .redirectOutput(bundle.resolve("out").toFile())
              .start();
      Programs.Result asked = Programs.run(Path.of("/"), Map.of(), SECONDS, natively(outside, "ask"));
      assertEquals(0, asked.exitCode(), () -> asked.out() + asked.err());
      assertEquals(
          2, asked.out().lines().filter(line -> line.equals("web b'a page\\n'")).count(), asked.out());
      assertEquals(2, asked.out().lines().filter(line -> line.equals("big True 0")).count(), asked.out());
      assertEquals(2, asked.out().lines().filter(line -> line.equals("many True 200")).count(), asked.out());
    } finally {
      delete(bundle);
      if (server != null) {
        server.waitFor(30, TimeUnit.SECONDS);
        server.destroyForcibly();
      }
      Image.delete(bundle);
    }
  }

  @Test
  void programsThatCheckSocketsPassWithSocketsOfTheHost() throws Exception {
    // With loopback alone, as they expect it.
    long alone = namespace();
    Programs.run(Path.of("/"), Map.of(), 30, List.of("nsenter", "-t", Long.toString(alone), "-n", "ip", "link", "set",
        "lo", "up"));
    Path built = Path.of("target/guest-sockets").toAbsolutePath();
    Files.createDirectories(built);
    List<String> names = List.of("tcp", "tcp6", "udp", "oob", "recverr", "sockopt", "netlink", "socket_files", "sigio",
        "epoll", "poll", "splice", "restart", "icmp");
    StringBuilder script = new StringBuilder("ok=0\n");
    for (String name : names) {
      Path source = Path.of("guest", name + ".c").toAbsolutePath();
      Programs.Result compiled =
          Programs.run(
              built, Map.of(), 120,
              List.of("gcc", "-O1", "-w", "-static", "-pthread", "-o", built.resolve(name).toString(), source.toString()));
      Assumptions.assumeTrue(compiled.exitCode() == 0, () -> "cannot compile: " + compiled.err());
      script.append("mkdir -p /tmp/%1$s; cd /tmp/%1$s; timeout -s KILL 60 /guest/%1$s < /dev/null; echo \"%1$s $?\"\n"
          .formatted(name));
    }
    Files.writeString(built.resolve("all"), script);
    Path bundle = Files.createTempDirectory("bundle");
    try {
      Image.Container container =
          new Image.Container(
              RootFileSystems.get("busybox"), "/", List.of("/bin/sh", "/guest/all"), Map.of(built, "/guest"), false);
      Files.writeString(bundle.resolve("config.json"), Image.config(container));
      Programs.Result result =
          Programs.run(
              Path.of("/"), Map.of(), SECONDS,
              List.of("nsenter", "--target", Long.toString(alone), "--net", Image.RUNSC.toString(), "--root",
                  bundle.resolve("state").toString(), "--network=host", "--net-raw", "run", "--bundle",
                  bundle.toString(), "networked"));
      if (result.exitCode() == -1) {
        delete(bundle);
      }
      for (String name : names) {
        assertTrue(result.out().lines().anyMatch((name + " 0")::equals), name + ":\n" + result.out() + result.err());
      }
    } finally {
      Image.delete(bundle);
    }
  }

  @Test
  void settingsOfTheNetworkAreNotSetInTheCallersNamespace() throws Exception {
    Path bundle = Files.createTempDirectory("bundle");
    try {
      String config = Image.config(new Image.Container(rootfs, List.of("/bin/true")));
      Files.writeString(
          bundle.resolve("config.json"),
          config.replace("\"linux\": {", "\"linux\": {\"sysctl\": {\"net.ipv4.ip_unprivileged_port_start\": \"7\"}, "));
      Programs.Result result =
          Image.runsc(
              60, "--root", bundle.resolve("state").toString(), "--network=host", "run", "--bundle", bundle.toString(),
              "networked");
      assertEquals(
          "runsc: linux.sysctl.net.ipv4.ip_unprivileged_port_start: the container has the caller's network namespace\n",
          result.err());
    } finally {
      Image.delete(bundle);
    }
  }
}
