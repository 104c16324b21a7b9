package gvisor.runsc.sandbox;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import gvisor.runsc.spec.SpecReader;
import gvisor.sentry.seccomp.ProfileCompiler;
import gvisor.sentry.seccomp.SeccompFilter;
import gvisor.sentry.seccomp.SeccompProfile;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What fields of a profile other than its rules come to. */
class SeccompTranslatorTest {
  private static final String RULE = "\"syscalls\": [{\"names\": [\"mkdir\"], \"action\": \"SCMP_ACT_ALLOW\"}]";

  private static SeccompProfile profile(String fields) throws MalformedJsonException {
    String text =
        """
        {"ociVersion": "1.0.2", "root": {"path": "/"}, "process": {"cwd": "/", "args": ["x"]},
         "linux": {"seccomp": {"defaultAction": "SCMP_ACT_ERRNO", %s}}}
        """
            .formatted(fields);
    return SeccompTranslator.profile(
        SpecReader.read(Json.read(text.getBytes(StandardCharsets.UTF_8))).linux().seccomp());
  }

  private static long[] program(SeccompProfile profile) throws Exception {
    return new ProfileCompiler(profile, name -> name.equals("mkdir") ? 83 : -1).compile();
  }

  /** All threads have the filter from their first call on, no mitigation is there to allow, and nobody is asked. */
  @ParameterizedTest
  @ValueSource(strings = {
      "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"})
  void flagsWithNothingToDoChangeNothing(String flag) throws Exception {
    SeccompProfile with = profile(RULE + ", \"flags\": [\"" + flag + "\"]");
    assertFalse(with.logs());
    assertArrayEquals(program(profile(RULE)), program(with));
  }

  @Test
  void logIsHandedOn() throws Exception {
    assertTrue(profile(RULE + ", \"flags\": [\"SECCOMP_FILTER_FLAG_TSYNC\", \"SECCOMP_FILTER_FLAG_LOG\"]").logs());
  }

  @Test
  void aFlagNobodyKnowsIsRefusedByName() {
    MalformedJsonException e =
        assertThrows(MalformedJsonException.class, () -> profile(RULE + ", \"flags\": [\"SECCOMP_FILTER_FLAG_NEW\"]"));
    assertEquals("linux.seccomp.flags[0] is SECCOMP_FILTER_FLAG_NEW, which is no flag of a filter", e.getMessage());
  }

  /** An agent's socket is for rules that notify, which are refused; without one nobody connects to it. */
  @Test
  void aListenerIsOfNoUseWithoutRulesThatNotify() throws Exception {
    assertArrayEquals(
        program(profile(RULE)), program(profile(RULE + ", \"listenerPath\": \"/run/agent.sock\"")));
    for (String fields :
        new String[] {
          "\"syscalls\": [{\"names\": [\"mkdir\"], \"action\": \"SCMP_ACT_NOTIFY\"}]",
          "\"syscalls\": [{\"names\": [\"chmod\", \"mkdir\"], \"action\": \"SCMP_ACT_NOTIFY\"}]"
        }) {
      MalformedJsonException e = assertThrows(MalformedJsonException.class, () -> profile(fields));
      assertTrue(e.getMessage().contains("SCMP_ACT_NOTIFY, but calls inside a sandbox"), e.getMessage());
    }
  }

  @Test
  void onlyX32OfOtherArchitecturesMatters() throws Exception {
    assertFalse(profile(RULE + ", \"architectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_AARCH64\"]").x32());
    assertTrue(profile(
        RULE + ", \"architectures\": [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"]").x32());
  }

  @Test
  void theDefaultErrnoIsWhatTheProfileSays() throws Exception {
    SeccompProfile profile = profile(RULE + ", \"defaultErrnoRet\": 5");
    assertEquals(SeccompFilter.SECCOMP_RET_ERRNO | 5, profile.defaultAction());
    assertTrue(profile.refuseNewCalls());
    assertFalse(profile(RULE + ", \"defaultErrnoRet\": 38").refuseNewCalls());
    assertEquals(SeccompFilter.SECCOMP_RET_ERRNO | 1, profile(RULE).defaultAction());
  }
}
