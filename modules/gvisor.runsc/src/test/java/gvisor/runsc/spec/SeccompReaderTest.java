package gvisor.runsc.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SeccompReaderTest {
  private static Spec.Seccomp read(String seccomp) throws MalformedJsonException {
    String text =
        """
        {"ociVersion": "1.0.2", "root": {"path": "/"}, "process": {"cwd": "/", "args": ["x"]}, "linux": {"seccomp": %s}}
        """
            .formatted(seccomp);
    return SpecReader.read(Json.read(text.getBytes(StandardCharsets.UTF_8))).linux().seccomp();
  }

  private static void refused(String complaint, String seccomp) {
    MalformedJsonException e = assertThrows(MalformedJsonException.class, () -> read(seccomp));
    assertEquals(complaint, e.getMessage());
  }

  @Test
  void readsAProfile() throws Exception {
    Spec.Seccomp s =
        read(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64"],
             "flags": ["SECCOMP_FILTER_FLAG_LOG"],
             "syscalls": [{"names": ["a", "b"], "action": "SCMP_ACT_ALLOW",
               "args": [{"index": 5, "value": 18446744073709551615, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"}]},
              {"names": ["c"], "action": "SCMP_ACT_TRACE"}]}
            """);
    assertEquals(Spec.SeccompAction.ERRNO, s.defaultAction());
    assertEquals(38, s.defaultErrno());
    assertTrue(s.namesDefaultErrno());
    assertEquals(new Spec.SeccompArg(5, -1, 3, "SCMP_CMP_MASKED_EQ"), s.syscalls().getFirst().args().getFirst());
    assertEquals(1, s.syscalls().get(1).errno());
    assertNull(read("null"));
  }

  @Test
  void namesTheFieldThatIsWrong() {
    refused("linux.seccomp.defaultAction is missing or empty", "{}");
    refused("linux.seccomp.defaultAction is ALLOW, which is no action", "{\"defaultAction\": \"ALLOW\"}");
    refused(
        "linux.seccomp.defaultErrnoRet is given, but linux.seccomp.defaultAction is SCMP_ACT_ALLOW",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultErrnoRet\": 1}");
    refused(
        "linux.seccomp.architectures[0] is x, which is no architecture",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"x\"]}");
    refused(
        "linux.seccomp.flags[0] is x, which is no flag of a filter",
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"x\"]}");
    String rule = "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"a\"], %s}]}";
    refused("linux.seccomp.syscalls[0].action is missing or empty", rule.formatted("\"args\": []"));
    refused(
        "linux.seccomp.syscalls[0].args[0].index must be an integer from 0 to 5",
        rule.formatted("\"action\": \"SCMP_ACT_LOG\", \"args\": [{\"index\": 6, \"op\": \"SCMP_CMP_EQ\"}]"));
    refused(
        "linux.seccomp.syscalls[0].args[0].op is ==, which is no comparison",
        rule.formatted("\"action\": \"SCMP_ACT_LOG\", \"args\": [{\"index\": 0, \"op\": \"==\"}]"));
  }
}
