package gvisor.runsc.sandbox;

import gvisor.api.host.HostFd;
import gvisor.api.p9.P9Transport;
import gvisor.runsc.json.MalformedJsonException;
import gvisor.runsc.spec.Devices;
import gvisor.runsc.spec.Spec;
import gvisor.sentry.boot.ContainerSpec;
import gvisor.sentry.boot.DeviceSpec;
import gvisor.sentry.boot.Limits;
import gvisor.sentry.boot.MountSpec;
import gvisor.sentry.boot.ProcessSpec;
import gvisor.sentry.boot.Sharing;
import gvisor.sentry.boot.UserSpace;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** From the words of {@code config.json} to the kernel's: strings become bytes, bind mounts names of the gofer. */
final class SpecTranslator {
  private static final String DOMAINNAME = "kernel.domainname";

  private SpecTranslator() {}

  /** The name under which the gofer serves the source of bind mount number {@code index}. */
  static String attachName(int index) {
    return "mount-" + index;
  }

  static ContainerSpec container(
      String id, Spec spec, P9Transport gofer, boolean rootOverlay, boolean ociSeccomp, Sharing sharing, Limits limits,
      HostFd[] stdio)
      throws MalformedJsonException {
    List<MountSpec> mounts = new ArrayList<>();
    for (int i = 0; i < spec.mounts().size(); i++) {
      Spec.Mount mount = spec.mounts().get(i);
      mounts.add(
          new MountSpec(
              bytes(mount.destination()),
              mount.isBind() ? "bind" : mount.type(),
              bytes(mount.source()),
              mount.isBind() ? attachName(i) : null,
              mount.options()));
    }
    List<String[]> sysctls = new ArrayList<>();
    for (Map.Entry<String, String> sysctl : spec.linux().sysctl().entrySet()) {
      if (!sysctl.getKey().equals(DOMAINNAME)) { // Which is another word for the field.
        sysctls.add(new String[] {sysctl.getKey(), bytes(sysctl.getValue())});
      }
    }
    return new ContainerSpec(
        id,
        bytes(spec.hostname()),
        bytes(spec.linux().sysctl().getOrDefault(DOMAINNAME, spec.domainname())),
        gofer,
        spec.root().readonly(),
        rootOverlay,
        mounts,
        bytes(spec.linux().maskedPaths()),
        bytes(spec.linux().readonlyPaths()),
        sysctls,
        devices(spec.linux().devices()),
        users(spec.linux()),
        sharing,
        limits,
        process(null, spec.process(), stdio),
        ociSeccomp ? SeccompTranslator.profile(spec.linux().seccomp()) : null);
  }

  private static UserSpace users(Spec.Linux linux) {
    return linux.uidMappings().isEmpty()
        ? null
        : new UserSpace(ranges(linux.uidMappings()), ranges(linux.gidMappings()));
  }

  private static List<UserSpace.Range> ranges(List<Spec.IdMapping> mappings) {
    List<UserSpace.Range> ranges = new ArrayList<>();
    for (Spec.IdMapping mapping : mappings) {
      ranges.add(new UserSpace.Range(mapping.containerId(), mapping.hostId(), mapping.size()));
    }
    return ranges;
  }

  private static DeviceSpec devices(Devices devices) {
    List<DeviceSpec.Node> nodes = new ArrayList<>();
    for (Devices.Node n : devices.nodes()) {
      nodes.add(new DeviceSpec.Node(bytes(n.path()), n.type(), n.major(), n.minor(), n.mode(), n.uid(), n.gid()));
    }
    List<DeviceSpec.Rule> rules = new ArrayList<>();
    for (Devices.Rule r : devices.rules()) {
      String access = r.access();
      rules.add(
          new DeviceSpec.Rule(
              r.allow(), r.type(), r.major(), r.minor(), access.contains("r"), access.contains("w"),
              access.contains("m")));
    }
    return new DeviceSpec(nodes, rules);
  }

  /** @param file what is executed; null for what the arguments begin with */
  static ProcessSpec process(String file, Spec.Process process, HostFd[] stdio) {
    List<ProcessSpec.Rlimit> limits = new ArrayList<>();
    for (Spec.Rlimit limit : process.rlimits()) {
      limits.add(new ProcessSpec.Rlimit(limit.resource(), limit.soft(), limit.hard()));
    }
    Spec.Capabilities sets = process.capabilities();
    return new ProcessSpec(
        file == null ? null : bytes(file),
        bytes(process.args()),
        bytes(process.env()),
        bytes(process.cwd()),
        process.user().uid(),
        process.user().gid(),
        process.user().additionalGids(),
        process.umask(),
        new long[] {sets.bounding(), sets.effective(), sets.inheritable(), sets.permitted(), sets.ambient()},
        process.noNewPrivileges(),
        limits,
        process.oomScoreAdj(),
        process.terminal(),
        process.consoleHeight(),
        process.consoleWidth(),
        scheduling(process.scheduling()),
        stdio);
  }

  private static ProcessSpec.Scheduling scheduling(Spec.Scheduling s) {
    return new ProcessSpec.Scheduling(s.policy(), s.nice(), s.priority(), s.ioClass(), s.ioPriority());
  }

  /** Text as the kernel holds it: its UTF-8 bytes, one a character. */
  private static String bytes(String text) {
    return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }

  private static List<String> bytes(List<String> texts) {
    List<String> converted = new ArrayList<>(texts.size());
    for (String text : texts) {
      converted.add(bytes(text));
    }
    return converted;
  }
}
