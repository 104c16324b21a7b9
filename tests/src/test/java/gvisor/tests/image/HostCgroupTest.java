package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The host's own control groups, of whichever version it has: made, written and removed. */
class HostCgroupTest {
  private static final Path ROOT = Path.of("/sys/fs/cgroup");
  private static final String GROUP = "/gvisor-test-" + ProcessHandle.current().pid();
  private static final String SLEEP = "trap 'exit 0' TERM; while :; do sleep 0.1; done";

  /** What the host's limits leave for the sandbox itself: memory in bytes, and tasks. */
  private static final long MEMORY_MORE = 512L << 20, TASKS_MORE = 256;

  /** Names of version 1 and what they are called in version 2. */
  private static final Map<String, String> NAMES =
      Map.of(
          "memory.limit_in_bytes", "memory.max", "cpu.shares", "cpu.weight", "pids.max", "pids.max",
          "cgroup.procs", "cgroup.procs");

  @TempDir Path directory;

  private Containers containers;
  private boolean isUnified;

  @BeforeEach
  void findCgroups() {
    containers = new Containers(directory);
    isUnified = Files.exists(ROOT.resolve("cgroup.controllers"));
    Assumptions.assumeTrue(
        Files.isWritable(isUnified ? ROOT.resolve("cgroup.procs") : ROOT.resolve("memory")),
        "this host has no control groups that may be written to");
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    containers.deleteAll();
    for (String controller : new String[] {"cpu", "cpuacct", "cpuset", "memory", "pids", "blkio"}) {
      Path parent = (isUnified ? ROOT : ROOT.resolve(controller)).resolve(GROUP.substring(1));
      assertFalse(Files.exists(parent.resolve("box")), parent.toString());
      assertFalse(Files.exists(parent.resolve("other")), parent.toString());
      Files.deleteIfExists(parent);
    }
  }

  private Path file(String container, String controller, String name) {
    Path root = isUnified ? ROOT : ROOT.resolve(controller);
    return root.resolve(GROUP.substring(1)).resolve(container).resolve(isUnified ? NAMES.get(name) : name);
  }

  private String read(String container, String controller, String name) throws IOException {
    return Files.readString(file(container, controller, name)).strip();
  }

  private static String linux(String container, int megabytes, int pids) {
    return "\"linux\": {\"cgroupsPath\": \"" + GROUP + "/" + container + "\", \"resources\": {\"memory\": {\"limit\": "
        + ((long) megabytes << 20) + "}, \"cpu\": {\"shares\": 512}, \"pids\": {\"limit\": " + pids + "}}}";
  }

  private void assertLimits(String container, long megabytes, long pids) throws IOException {
    assertEquals(
        Long.toString((megabytes << 20) + MEMORY_MORE), read(container, "memory", "memory.limit_in_bytes"));
    assertEquals(Long.toString(2 * pids + TASKS_MORE), read(container, "pids", "pids.max"));
  }

  @Test
  void limitsAreWrittenChangedAndRemoved() throws Exception {
    containers.start("box", SLEEP, linux("box", 128, 50));
    assertLimits("box", 128, 50);
    assertEquals(isUnified ? "20" : "512", read("box", "cpu", "cpu.shares"));
    String sandbox = Long.toString(containers.pid("box"));
    for (String controller : new String[] {"cpu", "cpuset", "memory", "pids"}) {
      String members = read("box", controller, "cgroup.procs");
      assertTrue(members.lines().anyMatch(sandbox::equals), controller + ": " + members);
      assertTrue(members.lines().count() >= 2, "the gofer is in it, too: " + members);
    }
    containers.succeed("update", "--memory", Long.toString(256L << 20), "--pids-limit", "70", "box");
    assertLimits("box", 256, 70);
    containers.succeed("delete", "--force", "box");
    assertFalse(Files.exists(file("box", "memory", "memory.limit_in_bytes").getParent()));
  }

  @Test
  void aSharedSandboxMayUseWhatItsContainersMayTogether() throws Exception {
    String pod = "\"annotations\": {\"io.kubernetes.cri.container-type\": \"%s\", \"io.kubernetes.cri.sandbox-id\": \"box\"}";
    containers.start("box", SLEEP, pod.formatted("sandbox"), linux("box", 64, 20));
    assertLimits("box", 64, 20);
    containers.start("other", SLEEP, pod.formatted("container"), linux("other", 128, 30));
    assertLimits("box", 64 + 128, 20 + 30);
    assertLimits("other", 128, 30);
    containers.succeed("update", "--memory", Long.toString(256L << 20), "other");
    assertLimits("box", 64 + 256, 20 + 30);
    String inside = containers.succeed("exec", "box", "sh", "-c", "grep MemTotal /proc/meminfo | tr -dc 0-9");
    assertEquals(Long.toString(64 << 10), inside, "which changes nothing for each of them");
  }

  /** As when {@code create} is killed before it has saved anything else. */
  @Test
  void aGroupWithoutAStateIsRemovedByForce() throws Exception {
    Path group = file("box", "memory", "cgroup.procs").getParent();
    containers.start("box", SLEEP, linux("box", 128, 50));
    Path left = Files.createDirectories(directory.resolve("state/half"));
    Files.writeString(left.resolve("cgroup"), GROUP + "/other");
    Files.createDirectory(group.resolveSibling("other"));
    containers.succeed("delete", "--force", "half");
    assertFalse(Files.exists(group.resolveSibling("other")));
    assertFalse(Files.exists(left));
    assertTrue(Files.exists(group));
  }

  @Test
  void aGroupThatCannotBeMadeIsSaidAndLeavesNothing() throws Exception {
    Path bundle = containers.bundle("bad", "true", linux("box", 128, 50).replace("\"shares\": 512", "\"cpus\": \"999\""));
    Programs.Result result = containers.runsc("run", "--bundle", bundle.toString(), "bad");
    assertEquals(1, result.exitCode());
    assertTrue(result.err().startsWith("runsc: linux.resources.cpu.cpus: cannot write 999 to "), result.err());
  }
}
