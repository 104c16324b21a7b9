package gvisor.runsc.sandbox;

import gvisor.api.errno.ErrnoException;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import gvisor.runsc.spec.Spec;
import gvisor.runsc.spec.SpecReader;
import gvisor.sentry.seccomp.ProfileCompiler;
import gvisor.sentry.seccomp.SeccompFilter;
import gvisor.sentry.seccomp.SeccompProfile;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Fuzz target: a {@code config.json}. An odd first byte stands before the text itself; with an even one the input says
 * where a good text is changed: two bytes of place, one of length, one that chooses what comes there.
 */
public final class ConfigFuzz {
  private static final String GOOD =
      """
      {"ociVersion": "1.0.2", "hostname": "h", "annotations": {"a": "b"},
       "process": {"terminal": true, "consoleSize": {"height": 5, "width": 6}, "cwd": "/", "args": ["x", "y"],
        "env": ["A=B"], "user": {"uid": 1, "gid": 2, "umask": 18, "additionalGids": [3, 4]}, "oomScoreAdj": 10,
        "capabilities": {"bounding": ["CAP_CHOWN"], "ambient": ["CAP_KILL"]}, "noNewPrivileges": true,
        "rlimits": [{"type": "RLIMIT_CORE", "soft": 1, "hard": 18446744073709551615}], "apparmorProfile": "p"},
       "root": {"path": "rootfs", "readonly": true},
       "mounts": [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["ro", "size=4k"]},
        {"destination": "/b", "type": "bind", "source": "/x", "options": ["rbind"]}],
       "hooks": {"prestart": [{"path": "/p", "args": ["a"], "env": ["b"], "timeout": 3}]},
       "linux": {"namespaces": [{"type": "pid", "path": "/q"}], "cgroupsPath": "/c", "sysctl": {"a.b": "1"},
        "resources": {"memory": {"limit": 1000000}, "pids": {"limit": 10}, "cpu": {"shares": 3, "quota": 1}},
        "maskedPaths": ["/m"], "readonlyPaths": ["/r"], "mountLabel": "l",
        "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": ["SCMP_ARCH_X32"],
         "flags": ["SECCOMP_FILTER_FLAG_LOG"], "syscalls": [{"names": ["read", "nothing"], "action": "SCMP_ACT_ALLOW",
          "args": [{"index": 1, "value": 5, "valueTwo": 6, "op": "SCMP_CMP_MASKED_EQ"}]}]}}}
      """;

  private static final String[] PIECES = {
    "", "null", "-1", "1e400", "99999999999999999999", "{}", "[]", "\"\"", "true", "\"\\u0000\"", "[[[[", "}", ",",
    "\"\ud800\"", "0x10", "-0", "1.5", "\"/\"", "9223372036854775807", "{\"a\":", ":", "\uffff", "\"SCMP_ACT_TRACE\""
  };

  private static final int CHANGE = 4;

  private ConfigFuzz() {}

  /** Runs one input. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    byte[] text = (input[0] & 1) != 0 ? Arrays.copyOfRange(input, 1, input.length) : changed(input);
    try {
      Spec spec = SpecReader.read(Json.read(text));
      Json.write(Json.read(text));
      SeccompProfile profile = SeccompTranslator.profile(spec.linux().seccomp());
      if (profile != null) {
        long[] program = new ProfileCompiler(profile, String::length).compile();
        SeccompFilter.install(program, null, profile.logs());
      }
    } catch (MalformedJsonException | ProfileCompiler.ContradictionException | ErrnoException e) {
      if (e.getMessage() == null || e.getMessage().isBlank() || e.getMessage().length() > 100_000) {
        throw new IllegalStateException("a complaint that says nothing", e);
      }
    }
  }

  private static byte[] changed(byte[] input) {
    StringBuilder text = new StringBuilder(GOOD);
    for (int at = 1; at + CHANGE <= input.length; at += CHANGE) {
      int place = ((input[at] & 0xff) << 8 | input[at + 1] & 0xff) % (text.length() + 1);
      int end = Math.min(text.length(), place + (input[at + 2] & 15));
      int piece = input[at + 3] & 0xff;
      text.replace(place, end, piece < 200 ? PIECES[piece % PIECES.length] : Character.toString(piece - 100));
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }
}
