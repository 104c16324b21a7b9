package gvisor.runsc.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import gvisor.host.Confinement;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

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

  @Test
  void aSandboxSeesNoFilesAndNoOtherProcesses() throws Exception {
    ConfinedProcess.Result result =
        ConfinedProcess.run(false, HostileSandbox.class, FLAGS, child -> {}, OWN_PID);
    assertEquals(new ConfinedProcess.Result(0, "all refused\n"), result);
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
