package gvisor.runsc.spec;

import gvisor.runsc.json.FieldReader;
import gvisor.runsc.json.MalformedJsonException;
import java.util.ArrayList;
import java.util.List;

/**
 * Fields of {@code linux} that this runtime does not act on: checked where nothing needs to be done, refused where not
 * to act would break a promise. Source: OCI Runtime Specification 1.2, config-linux.md. Stateless.
 */
final class LinuxFields {
  private static final List<String> PROPAGATIONS =
      List.of("private", "rprivate", "slave", "rslave", "unbindable", "runbindable");

  private static final long MAX_U32 = 0xffff_ffffL;

  /** Linux' own bound: man 7 user_namespaces. */
  private static final int MAX_MAPPINGS = 340;

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
    for (String name : linux.stringMap("sysctl").keySet()) {
      if (name.isEmpty() || name.contains("..") || name.startsWith("/") || name.startsWith(".")) {
        throw linux.fault("sysctl", "names \"" + name + "\", which is no setting");
      }
    }
    if (linux.stringMap("sysctl").containsKey("kernel.hostname")) {
      throw linux.fault("sysctl", "sets kernel.hostname: use hostname");
    }
  }

  /**
   * The users or groups of the user namespace among {@code namespaces}. The kernel takes no map without root here: the
   * file server is root in it.
   */
  static List<Spec.IdMapping> mappings(FieldReader linux, String name, List<Spec.Namespace> namespaces)
      throws MalformedJsonException {
    List<Spec.IdMapping> mappings = new ArrayList<>();
    boolean hasRoot = false;
    for (FieldReader mapping : linux.objects(name)) {
      long inside = mapping.integer("containerID", 0, MAX_U32, 0);
      long outside = mapping.integer("hostID", 0, MAX_U32, 0);
      long size = mapping.integer("size", 1, MAX_U32, 1);
      if (inside + size > MAX_U32 || outside + size > MAX_U32) { // The last number is no id: man 2 chown.
        throw mapping.fault("size", "goes beyond the last id");
      }
      for (Spec.IdMapping other : mappings) {
        if (overlap(inside, other.containerId(), size, other.size()) || overlap(outside, other.hostId(), size, other.size())) {
          throw mapping.fault("size", "makes it overlap another mapping");
        }
      }
      hasRoot |= inside == 0;
      mappings.add(new Spec.IdMapping(inside, outside, size));
    }
    if (mappings.size() > MAX_MAPPINGS) {
      throw linux.fault(name, "has more than " + MAX_MAPPINGS + " mappings");
    }
    Spec.Namespace user =
        namespaces.stream().filter(namespace -> namespace.type().equals("user")).findFirst().orElse(null);
    if (!mappings.isEmpty() && user == null) {
      throw linux.fault(name, "is given without a namespace of type user");
    }
    if (!mappings.isEmpty() && !hasRoot || mappings.isEmpty() && user != null && user.path().isEmpty()) {
      throw linux.fault(name, "has nobody for containerID 0, without whom no file can be served");
    }
    return List.copyOf(mappings);
  }

  private static boolean overlap(long first, long second, long firstSize, long secondSize) {
    return first < second + secondSize && second < first + firstSize;
  }
}
