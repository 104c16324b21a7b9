package gvisor.platform.ptrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import gvisor.host.Child;
import gvisor.host.Confinement;
import gvisor.host.Fd;
import gvisor.host.Spawn;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ConfinementTest {
  @Test
  @Timeout(60)
  void aSandboxWorksOnWithoutFilesPrivilegesAndMostSystemCalls() throws Exception {
    assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "needs root to make namespaces");
    String java = System.getProperty("java.home") + "/bin/java";
    List<String> argv = List.of(java, "-XX:+UseSerialGC", "-Xmx64m", "-XX:-UsePerfData",
        "-XX:ReservedCodeCacheSize=64m", "-XX:InitialCodeCacheSize=64m",
        "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
        ConfinedMain.class.getName());
    Fd[] pipe = Fd.pipe();
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (Fd in = pipe[0]) {
      Child child;
      try (Fd out = pipe[1]) {
        child = new Spawn(java, argv).namespaces(Confinement.NAMESPACES).fd(out, 1).start();
      }
      byte[] buffer = new byte[4096];
      for (long n = in.readWaiting(MemorySegment.ofArray(buffer)); n > 0;
          n = in.readWaiting(MemorySegment.ofArray(buffer))) {
        output.write(buffer, 0, (int) n);
      }
      child.waitFor();
    }
    String expected = """
        confining []
        root: []
        open: ENOENT: No such file or directory
        done
        """;
    assertEquals(expected, output.toString(StandardCharsets.UTF_8));
  }
}
