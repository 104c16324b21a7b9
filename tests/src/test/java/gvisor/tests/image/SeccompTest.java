package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A bundle's seccomp profile, seen by the programs in the container. */
class SeccompTest {
  private static final int SECONDS = 60;
  private static final int SIGSYS_EXIT = 128 + 31;

  private static final String ONE_RULE =
      """
      {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
       "syscalls": [{"names": ["%s"], "action": "%s"%s}]}
      """;

  @TempDir Path directory;

  private Programs.Result run(List<String> flags, String seccomp, String script) throws Exception {
    Image.Container container =
        new Image.Container(RootFileSystems.get("busybox"), List.of("/bin/sh", "-c", script)).withSeccomp(seccomp);
    Files.writeString(directory.resolve("config.json"), Image.config(container));
    List<String> command = new ArrayList<>(List.of("--root", directory.resolve("state").toString()));
    command.addAll(flags);
    command.addAll(List.of("run", "--bundle", directory.toString(), "seccomp-" + ProcessHandle.current().pid()));
    return Image.runsc(SECONDS, command.toArray(String[]::new));
  }

  private static String rule(String call, String action, String more) {
    return ONE_RULE.formatted(call, action, more);
  }

  @Test
  void isAppliedToEveryProcess() throws Exception {
    Programs.Result result = run(List.of(), Image.defaultSeccomp(), "grep Seccomp: /proc/self/status; unshare -m true");
    assertEquals("Seccomp:\t2\n", result.out());
    assertTrue(result.err().contains("Operation not permitted"), result.err());
    assertEquals(1, result.exitCode());
  }

  @Test
  void canBeLeftOut() throws Exception {
    Programs.Result result =
        run(List.of("--oci-seccomp=false"), Image.defaultSeccomp(), "grep Seccomp: /proc/self/status");
    assertEquals("Seccomp:\t0\n", result.out());
  }

  @Test
  void actionsDoWhatTheySay() throws Exception {
    String script = "mkdir /tmp/x; echo $?";
    Programs.Result result = run(List.of(), rule("mkdir", "SCMP_ACT_ERRNO", ", \"errnoRet\": 28"), script);
    assertTrue(result.err().contains("No space left on device"), result.err());
    assertEquals("1\n", result.out());
    for (String action : List.of("SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP")) {
      assertEquals(SIGSYS_EXIT + "\n", run(List.of(), rule("mkdir", action, ""), script).out(), action);
    }
    assertEquals("0\n", run(List.of(), rule("mkdir", "SCMP_ACT_LOG", ""), script).out());
    result = run(List.of(), rule("mkdir", "SCMP_ACT_TRACE", ""), script);
    assertTrue(result.err().contains("Function not implemented"), result.err());
  }

  @Test
  void argumentsAreCompared() throws Exception {
    String mode = ", \"args\": [{\"index\": 1, \"value\": 448, \"op\": \"SCMP_CMP_EQ\"}]";
    Programs.Result result =
        run(
            List.of(),
            rule("chmod", "SCMP_ACT_ERRNO", mode),
            "touch /tmp/a; chmod 700 /tmp/a 2> /dev/null; echo $?; chmod 500 /tmp/a; echo $?");
    assertEquals("1\n0\n", result.out());
  }

  @Test
  void whatCannotBeServedIsRefused() throws Exception {
    Programs.Result result = run(List.of(), rule("mkdir", "SCMP_ACT_NOTIFY", ""), "true");
    assertTrue(result.err().startsWith("runsc: linux.seccomp.syscalls[0].action is SCMP_ACT_NOTIFY"), result.err());
    assertEquals(1, result.exitCode());
    result = run(List.of(), rule("mkdir", "SCMP_ACT_NOTHING", ""), "true");
    assertTrue(result.err().contains("linux.seccomp.syscalls[0].action is SCMP_ACT_NOTHING"), result.err());
  }
}
