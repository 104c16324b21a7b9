package gvisor.runsc.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.host.Confinement;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The Java VM does whatever it may come to do under a sandbox's filter, and a gofer's: see {@link BusyMachine}. */
class VirtualMachineTest {
  private static final int SIGQUIT = 3;

  @ParameterizedTest
  @ValueSource(strings = {"ptrace", "kvm", "gofer"})
  @Timeout(120)
  void collectsCompilesStartsThreadsOverflowsRunsOutOfMemoryAndDumpsThreads(String platform, @TempDir Path empty)
      throws Exception {
    Assumptions.assumeTrue(Confinement.isAdministrator(), "needs root to make namespaces");
    boolean isGofer = platform.equals("gofer");
    List<String> flags = new ArrayList<>(isGofer ? SandboxProcess.GOFER_FLAGS : SandboxProcess.SANDBOX_FLAGS);
    flags.addAll(List.of("-Xmx64m", "-XX:+PrintCompilation", "-XX:+HeapDumpOnOutOfMemoryError",
        "-XX:HeapDumpPath=/heap.hprof"));
    ConfinedProcess.Result result =
        ConfinedProcess.run(
            isGofer,
            BusyMachine.class,
            flags,
            child -> {
              sleep(1000);
              child.kill(SIGQUIT);
            },
            platform,
            empty.toString());
    String output = result.output();
    assertEquals(0, result.exitCode(), output);
    for (String expected :
        List.of("compiled\n", "collected\n", "threads: 100\n", "overflow\n", "traced", "Caused by:", "Formatted",
            "out of memory\n", "done\n", "Full thread dump", "heap.hprof")) {
      assertTrue(output.contains(expected), expected + " is not in: " + output);
    }
    assertFalse(output.contains("cannot load a class"), output);
    assertTrue(isGofer || output.lines().anyMatch(l -> l.matches(".* 4 +gvisor\\.runsc\\.sandbox\\.BusyMachine::mix.*")),
        "the second compiler has run: " + output);
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
