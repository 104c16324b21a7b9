package gvisor.runsc.spec;

import gvisor.runsc.json.FieldReader;
import gvisor.runsc.json.MalformedJsonException;
import java.util.List;

/**
 * Fields of {@code linux} that this runtime does not act on: checked where nothing needs to be done, refused where not
 * to act would break a promise. Source: OCI Runtime Specification 1.2, config-linux.md. Stateless.
 */
final class LinuxFields {
  private static final List<String> PROPAGATIONS =
      List.of("private", "rprivate", "slave", "rslave", "unbindable", "runbindable");

  private static final long MAX_U32 = 0xffff_ffffL;

  private LinuxFields() {}

  static void check(FieldReader linux) throws MalformedJsonException {
    // Nothing that is mounted inside shows outside, and nothing outside later shows inside: slave and private are one.
    String propagation = linux.string("rootfsPropagation", "private");
    if (!propagation.isEmpty() && !PROPAGATIONS.contains(propagation)) {
      throw linux.fault(
          "rootfsPropagation",
          propagation.equals("shared") || propagation.equals("rshared")
              ? "asks for shared propagation, which a sandbox does not offer"
              : "is " + propagation + ", which is no propagation of mounts");
    }
    for (String name : List.of("timeOffsets", "intelRdt", "memoryPolicy")) {
      FieldReader field = linux.object(name);
      if (field != null && !field.isEmpty()) {
        throw linux.fault(name, "is not offered by a sandbox");
      }
    }
    FieldReader netDevices = linux.object("netDevices");
    if (netDevices != null && !netDevices.isEmpty()) {
      throw linux.fault("netDevices", "names devices of the host, which a sandbox does not take");
    }
    FieldReader personality = linux.object("personality");
    if (personality != null) {
      String domain = personality.requiredString("domain");
      if (!domain.equals("LINUX") || !personality.strings("flags").isEmpty()) {
        throw personality.fault("domain", "is " + domain + ": a sandbox offers LINUX without flags only");
      }
    }
    for (String name : List.of("uidMappings", "gidMappings")) {
      for (FieldReader mapping : linux.objects(name)) {
        long inside = mapping.integer("containerID", 0, MAX_U32, 0);
        long outside = mapping.integer("hostID", 0, MAX_U32, 0);
        long size = mapping.integer("size", 1, MAX_U32, 1);
        if (inside + size > MAX_U32 + 1 || outside + size > MAX_U32 + 1) {
          throw mapping.fault("size", "goes beyond the last id");
        }
      }
    }
    for (String name : linux.stringMap("sysctl").keySet()) {
      if (name.isEmpty() || name.contains("..") || name.startsWith("/") || name.startsWith(".")) {
        throw linux.fault("sysctl", "names \"" + name + "\", which is no setting");
      }
    }
    if (linux.stringMap("sysctl").containsKey("kernel.hostname")) {
      throw linux.fault("sysctl", "sets kernel.hostname: use hostname");
    }
  }
}
