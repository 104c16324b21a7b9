package gvisor.runsc.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import gvisor.host.Confinement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A sandbox and a gofer that have been taken over try what must not succeed, each call in a process of its own. */
@Timeout(300)
class EscapeTest {
  private static final int KILLED = 128 + 9;
  private static final String OWN_PID = Long.toString(ProcessHandle.current().pid());

  /** A small VM whose code cache is mapped at the start, as a sandbox's is. */
  private static final List<String> FLAGS = List.of(
      "-Xmx32m", "-Xss512k", "-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=16m", "-XX:InitialCodeCacheSize=16m");

  @BeforeAll
  static void needsNamespaces() {
    Assumptions.assumeTrue(Confinement.isAdministrator(), "needs root to make namespaces");
  }

  @TestFactory
  Stream<DynamicTest> aSandboxEndsWithAForbiddenCallAndItsLogNamesIt() {
    return HostileSandbox.deadly(1).keySet().stream()
        .map(name -> dynamicTest(name, () -> endsOf(name, false, HostileSandbox.class, OWN_PID, name)));
  }

  @TestFactory
  Stream<DynamicTest> aSandboxWithSocketsOfTheHostMakesNone() {
    return HostileSandbox.deadlyWithSockets().keySet().stream()
        .map(name -> dynamicTest(name, () -> endsOf(name, false, HostileSandbox.class, OWN_PID, name, "sockets")));
  }

  @Test
  void aSandboxSeesNoFilesAndNoOtherProcesses() throws Exception {
    ConfinedProcess.Result result =
        ConfinedProcess.run(false, HostileSandbox.class, FLAGS, child -> {}, OWN_PID);
    assertEquals(new ConfinedProcess.Result(0, "all refused\n"), result);
  }

  @TestFactory
  Stream<DynamicTest> aGoferEndsWithAForbiddenCallAndItsLogNamesIt() {
    return HostileGofer.deadly().keySet().stream().map(name -> goferEnds(name, "files"));
  }

  @TestFactory
  Stream<DynamicTest> aGoferWithSocketsOfTheHostDoesToo() {
    return HostileGofer.deadlyWithSockets().keySet().stream().map(name -> goferEnds(name, "sockets"));
  }

  private static DynamicTest goferEnds(String name, String access) {
    return dynamicTest(
        name,
        () -> {
          try (Served served = Served.make()) {
            endsOf(name, true, HostileGofer.class, served.readOnly, served.writable, served.empty, access, name);
          }
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"files", "sockets"})
  void aGoferReachesNothingButWhatItServes(String access) throws Exception {
    try (Served served = Served.make()) {
      ConfinedProcess.Result result =
          ConfinedProcess.run(
              true, HostileGofer.class, FLAGS, child -> {}, served.readOnly, served.writable, served.empty, access);
      assertEquals(new ConfinedProcess.Result(0, "all refused\n"), result);
    }
  }

  /** Two directories to serve, with traps in the second, a secret beside them, and an empty directory. */
  private record Served(Path directory, String readOnly, String writable, String empty) implements AutoCloseable {
    static Served make() throws Exception {
      Path directory = Files.createTempDirectory("served");
      Path secret = Files.writeString(directory.resolve("secret"), "secret");
      Path readOnly = Files.createDirectory(directory.resolve("a"));
      Path writable = Files.createDirectory(directory.resolve("b"));
      Path empty = Files.createDirectory(directory.resolve("empty"));
      Files.writeString(readOnly.resolve("file"), "x");
      Files.writeString(writable.resolve("file"), "x");
      Files.createSymbolicLink(writable.resolve("absolute-link"), secret);
      Files.createSymbolicLink(writable.resolve("socket-link"), Path.of("../secret-socket"));
      Files.createSymbolicLink(writable.resolve("relative-link"), Path.of("../secret"));
      Path setuid = Files.copy(Path.of("/bin/true"), writable.resolve("setuid"));
      Files.setAttribute(setuid, "unix:mode", 04755);
      int made =
          new ProcessBuilder("mknod", writable.resolve("device").toString(), "c", "1", "3").start().waitFor();
      assertEquals(0, made, "mknod");
      return new Served(directory, readOnly.toString(), writable.toString(), empty.toString());
    }

    @Override
    public void close() throws IOException {
      try (Stream<Path> files = Files.walk(directory)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  private static void endsOf(String name, boolean isGofer, Class<?> main, String... arguments) throws Exception {
    ConfinedProcess.Result result = ConfinedProcess.run(isGofer, main, FLAGS, child -> {}, arguments);
    String kind = isGofer ? "gofer" : "sandbox";
    String call = name.replaceAll("[: ].*", "");
    String told = kind + ": killed for a system call that its filter does not allow: ";
    assertTrue(result.output().startsWith(told), name + ": " + result);
    assertTrue(result.output().substring(told.length()).startsWith(name.contains("x32") ? "without" : call + " ("),
        name + ": " + result);
    assertEquals(KILLED, result.exitCode(), name);
  }
}
