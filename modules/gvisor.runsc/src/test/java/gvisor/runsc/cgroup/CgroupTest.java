package gvisor.runsc.cgroup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.json.FieldReader;
import gvisor.runsc.json.Json;
import gvisor.runsc.spec.Resources;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written into the files of control groups, over directories that look like them. */
class CgroupTest {
  private static final String RESOURCES =
      """
      {"resources": {
       "memory": {"limit": 1048576, "reservation": 4096, "swap": 2097152, "swappiness": 10},
       "cpu": {"shares": 512, "quota": 50000, "period": 100000, "burst": 1000, "idle": 0, "cpus": "0-1", "mems": "0"},
       "pids": {"limit": 10},
       "blockIO": {"weight": 500, "weightDevice": [{"major": 8, "minor": 1, "weight": 300}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1000}]}}}
      """;

  @TempDir Path root;

  private static Resources resources(String text) throws Exception {
    return Resources.read(FieldReader.of(Json.read(text.getBytes(StandardCharsets.UTF_8))).object("resources"));
  }

  /** Files as a kernel has them in a group of its own making. */
  private static void populate(Path group, List<String> files) throws IOException {
    Files.createDirectories(group);
    for (String file : files) {
      Files.createFile(group.resolve(file));
    }
  }

  private static String written(Path group, String file) throws IOException {
    return Files.readString(group.resolve(file));
  }

  @Test
  void versionTwoHasOneDirectory() throws Exception {
    Files.writeString(Files.createFile(root.resolve("cgroup.subtree_control")), "cpu");
    CgroupV2 group = new CgroupV2(new Hierarchies(root, Map.of(), Map.of()), new CgroupPath("/engine/box"));
    group.create();
    Path directory = root.resolve("engine/box");
    assertTrue(Files.isDirectory(directory));
    assertTrue(written(root, "cgroup.subtree_control").startsWith("+io"), "the last of those that were missing");
    populate(
        directory,
        List.of(
            "memory.max", "memory.low", "memory.swap.max", "cpu.weight", "cpu.max", "cpu.max.burst", "cpu.idle",
            "cpuset.cpus", "cpuset.mems", "pids.max", "io.weight", "io.bfq.weight", "io.max", "hugetlb.2MB.max"));
    group.set(resources(RESOURCES.replace("\"memory\"", "\"unified\": {\"hugetlb.2MB.max\": \"0\"}, \"memory\"")));
    assertEquals(Long.toString((1 << 20) + Cgroup.SANDBOX_MEMORY), written(directory, "memory.max"));
    assertEquals("4096", written(directory, "memory.low"));
    assertEquals("1048576", written(directory, "memory.swap.max"));
    assertEquals("20", written(directory, "cpu.weight"));
    assertEquals("50000 100000", written(directory, "cpu.max"));
    assertEquals("1000", written(directory, "cpu.max.burst"));
    assertEquals("0", written(directory, "cpu.idle"));
    assertEquals("0-1", written(directory, "cpuset.cpus"));
    assertEquals("276", written(directory, "pids.max"));
    assertEquals("4950", written(directory, "io.weight"));
    assertEquals("8:1 300", written(directory, "io.bfq.weight"));
    assertEquals("8:0 rbps=1000", written(directory, "io.max"));
    assertEquals("0", written(directory, "hugetlb.2MB.max"));
    group.set(resources("{\"resources\": {\"memory\": {\"limit\": -1}, \"pids\": {\"limit\": -1}}}"));
    assertEquals("max", written(directory, "memory.max").substring(0, 3));
    assertEquals("max", written(directory, "pids.max").substring(0, 3));
  }

  @Test
  void versionOneHasADirectoryForEachController() throws Exception {
    Map<String, Path> controllers = new LinkedHashMap<>();
    for (String controller : List.of("cpu", "memory", "pids", "blkio")) {
      controllers.put(controller, Files.createDirectory(root.resolve(controller)));
    }
    controllers.put("cpuset", Files.createDirectory(root.resolve("cpuset")));
    for (String file : List.of("cpuset.cpus", "cpuset.mems")) {
      Files.writeString(root.resolve("cpuset").resolve(file), "0-3");
    }
    CgroupPath path = new CgroupPath("box");
    Map<String, String> own = Map.of("memory", "/mine", "cpu", "/", "pids", "/", "blkio", "/", "cpuset", "/");
    populate(root.resolve("cpuset/box"), List.of("cpuset.cpus", "cpuset.mems"));
    CgroupV1 group = new CgroupV1(new Hierarchies(null, controllers, own), path);
    group.create();
    assertEquals("0-3", written(root.resolve("cpuset/box"), "cpuset.cpus"), "or nobody could join it");
    Path memory = root.resolve("memory/mine/box");
    populate(
        memory,
        List.of(
            "memory.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.swappiness"));
    populate(
        root.resolve("cpu/box"), List.of("cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.cfs_burst_us"));
    populate(root.resolve("pids/box"), List.of("pids.max"));
    populate(
        root.resolve("blkio/box"), List.of("blkio.weight", "blkio.weight_device", "blkio.throttle.read_bps_device"));
    group.set(resources(RESOURCES));
    assertEquals(Long.toString((1 << 20) + Cgroup.SANDBOX_MEMORY), written(memory, "memory.limit_in_bytes"));
    assertEquals(Long.toString((2 << 20) + Cgroup.SANDBOX_MEMORY), written(memory, "memory.memsw.limit_in_bytes"));
    assertEquals("10", written(memory, "memory.swappiness"));
    assertEquals("512", written(root.resolve("cpu/box"), "cpu.shares"));
    assertEquals("50000", written(root.resolve("cpu/box"), "cpu.cfs_quota_us"));
    assertEquals("0-1", written(root.resolve("cpuset/box"), "cpuset.cpus"));
    assertEquals("276", written(root.resolve("pids/box"), "pids.max"));
    assertEquals("8:1 300", written(root.resolve("blkio/box"), "blkio.weight_device"));
    assertEquals("8:0 1000", written(root.resolve("blkio/box"), "blkio.throttle.read_bps_device"));
    String message =
        assertThrows(CommandFailure.class, () -> group.set(resources("{\"resources\": {\"cpu\": {\"idle\": 1}}}")))
            .getMessage();
    assertTrue(message.startsWith("linux.resources.cpu.idle: this host has no "), message);
  }
}
