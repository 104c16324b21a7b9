package gvisor.runsc.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DockerDaemonTest {
  private static final Path PROGRAM = Path.of("/opt/runsc/bin/runsc");

  @TempDir Path directory;

  private Path file() {
    return directory.resolve("docker").resolve("daemon.json");
  }

  private boolean add(String name, String... flags) throws Exception {
    DockerDaemon daemon = DockerDaemon.read(file());
    daemon.addRuntime(name, PROGRAM, List.of(flags));
    return daemon.save();
  }

  @Test
  void aFileThatIsAbsentIsMade() throws Exception {
    assertTrue(add("runsc", "--platform=kvm"));
    var runtime = Json.read(Files.readAllBytes(file())).path("runtimes").path("runsc");
    assertEquals(PROGRAM.toString(), runtime.path("path").asText());
    assertEquals("--platform=kvm", runtime.path("runtimeArgs").get(0).asText());
    assertFalse(Files.exists(directory.resolve("docker/daemon.json~")));
  }

  @Test
  void theSameAgainChangesNothing() throws Exception {
    add("runsc", "--debug");
    var written = Files.getLastModifiedTime(file());
    assertFalse(add("runsc", "--debug"));
    assertEquals(written, Files.getLastModifiedTime(file()));
  }

  @Test
  void whatIsThereStaysAndIsBackedUp() throws Exception {
    Files.createDirectories(file().getParent());
    String before = "{\"data-root\": \"/d\", \"runtimes\": {\"crun\": {\"path\": \"/usr/bin/crun\"}}}";
    Files.writeString(file(), before);
    assertTrue(add("runsc"));
    assertEquals(before, Files.readString(directory.resolve("docker/daemon.json~")));
    var json = Json.read(Files.readAllBytes(file()));
    assertEquals("/d", json.path("data-root").asText());
    assertTrue(json.path("runtimes").has("crun") && json.path("runtimes").has("runsc"));
    DockerDaemon daemon = DockerDaemon.read(file());
    assertTrue(daemon.removeRuntime("runsc"));
    assertFalse(daemon.removeRuntime("runsc"));
    assertTrue(daemon.save());
    assertEquals(Json.read(before.getBytes()), Json.read(Files.readAllBytes(file())));
  }

  @Test
  void theDefaultRuntimeIsNotRemoved() throws Exception {
    add("runsc");
    Files.writeString(file(), "{\"default-runtime\": \"runsc\", \"runtimes\": {\"runsc\": {\"path\": \"/r\"}}}");
    assertThrows(CommandFailure.class, () -> DockerDaemon.read(file()).removeRuntime("runsc"));
  }

  @Test
  void aFileThatIsNoJsonIsLeftAlone() throws Exception {
    Files.createDirectories(file().getParent());
    for (String text : List.of("{", "[]", "{\"runtimes\": []}")) {
      Files.writeString(file(), text);
      CommandFailure failure = assertThrows(CommandFailure.class, () -> DockerDaemon.read(file()));
      assertTrue(failure.getMessage().startsWith(file().toString()), failure.getMessage());
      assertEquals(text, Files.readString(file()));
    }
  }
}
