package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Unix sockets and fifos in a bind mount between a container and a process of the host. Each end is {@code
 * tests/host/peer.c}, which checks what it sees; both ends pass on the host alone.
 */
class HostPeersTest {
  private static final int SECONDS = 60;
  private static final List<String> ALL = List.of("--host-uds=all", "--host-fifo=open");

  @TempDir Path directory;

  private Containers containers;
  private Path shared;
  private final List<Process> started = new ArrayList<>();

  @BeforeEach
  void compile() throws Exception {
    containers = new Containers(directory);
    shared = Files.createDirectory(directory.resolve("shared"));
    Programs.Result result =
        Programs.run(Path.of("."), Map.of(), SECONDS,
            List.of("gcc", "-O1", "-g", "-Wall", "-Wextra", "-static", "-o", shared.resolve("peer").toString(),
                "host/peer.c"));
    assertEquals(0, result.exitCode(), result.err());
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    started.forEach(Process::destroyForcibly);
    containers.deleteAll();
  }

  private void container(List<String> flags) throws Exception {
    String mount = "\"mounts\": [{\"destination\": \"/host\", \"type\": \"bind\", \"source\": \"" + shared
        + "\", \"options\": [\"rbind\", \"rw\"]}]";
    Path bundle = containers.bundle("a", "exec sleep 1000", mount);
    List<String> create = new ArrayList<>(flags);
    create.addAll(List.of("create", "--bundle", bundle.toString(), "a"));
    containers.succeed(create.toArray(String[]::new));
    containers.succeed("start", "a");
  }

  /** The command of one end: {@code arguments} with / for the shared directory. */
  private List<String> command(boolean inside, String... arguments) {
    List<String> all = new ArrayList<>();
    if (inside) {
      all.addAll(List.of(Image.RUNSC.toString(), "--root", directory.resolve("state").toString(), "exec", "a"));
    }
    String at = inside ? "/host/" : shared + "/";
    all.add(at + "peer");
    for (String a : arguments) {
      all.add(a.replace("/", at));
    }
    return all;
  }

  /** An end in the background. */
  private final class End {
    final Process process;
    final BufferedReader output;

    End(boolean inside, String... arguments) throws IOException {
      process = new ProcessBuilder(command(inside, arguments)).redirectErrorStream(true).start();
      started.add(process);
      output = process.inputReader();
    }

    End awaitLine(String line) throws IOException {
      assertEquals(line, output.readLine());
      return this;
    }

    void awaitPassed() throws Exception {
      String last = "";
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        last = line;
      }
      assertTrue(process.waitFor(SECONDS, TimeUnit.SECONDS));
      assertEquals("passed", last);
      assertEquals(0, process.exitValue());
    }
  }

  private void passes(boolean inside, String... arguments) throws Exception {
    Programs.Result result = Programs.run(directory, Map.of(), SECONDS, command(inside, arguments));
    assertEquals("passed", result.out().strip(), result.err());
    assertEquals(0, result.exitCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"stream", "seqpacket"})
  void theHostServes(String type) throws Exception {
    End alone = new End(false, "serve", type, "/alone").awaitLine("ready");
    passes(false, "connect", type, "/alone");
    alone.awaitPassed();
    container(List.of("--host-uds=open"));
    End server = new End(false, "serve", type, "/socket", "outside").awaitLine("ready");
    passes(true, "connect", type, "/socket", "inside");
    server.awaitPassed();
    passes(true, "refused", type, "/socket");
  }

  @ParameterizedTest
  @ValueSource(strings = {"stream", "seqpacket"})
  void theContainerServes(String type) throws Exception {
    container(List.of("--host-uds=create"));
    End server = new End(true, "serve", type, "/socket", "inside").awaitLine("ready");
    passes(false, "connect", type, "/socket", "outside");
    server.awaitPassed();
    passes(false, "refused", type, "/socket");
  }

  @Test
  void datagramsGoBothWays() throws Exception {
    container(ALL);
    End reader = new End(false, "receive", "/out").awaitLine("ready");
    passes(true, "send", "/out");
    reader.awaitPassed();
    End inside = new End(true, "receive", "/in").awaitLine("ready");
    passes(false, "send", "/in");
    inside.awaitPassed();
  }

  @Test
  void whoTalksToAServerThatIsKilledSeesTheEnd() throws Exception {
    container(ALL);
    End server = new End(false, "serve", "stream", "/socket", "outside").awaitLine("ready");
    End client = new End(true, "wait", "/socket").awaitLine("connected");
    server.process.destroyForcibly().waitFor();
    client.awaitPassed();
  }

  @Test
  void aConnectWaitsForRoomAtTheListener() throws Exception {
    container(ALL);
    End server = new End(false, "backlog", "/socket").awaitLine("ready");
    passes(true, "backlog-client", "/socket");
    server.awaitPassed();
  }

  @Test
  void fifosAreTheHosts() throws Exception {
    container(ALL);
    assertEquals(0, new ProcessBuilder("mkfifo", shared.resolve("fifo").toString()).start().waitFor());
    passes(false, "fifo-none", "/fifo");
    passes(true, "fifo-none", "/fifo");
    for (boolean isReaderInside : new boolean[] {true, false}) {
      for (boolean isReaderFirst : new boolean[] {true, false}) {
        End first = new End(isReaderFirst == isReaderInside, isReaderFirst ? "fifo-read" : "fifo-write", "/fifo");
        containers.succeed("exec", "a", "true"); // time enough for it to wait for the other end
        passes(isReaderFirst != isReaderInside, isReaderFirst ? "fifo-write" : "fifo-read", "/fifo");
        first.awaitPassed();
      }
    }
  }

  @Test
  void withoutTheFlagsTheyAreTheContainersAlone() throws Exception {
    container(List.of());
    assertEquals(0, new ProcessBuilder("mkfifo", shared.resolve("fifo").toString()).start().waitFor());
    End server = new End(false, "serve", "stream", "/socket", "outside").awaitLine("ready");
    passes(true, "refused", "stream", "/socket");
    passes(true, "refused", "seqpacket", "/socket");
    Process reader = new ProcessBuilder("cat", shared.resolve("fifo").toString()).start();
    started.add(reader);
    passes(true, "fifo-none", "/fifo"); // the host's reader is none here
    assertTrue(reader.isAlive());
    assertTrue(server.process.isAlive());
    End inside = new End(true, "serve", "stream", "/own").awaitLine("ready");
    passes(false, "refused", "stream", "/own");
    passes(true, "connect", "stream", "/own");
    inside.awaitPassed();
  }

  @Test
  void openIsNotCreateNorCreateOpen() throws Exception {
    container(List.of("--host-uds=create"));
    End server = new End(false, "serve", "stream", "/socket", "outside").awaitLine("ready");
    passes(true, "refused", "stream", "/socket");
    assertTrue(server.process.isAlive());
    containers.succeed("delete", "--force", "a");
    container(List.of("--host-uds=open"));
    End inside = new End(true, "serve", "stream", "/own").awaitLine("ready");
    passes(false, "refused", "stream", "/own");
    passes(true, "connect", "stream", "/own");
    inside.awaitPassed();
  }
}
