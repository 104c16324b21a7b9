package gvisor.runsc.cgroup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.runsc.CommandFailure;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CgroupPathTest {
  @ParameterizedTest
  @CsvSource({
    "/docker/abc,/docker/abc",
    "/docker//abc/,/docker/abc",
    "'',/runsc-c1",
    "sub/group,sub/group",
  })
  void pathsStayAsTheyAre(String text, String path) throws Exception {
    assertEquals(path, CgroupPath.parse(text, "c1", false).path());
  }

  @ParameterizedTest
  @CsvSource({
    "system.slice:docker:abc,/system.slice/docker-abc.scope",
    "a-b-c.slice:cri:x,/a.slice/a-b.slice/a-b-c.slice/cri-x.scope",
    ":p:x,/system.slice/p-x.scope",
    "-.slice:p:x,/p-x.scope",
    "a.slice::x,/a.slice/x.scope",
    "'',/system.slice/runsc-c1.scope",
  })
  void systemdsNotationStandsForAScope(String text, String path) throws Exception {
    assertEquals(path, CgroupPath.parse(text, "c1", true).path());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a/../b", "..", "/", "///"})
  void pathsThatLeadElsewhereAreRefused(String text) {
    assertThrows(CommandFailure.class, () -> CgroupPath.parse(text, "c1", false));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/docker/abc", "a.slice:b", "a-.slice:p:x", "-a.slice:p:x", "a--b.slice:p:x", "a/b.slice:p:x"})
  void whatIsNoNotationOfSystemdsIsRefused(String text) {
    assertThrows(CommandFailure.class, () -> CgroupPath.parse(text, "c1", true));
  }

  @Test
  void relativePathsAreKnown() throws Exception {
    assertTrue(CgroupPath.parse("a", "c1", false).isRelative());
    assertFalse(CgroupPath.parse("/a", "c1", false).isRelative());
  }

  @Test
  void hierarchiesOfVersionOneAreFoundByController() {
    Hierarchies found =
        Hierarchies.parse(
            """
            30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
            31 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            32 25 0:28 / /sys/fs/cgroup/systemd rw - cgroup systemd rw,name=systemd
            """,
            "4:cpu,cpuacct:/me\n0::/\n");
    assertNull(found.unified());
    assertEquals(Path.of("/sys/fs/cgroup/cpu,cpuacct"), found.controllers().get("cpu"));
    assertEquals("/me", found.own().get("cpuacct"));
    CgroupV1 group = new CgroupV1(found, new CgroupPath("sub"));
    assertEquals(java.util.List.of(Path.of("/sys/fs/cgroup/cpu,cpuacct/me/sub")), group.directories());
  }

  @Test
  void versionTwoIsTakenWhenItIsAlone() {
    Hierarchies found =
        Hierarchies.parse("31 25 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/user.slice/me.scope\n");
    assertEquals(Path.of("/sys/fs/cgroup"), found.unified());
    assertEquals(
        java.util.List.of(Path.of("/sys/fs/cgroup/user.slice/sub")),
        new CgroupV2(found, new CgroupPath("sub")).directories());
    assertEquals(1, CgroupV2.weight(2));
    assertEquals(39, CgroupV2.weight(1024));
    assertEquals(10_000, CgroupV2.weight(262_144));
  }

  @Test
  void theHostsLimitLeavesRoomForTheSandbox() {
    assertEquals("max", Cgroup.tasks(0));
    assertEquals("456", Cgroup.tasks(100));
    assertEquals((64L << 20) + Cgroup.SANDBOX_MEMORY, Cgroup.memory(64L << 20));
    assertEquals(Long.MAX_VALUE, Cgroup.memory(Long.MAX_VALUE - 1));
  }
}
