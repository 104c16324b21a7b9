package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes of a sandbox that die: what depends on them ends, what does not can still be spoken to. */
class DeathTest {
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

  @Test
  void withoutItsGoferAContainerGetsEioAndCanBeKilled() throws Exception {
    containers.start("a", "while :; do sleep 0.1; done");
    String mark = directory.toString();
    List<ProcessHandle> gofers =
        ProcessHandle.allProcesses()
            .filter(p -> p.info().commandLine().filter(c -> c.contains("GoferMain") && c.contains(mark)).isPresent())
            .toList();
    assertEquals(1, gofers.size());
    gofers.getFirst().destroyForcibly();
    gofers.getFirst().onExit().join();
    assertEquals("running", containers.status("a"));
    Programs.Result exec = containers.runsc("exec", "a", "a-program-nobody-has-looked-for");
    assertTrue(exec.err().contains("input/output error"), exec.err());
    containers.succeed("kill", "a", "KILL");
    containers.awaitStatus("a", "stopped");
  }

  @Test
  void withItsSandboxGoferAndApplicationsDie() throws Exception {
    containers.start("a", "while :; do sleep 0.1; done");
    ProcessHandle sandbox = ProcessHandle.of(containers.pid("a")).orElseThrow();
    List<ProcessHandle> applications = sandbox.descendants().toList();
    assertTrue(!applications.isEmpty());
    sandbox.destroyForcibly();
    sandbox.onExit().join();
    for (ProcessHandle application : applications) {
      application.onExit().join();
    }
    containers.awaitStatus("a", "stopped");
  }
}
