package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several containers in one sandbox, as container managers ask for them: by annotations and by namespace files. */
class PodTest {
  private static final String SLEEP = "trap 'exit 3' TERM; while :; do sleep 0.1; done";

  @TempDir Path directory;

  private Containers containers;

  @BeforeEach
  void makeState() {
    containers = new Containers(directory);
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    containers.deleteAll();
  }

  private static String annotations(String type, String sandbox) {
    return "\"annotations\": {\"io.kubernetes.cri.container-type\": \"%s\", \"io.kubernetes.cri.sandbox-id\": \"%s\"}"
        .formatted(type, sandbox);
  }

  /** All namespaces, of which those that have a path here are shared. */
  private static String namespaces(String pidPath, String networkPath) {
    return """
        "linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}, {"type": "ipc"},
         {"type": "pid"%s}, {"type": "network"%s}]}"""
        .formatted(path(pidPath), path(networkPath));
  }

  private static String path(String path) {
    return path.isEmpty() ? "" : ", \"path\": \"" + path + "\"";
  }

  private void startPod() throws Exception {
    containers.start("pod", SLEEP, annotations("sandbox", "pod"));
  }

  @Test
  void containersOfAPodShareTheNetworkAndNotTheirFiles() throws Exception {
    startPod();
    String network = "/var/run/netns/cni-1";
    containers.start(
        "server", "echo served > /tmp/mine; while :; do nc -l -p 8080 < /tmp/mine; done",
        annotations("container", "pod"), namespaces("", network));
    containers.awaitInside("server", "netstat -ltn | grep -q :8080");
    Programs.Result client =
        containers.run(
            "client", "ls /tmp; nc 127.0.0.1 8080 < /dev/null; echo $$; hostname other; hostname; exit 7",
            annotations("container", "pod"), namespaces("", network));
    assertEquals("served\n1\nother\n", client.out(), client.err());
    assertEquals(7, client.exitCode());
    assertEquals("sandbox\n", containers.succeed("exec", "server", "hostname"));
    Programs.Result apart = containers.run("apart", "nc 127.0.0.1 8080 < /dev/null || echo refused");
    assertEquals("refused\n", apart.out());
  }

  @Test
  void eachContainerEndsByItself() throws Exception {
    startPod();
    containers.start("one", SLEEP, annotations("container", "pod"), namespaces("", ""));
    containers.start("two", SLEEP, annotations("container", "pod"), namespaces("", ""));
    long one = containers.pid("one");
    assertTrue(one != containers.pid("pod") && one != containers.pid("two"));
    assertTrue(ProcessHandle.of(one).isPresent());

    assertEquals(5, containers.runsc("exec", "one", "/bin/sh", "-c", "exit 5").exitCode());
    assertTrue(containers.succeed("ps", "two").matches("(?s)UID.* 1 .* sh\n.*"));
    containers.succeed("kill", "one", "TERM");
    String waited = containers.succeed("wait", "one");
    assertTrue(waited.contains("\"exitStatus\" : 3"), waited);
    containers.awaitStatus("one", "stopped");
    assertEquals("running", containers.status("two"));
    assertEquals("running", containers.status("pod"));
    assertEquals(1, containers.runsc("exec", "one", "true").exitCode());
    containers.succeed("delete", "one");

    containers.succeed("kill", "--all", "two", "KILL");
    containers.awaitStatus("two", "stopped");
    assertEquals("running", containers.status("pod"));
  }

  @Test
  void theFirstContainerTakesTheOthersWithIt() throws Exception {
    startPod();
    containers.start("one", SLEEP, annotations("container", "pod"));
    containers.succeed("delete", "--force", "pod");
    containers.awaitStatus("one", "stopped");
    assertTrue(containers.succeed("state", "one").contains("\"pid\" : 0"));
    containers.succeed("delete", "one");
  }

  @Test
  void aPidNamespaceMayBeShared() throws Exception {
    startPod();
    String shared = namespaces("/proc/" + containers.pid("pod") + "/ns/pid", "");
    containers.start("one", "sleep 1000 & " + SLEEP, annotations("container", "pod"), shared);
    containers.awaitInside("one", "ps -o comm | grep -q sleep");
    String seen = containers.succeed("exec", "one", "ps", "-o", "pid,args");
    assertTrue(seen.contains("sleep 1000") && seen.contains(" 1 /bin/sh"), seen);
    assertFalse(containers.succeed("ps", "-f", "json", "pod").contains("["
        + containers.succeed("ps", "-f", "json", "one").replaceAll("\\D+(\\d+).*\\s*", "$1")));
    // As when a container of the host's PID namespace ends under runc: what it started ends, too.
    containers.succeed("kill", "one", "TERM");
    containers.awaitStatus("one", "stopped");
    seen = containers.succeed("exec", "pod", "ps", "-o", "pid,args");
    assertFalse(seen.contains("sleep 1000"), seen);
    assertEquals("running", containers.status("pod"));
  }

  @Test
  void aNamespaceOfAContainerPutsAnotherIntoItsSandbox() throws Exception {
    containers.start("first", SLEEP);
    String first = "/proc/" + containers.pid("first") + "/ns/";
    Programs.Result joined =
        containers.run("second", "ps -o args | grep -c 'trap .exit 3'; exit 4", namespaces(first + "pid", first + "net"));
    assertEquals(4, joined.exitCode(), joined.err());
    assertTrue(Integer.parseInt(joined.out().strip()) >= 1, joined.out());
    Programs.Result stranger =
        containers.run("third", "true", namespaces("/proc/" + ProcessHandle.current().pid() + "/ns/pid", ""));
    assertEquals(1, stranger.exitCode());
    assertTrue(stranger.err().matches("(?s)runsc: linux.namespaces\\[3].path: \\S+ belongs to no .*\n"), stranger.err());
  }

  @Test
  void whatCannotBePlacedIsSaid() throws Exception {
    Programs.Result result = containers.run("lost", "true", annotations("container", "nowhere"));
    assertEquals(1, result.exitCode());
    assertTrue(
        result.err().contains("io.kubernetes.cri.sandbox-id: container \"nowhere\" does not exist"), result.err());
    startPod();
    Path bundle = containers.bundle("missing", "exit", annotations("container", "pod"));
    Path config = bundle.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("\"/bin/sh\"", "\"/nonesuch\""));
    assertEquals(127, containers.runsc("run", "--bundle", bundle.toString(), "missing").exitCode());
    assertEquals("pod\n", containers.succeed("list", "-q"));
  }

  @Test
  void aContainerThatWasNeverStartedIsDeleted() throws Exception {
    startPod();
    Path bundle = containers.bundle("one", "true", annotations("container", "pod"));
    containers.succeed("create", "--bundle", bundle.toString(), "one");
    assertEquals("created", containers.status("one"));
    containers.succeed("delete", "one");
    assertEquals("pod\n", containers.succeed("list", "-q"));
  }
}
