package gvisor.runsc.cmd;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.runsc.Version;
import gvisor.runsc.config.Config;
import gvisor.runsc.json.Json;
import gvisor.runsc.spec.CapabilityNames;
import gvisor.runsc.spec.MountOptionNames;
import gvisor.runsc.spec.Spec;
import java.util.List;

/** {@code features}: what this runtime does, as features.md of the OCI specification has it. */
final class Features extends Command {
  private static final List<String> HOOKS =
      List.of("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop");

  Features() {
    super("features", "Prints what this runtime supports, as JSON.");
  }

  @Override
  int run(Config config) {
    ObjectNode json = Json.object().put("ociVersionMin", "1.0.0").put("ociVersionMax", Version.OCI);
    strings(json.putArray("hooks"), HOOKS);
    strings(json.putArray("mountOptions"), MountOptionNames.KNOWN);
    ObjectNode linux = json.putObject("linux");
    strings(linux.putArray("namespaces"), List.of("ipc", "mount", "network", "pid", "user", "uts"));
    ArrayNode capabilities = linux.putArray("capabilities");
    CapabilityNames.ALL.forEach(name -> capabilities.add("CAP_" + name));
    linux
        .putObject("cgroup")
        .put("v1", true)
        .put("v2", true)
        .put("systemd", true)
        .put("systemdUser", false)
        .put("rdma", false);
    ObjectNode seccomp = linux.putObject("seccomp").put("enabled", true);
    ArrayNode actions = seccomp.putArray("actions");
    for (Spec.SeccompAction action : Spec.SeccompAction.values()) {
      if (action != Spec.SeccompAction.NOTIFY) {
        actions.add(action.text());
      }
    }
    strings(seccomp.putArray("operators"), Spec.SeccompArg.OPERATORS);
    strings(seccomp.putArray("archs"), List.of("SCMP_ARCH_X86_64"));
    strings(seccomp.putArray("knownFlags"), Spec.Seccomp.FLAGS);
    strings(seccomp.putArray("supportedFlags"), Spec.Seccomp.FLAGS);
    linux.putObject("apparmor").put("enabled", false);
    linux.putObject("selinux").put("enabled", false);
    linux.putObject("intelRdt").put("enabled", false);
    linux.putObject("mountExtensions").putObject("idmap").put("enabled", false);
    linux.putObject("netDevices").put("enabled", false);
    json.putObject("annotations").put("version", Version.NUMBER);
    byte[] text = Json.writeIndented(json);
    System.out.write(text, 0, text.length);
    return 0;
  }

  private static void strings(ArrayNode array, List<String> texts) {
    texts.forEach(array::add);
  }
}
