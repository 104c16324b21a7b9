package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line as Docker, containerd and people use it, against the linked image. Nothing is left behind. */
class CommandLineTest {
  private static final int SECONDS = 60;

  @TempDir Path directory;

  private Path bundle;
  private Path state;

  @BeforeEach
  void makeBundle() throws Exception {
    bundle = Files.createDirectory(directory.resolve("bundle"));
    state = directory.resolve("state");
    configure("/bin/sh", "-c", "exit 7");
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    if (Files.isDirectory(state)) {
      try (Stream<Path> left = Files.list(state)) {
        assertEquals(List.of(), left.toList());
      }
    }
    String mark = state.toString();
    List<String> processes =
        ProcessHandle.allProcesses()
            .map(p -> p.pid() + " " + p.info().commandLine().orElse(""))
            .filter(line -> line.contains("gvisor.runsc") && line.contains(mark))
            .toList();
    assertEquals(List.of(), processes);
  }

  private void configure(String... args) throws Exception {
    Image.Container container = new Image.Container(RootFileSystems.get("busybox"), List.of(args));
    Files.writeString(bundle.resolve("config.json"), Image.config(container));
  }

  private Programs.Result runsc(String... args) throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of("--root", state.toString(), "--log", directory + "/log", "--log-format", "json"));
    all.addAll(List.of(args));
    return Image.runsc(SECONDS, all.toArray(String[]::new));
  }

  private Programs.Result run(String id) throws Exception {
    return runsc("run", "--bundle", bundle.toString(), id);
  }

  private void assertFails(int code, String message, Programs.Result result) throws IOException {
    assertEquals("runsc: " + message + "\n", result.err());
    assertEquals(code, result.exitCode());
    assertEquals("", result.out());
    String log = Files.readString(directory.resolve("log"));
    assertTrue(log.contains("\"level\":\"error\""), log);
  }

  @Test
  void versionNamesTheSpec() throws Exception {
    Programs.Result result = Image.runsc(SECONDS, "--version");
    assertEquals(0, result.exitCode());
    assertTrue(result.out().matches("runsc version \\S+\nspec: 1\\.\\d+\\.\\d+\n"), result.out());
  }

  @Test
  void pagesAndCompletionAreWellFormed() throws Exception {
    Path share = directory.resolve("share");
    assertEquals(0, runsc("manual", share.toString()).exitCode());
    Programs.Result parsed =
        Programs.run(
            directory, Map.of(), SECONDS,
            List.of("bash", "-n", share.resolve("bash-completion/completions/runsc").toString()));
    assertEquals(new Programs.Result(0, "", ""), parsed);
    List<String> command = new ArrayList<>(List.of("groff", "-man", "-Tutf8", "-ww", "-z"));
    try (Stream<Path> pages = Files.list(share.resolve("man/man1"))) {
      pages.forEach(page -> command.add(page.toString()));
    }
    Assumptions.assumeTrue(Files.exists(Path.of("/usr/bin/groff")), "there is no groff");
    assertEquals(new Programs.Result(0, "", ""), Programs.run(directory, Map.of(), SECONDS, command));
  }

  @Test
  void theLauncherFollowsSymbolicLinks() throws Exception {
    Path link = Files.createSymbolicLink(directory.resolve("link"), Image.RUNSC);
    Path linkToLink = Files.createSymbolicLink(directory.resolve("again"), Path.of("link"));
    for (Path path : List.of(link, linkToLink)) {
      Programs.Result result =
          Programs.run(directory, java.util.Map.of(), SECONDS, List.of(path.toString(), "--version"));
      assertEquals(0, result.exitCode(), result.err());
    }
  }

  @Test
  void runExitsWithTheContainersCode() throws Exception {
    Programs.Result result = run("a");
    assertEquals("", result.err());
    assertEquals(7, result.exitCode());
  }

  @Test
  void runExitsWithOneHundredAndTwentyEightPlusTheSignal() throws Exception {
    configure("/bin/sh", "-c", "sh -c 'kill -KILL $$'; exit $?");
    assertEquals(137, run("a").exitCode());
  }

  @Test
  void whatTheSandboxLogsIsSeenWhereNoFileIsNamed() throws Exception {
    Programs.Result result = runsc("--strace", "run", "--bundle", bundle.toString(), "a");
    assertEquals(7, result.exitCode());
    assertEquals("", result.out());
    assertTrue(result.err().lines().anyMatch(l -> l.contains("exit_group(7)")), result.err());
    Path file = directory.resolve("sandbox.log");
    result = runsc("--strace", "--debug-log", file.toString(), "run", "--bundle", bundle.toString(), "a");
    assertEquals("", result.err());
    assertTrue(Files.readString(file).contains("exit_group(7)"));
  }

  @Test
  void standardFilesAreTheCallers() throws Exception {
    configure("/bin/sh", "-c", "echo out; echo err >&2; wc -c");
    Programs.Result result = run("a");
    assertEquals("out\n0\n", result.out());
    assertEquals("err\n", result.err());
  }

  @Test
  void missingProgramIs127() throws Exception {
    configure("nonesuch");
    Programs.Result result = run("a");
    assertEquals(127, result.exitCode(), result.err());
    assertTrue(result.err().contains("executable file not found in $PATH"), result.err());
    assertEquals(1, result.err().lines().count());
  }

  @Test
  void programThatIsNotExecutableIs126() throws Exception {
    configure("/etc/passwd");
    Programs.Result result = run("a");
    assertEquals(126, result.exitCode(), result.err());
    assertTrue(result.err().contains("permission denied"), result.err());
  }

  @Test
  void malformedConfigNamesThePlace() throws Exception {
    Files.writeString(bundle.resolve("config.json"), "{\"ociVersion\": ");
    Programs.Result result = run("a");
    assertEquals(1, result.exitCode());
    assertTrue(result.err().startsWith("runsc: " + bundle + "/config.json: line 1 column "), result.err());
  }

  @Test
  void badInputIsOneLine() throws Exception {
    assertFails(1, "container \"x\" does not exist", runsc("state", "x"));
    assertFails(1, "unknown command nonsense; try runsc help", runsc("nonsense"));
    Programs.Result flag = runsc("run", "--nonsense", "x");
    assertEquals(1, flag.exitCode());
    assertEquals(1, flag.err().lines().count(), flag.err());
    Files.delete(bundle.resolve("config.json"));
    assertFails(1, bundle + "/config.json: no such file or directory", run("a"));
  }

  @Test
  void absentRootIsNamed() throws Exception {
    Files.writeString(
        bundle.resolve("config.json"),
        Image.config(new Image.Container(directory.resolve("nowhere"), List.of("/bin/sh"))));
    assertFails(1, "root.path: " + directory + "/nowhere: no such directory", run("a"));
  }

  @Test
  void unknownPlatformIsNamed() throws Exception {
    Programs.Result result = runsc("--platform=abacus", "run", "--bundle", bundle.toString(), "a");
    assertEquals(1, result.exitCode());
    assertTrue(result.err().startsWith("runsc: --platform=abacus is unknown; this image has "), result.err());
  }

  @Test
  void lifeCycle() throws Exception {
    configure("/bin/sh", "-c", "trap 'exit 3' TERM; echo > /tmp/ready; while :; do sleep 0.1; done");
    Path pidFile = directory.resolve("pid");
    Programs.Result created =
        runsc("create", "--bundle", bundle.toString(), "--pid-file", pidFile.toString(), "box");
    assertEquals(0, created.exitCode(), created.err());
    long pid = Long.parseLong(Files.readString(pidFile));
    assertTrue(ProcessHandle.of(pid).isPresent());
    assertTrue(runsc("state", "box").out().contains("\"status\" : \"created\""));
    assertEquals(1, run("box").exitCode(), "an id is taken once");
    assertEquals(1, runsc("exec", "box", "true").exitCode(), "nothing runs in a created container");

    Programs.Result started = runsc("start", "box");
    assertEquals(0, started.exitCode(), started.err());
    assertTrue(runsc("state", "box").out().contains("\"status\" : \"running\""));
    assertEquals("box\n", runsc("list", "-q").out());
    assertEquals(1, runsc("start", "box").exitCode(), "a container starts once");
    assertEquals(1, runsc("delete", "box").exitCode(), "a running container is not deleted");

    Programs.Result exec =
        runsc("exec", "--env", "A=b c", "--cwd", "/tmp", "box", "/bin/sh", "-c", "pwd; echo $A; exit 5");
    assertEquals("/tmp\nb c\n", exec.out(), exec.err());
    assertEquals(5, exec.exitCode());
    assertEquals(127, runsc("exec", "box", "nonesuch").exitCode());
    assertTrue(runsc("ps", "box").out().matches("(?s)UID.* 1 .* sh\n.*"));
    assertEquals("[" + pid + "]\n", runsc("ps", "-f", "json", "box").out());

    assertEquals(0, runsc("exec", "box", "/bin/sh", "-c", "while [ ! -e /tmp/ready ]; do sleep 0.1; done").exitCode());
    assertEquals(0, runsc("kill", "box", "TERM").exitCode());
    Programs.Result waited = runsc("wait", "box");
    assertTrue(waited.out().contains("\"exitStatus\" : 3"), waited.out() + waited.err());
    for (int i = 0; i < 100 && !runsc("state", "box").out().contains("\"stopped\""); i++) {
      Thread.onSpinWait();
    }
    assertEquals(1, runsc("kill", "box", "TERM").exitCode());
    Programs.Result deleted = runsc("delete", "box");
    assertEquals(0, deleted.exitCode(), deleted.err());
    assertEquals(1, runsc("state", "box").exitCode());
  }

  @Test
  void forcedDeleteEndsWhatRuns() throws Exception {
    configure("/bin/sleep", "1000");
    assertEquals(0, runsc("create", "--bundle", bundle.toString(), "box").exitCode());
    assertEquals(0, runsc("start", "box").exitCode());
    assertEquals(0, runsc("delete", "--force", "box").exitCode());
  }

  @Test
  void deadSandboxIsAStoppedContainer() throws Exception {
    configure("/bin/sleep", "1000");
    Path pidFile = directory.resolve("pid");
    assertEquals(
        0, runsc("create", "--bundle", bundle.toString(), "--pid-file", pidFile.toString(), "box").exitCode());
    assertEquals(0, runsc("start", "box").exitCode());
    ProcessHandle sandbox = ProcessHandle.of(Long.parseLong(Files.readString(pidFile))).orElseThrow();
    sandbox.destroyForcibly();
    sandbox.onExit().join();
    assertTrue(runsc("state", "box").out().contains("\"stopped\""));
    assertEquals(0, runsc("delete", "box").exitCode());
  }

  @Test
  void doRunsAHostCommandAndDropsItsChanges() throws Exception {
    Path file = directory.resolve("made");
    Programs.Result result =
        runsc("do", "/bin/sh", "-c", "echo hello > " + file + "; cat " + file + "; uname -n");
    assertEquals("hello\nrunsc-do\n", result.out(), result.err());
    assertFalse(Files.exists(file));
  }

  /** Even if the directories of the state let them through. */
  @Test
  void strangersCannotUseTheControlSocket() throws Exception {
    Assumptions.assumeTrue(
        (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0, "it takes root to be somebody else");
    configure("/bin/sleep", "100");
    assertEquals(0, runsc("create", "--bundle", bundle.toString(), "c").exitCode());
    try {
      Path socket = state.resolve("c/c.sock");
      Programs.run(Path.of("/"), Map.of(), 10, List.of("chmod", "o+rwx", socket.toString()));
      for (Path p = socket.getParent(); p.startsWith(directory); p = p.getParent()) {
        Programs.run(Path.of("/"), Map.of(), 10, List.of("chmod", "o+x", p.toString()));
      }
      // {"op": "ps", "id": "c"} as the connection carries it.
      String request = "\\xa2\\x62op\\x62ps\\x62id\\x61c";
      String ask =
          "use IO::Socket::UNIX; $SIG{PIPE} = 'IGNORE'; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;"
              + " print $s pack('V/a*', \"" + request + "\"); $s->flush();"
              + " my $n = sysread($s, my $b, 10) || 0; print \"$n\"";
      List<String> perl = List.of("perl", "-e", ask, socket.toString());
      assertEquals("10", Programs.run(Path.of("/"), Map.of(), SECONDS, perl).out());
      List<String> stranger = new ArrayList<>(List.of("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"));
      stranger.addAll(perl);
      Programs.Result result = Programs.run(Path.of("/"), Map.of(), SECONDS, stranger);
      assertEquals("0", result.out(), result.err());
    } finally {
      runsc("delete", "--force", "c");
    }
  }
}
