package gvisor.runsc.cmd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.runsc.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CliTest {
  @TempDir Path directory;

  private final PrintStream realOut = System.out;
  private final PrintStream realErr = System.err;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @BeforeEach
  void capture() {
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void release() {
    System.setOut(realOut);
    System.setErr(realErr);
  }

  private int run(String... args) {
    String[] all = new String[args.length + 4];
    all[0] = "--root";
    all[1] = directory.resolve("state").toString();
    all[2] = "--log=" + directory.resolve("log");
    all[3] = "--log-format=json";
    System.arraycopy(args, 0, all, 4, args.length);
    return Cli.run(all);
  }

  @ParameterizedTest
  @ValueSource(strings = {"state", "start", "kill", "delete", "pause", "resume", "ps", "wait", "events"})
  void absentContainerIsOneLineAndALogRecord(String verb) throws Exception {
    assertEquals(1, run(verb, "absent"));
    assertEquals("runsc: container \"absent\" does not exist\n", err.toString(StandardCharsets.UTF_8));
    var record = Json.read(Files.readAllBytes(directory.resolve("log")));
    assertEquals("error", record.path("level").asText());
    assertEquals("container \"absent\" does not exist", record.path("msg").asText());
    assertTrue(record.has("time"));
    assertEquals("", out.toString(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(strings = {"run --nonsense", "run --nonsense=1 x", "state --nonsense x", "exec --cwd / --nonsense"})
  void anUnknownOptionIsNamedBeforeWhatIsMissing(String line) {
    assertEquals(1, run(line.split(" ")));
    String verb = line.substring(0, line.indexOf(' '));
    String said = err.toString(StandardCharsets.UTF_8);
    assertTrue(said.startsWith("runsc: Unknown option: '--nonsense"), said);
    assertTrue(said.endsWith("; try runsc help " + verb + "\n"), said);
  }

  @ParameterizedTest
  @ValueSource(strings = {"run --help", "exec -h", "create --bundle / --help", "do --help", "install --help"})
  void everyCommandExplainsItself(String line) {
    assertEquals(0, run(line.split(" ")));
    String verb = line.substring(0, line.indexOf(' '));
    assertTrue(out.toString(StandardCharsets.UTF_8).startsWith("Usage: runsc " + verb), out.toString());
    assertEquals("", err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void forcedDeleteOfAnAbsentContainerSucceeds() {
    assertEquals(0, run("delete", "--force", "absent"));
    assertEquals("", err.toString(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nonsense", "--debug", "--nonsense state x", "state", "state --nonsense x", "kill x NOSIGNAL", "--network=plugin list",
        "--platform", "--log-format=xml list", "--overlay2=disk list", "run --bundle /nonexistent x", "exec x",
        "state ../x"
      })
  void badCommandLinesAreOneLineOnStandardError(String line) {
    assertEquals(1, run(line.split(" ")), line);
    assertEquals(1, err.toString(StandardCharsets.UTF_8).lines().count(), err.toString(StandardCharsets.UTF_8));
    assertTrue(err.toString(StandardCharsets.UTF_8).startsWith("runsc: "), line);
  }

  @Test
  void flagsMayHaveTheirValueAfterASpaceOrAnEqualsSign() {
    assertEquals(0, run("--debug", "--strace=false", "--platform", "ptrace", "--ignore-cgroups=true", "list", "-q"));
    assertEquals("", err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void optionsAfterTheCommandToRunAreTheCommandsOwn() {
    assertEquals("exec", Cli.commandName(new String[] {"--root", "/x", "--debug", "exec", "-t", "id"}));
    assertEquals(1, run("exec", "id", "ls", "--root", "-la"));
    assertEquals("runsc: container \"id\" does not exist\n", err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void specIsWrittenOnce() throws Exception {
    assertEquals(0, run("spec", "--bundle", directory.toString(), "--", "ls", "-l"));
    var json = Json.read(Files.readAllBytes(directory.resolve("config.json")));
    assertEquals("-l", json.path("process").path("args").get(1).asText());
    assertEquals(1, run("spec", "--bundle", directory.toString()));
    assertTrue(err.toString(StandardCharsets.UTF_8).contains("exists: remove it first"));
  }

  @Test
  void featuresAreJson() throws Exception {
    assertEquals(0, run("features"));
    var json = Json.read(out.toByteArray());
    assertEquals("1.0.0", json.path("ociVersionMin").asText());
    assertTrue(json.path("linux").path("namespaces").size() > 3);
  }

  @Test
  void helpNamesEveryCommand() {
    assertEquals(0, run("help"));
    for (String name : Cli.COMMANDS) {
      assertTrue(out.toString(StandardCharsets.UTF_8).contains("\n  " + name + " "), name);
    }
  }

  @Test
  void everyCommandHasAManPageAndIsCompleted() throws Exception {
    assertEquals(0, run("manual", directory.toString()));
    String program = Files.readString(directory.resolve("man/man1/runsc.1"));
    assertTrue(program.startsWith(".TH RUNSC 1 "), program);
    assertTrue(program.contains("\\fB\\-\\-platform\\fR=\\fINAME\\fR\n"), program);
    String completion = Files.readString(directory.resolve("bash-completion/completions/runsc"));
    for (String name : Cli.COMMANDS) {
      assertTrue(program.contains(".BR runsc\\-" + name + " (1)"), name);
      String page = Files.readString(directory.resolve("man/man1/runsc-" + name + ".1"));
      assertTrue(page.contains(".SH NAME\nrunsc\\-" + name + " \\- "), page);
      assertTrue(page.lines().allMatch(line -> line.matches("\\.(TH|SH|TP|B|BR|I) .*|\\.TP|[^.'].*")), page);
      assertTrue(completion.contains("_picocli_runsc_" + name + "()"), name);
    }
    assertTrue(completion.contains("=($(runsc list --quiet 2> /dev/null))"), "containers are completed");
    assertTrue(!completion.contains("@CONTAINERS") && !completion.contains("\"-root\""), "nothing is left that is not shown");
  }

  @Test
  void whatCannotBeOfferedIsSaid() {
    assertEquals(1, run("checkpoint", "box"));
    assertEquals("runsc: checkpoint is not offered: a sandbox cannot be saved and brought back\n",
        err.toString(StandardCharsets.UTF_8));
  }
}
