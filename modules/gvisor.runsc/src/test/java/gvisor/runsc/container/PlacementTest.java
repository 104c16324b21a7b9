package gvisor.runsc.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.json.Json;
import gvisor.runsc.spec.SpecReader;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlacementTest {
  private static final String CONTAINERD = """
      {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "%s"}""";
  private static final String CRIO = """
      {"io.kubernetes.cri-o.ContainerType": "container", "io.kubernetes.cri-o.SandboxID": "%s"}""";

  @TempDir Path root;

  private StateStore store;
  private Process sandbox;
  private Process gofer;

  /** A pod "pod" with a member "member". */
  @BeforeEach
  void makePod() throws Exception {
    store = new StateStore(root);
    sandbox = new ProcessBuilder("sleep", "1000").start();
    gofer = new ProcessBuilder("sleep", "1000").start();
    save("pod", "pod");
    save("member", "pod");
  }

  @AfterEach
  void end() throws Exception {
    for (Process process : new Process[] {sandbox, gofer}) {
      process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    }
  }

  private void save(String id, String sandboxId) throws CommandFailure {
    store.makeDirectory(id);
    store.save(
        new ContainerState(
            id, "1.0.2", "/bundle", "/bundle/rootfs", "", ContainerState.Phase.RUNNING, sandboxId,
            HostProcess.of(sandbox.pid()), HostProcess.of(gofer.pid()), "", Map.of()));
  }

  private Placement place(String annotations, String namespaces) throws Exception {
    String text =
        """
        {"ociVersion": "1.0.2", "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["true"]},
         "root": {"path": "r"}, "annotations": %s, "linux": {"namespaces": [%s]}}"""
            .formatted(annotations, namespaces);
    return Placement.of("new", SpecReader.read(Json.read(text.getBytes())), store);
  }

  private String fails(String annotations, String namespaces) {
    return assertThrows(CommandFailure.class, () -> place(annotations, namespaces)).getMessage();
  }

  private static String ns(String type, String path) {
    return path.isEmpty()
        ? "{\"type\": \"" + type + "\"}"
        : "{\"type\": \"" + type + "\", \"path\": \"" + path + "\"}";
  }

  private String ofSandbox(String type) {
    return "/proc/" + sandbox.pid() + "/ns/" + type;
  }

  @Test
  void withoutWordOfOthersASandboxOfItsOwn() throws Exception {
    assertTrue(place("{}", ns("pid", "")).isOwnSandbox());
    assertTrue(place("{}", ns("network", "/var/run/netns/x")).isOwnSandbox());
    String first = "{\"io.kubernetes.cri.container-type\": \"sandbox\", \"io.kubernetes.cri.sandbox-id\": \"new\"}";
    assertTrue(place(first, ns("network", "/var/run/netns/x")).isOwnSandbox());
  }

  @Test
  void aPodsContainerSharesWhatHasAPathOrIsNotListed() throws Exception {
    Placement placement =
        place(CONTAINERD.formatted("pod"), ns("pid", "") + "," + ns("network", "/var/run/netns/x") + ","
            + ns("ipc", ofSandbox("ipc")));
    assertEquals("pod", placement.sandboxId());
    assertEquals(Map.of("network", "pod", "ipc", "pod", "uts", "pod"), placement.shared());
  }

  @Test
  void aNamespaceFileNamesItsContainer() throws Exception {
    String all = ns("pid", "/proc/" + gofer.pid() + "/ns/pid") + "," + ns("network", "") + "," + ns("ipc", "") + ","
        + ns("uts", "");
    Placement placement = place("{}", all);
    assertEquals("pod", placement.sandboxId());
    assertEquals(Map.of("pid", "member"), placement.shared());
  }

  @Test
  void aMemberOfAMemberGoesIntoTheSameSandbox() throws Exception {
    assertEquals("pod", place(CONTAINERD.formatted("member"), ns("pid", "")).sandboxId());
  }

  @Test
  void strangersNamespacesAreRefused() {
    String mine = "/proc/" + ProcessHandle.current().pid() + "/ns/";
    assertTrue(fails("{}", ns("pid", mine + "pid")).startsWith("linux.namespaces[0].path: " + mine + "pid belongs to"));
    assertTrue(fails("{}", ns("uts", "/var/run/utsns/x")).contains("belongs to no running container"));
    assertTrue(fails(CONTAINERD.formatted("pod"), ns("pid", mine + "pid")).contains("belongs to no running container"));
    assertTrue(fails("{}", ns("mount", ofSandbox("mnt"))).contains("cannot be joined"));
  }

  @Test
  void podsThatAreNotThere() throws Exception {
    assertEquals(
        "annotation io.kubernetes.cri.sandbox-id: container \"gone\" does not exist",
        fails(CONTAINERD.formatted("gone"), ns("pid", "")));
    assertTrue(place(CRIO.formatted("a-pod-without-infra"), ns("pid", "")).isOwnSandbox());
    sandbox.destroyForcibly().waitFor();
    assertEquals(
        "annotation io.kubernetes.cri-o.SandboxID: container \"pod\" has ended",
        fails(CRIO.formatted("pod"), ns("pid", "")));
  }
}
