package gvisor.runsc.spec;

import gvisor.runsc.json.FieldReader;
import gvisor.runsc.json.MalformedJsonException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Options of mounts, as {@code config.md} lists them: what means something else here than its words say is changed or
 * refused. Stateless.
 */
public final class MountOptionNames {
  /** What {@code features} names. */
  public static final List<String> KNOWN =
      List.of(
          "async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "noatime", "nodev", "nodiratime",
          "noexec", "norelatime", "nostrictatime", "nosuid", "nosymfollow", "private", "ratime", "rbind", "rdev",
          "rdiratime", "relatime", "rexec", "rnoatime", "rnodev", "rnodiratime", "rnoexec", "rnorelatime",
          "rnostrictatime", "rnosuid", "rnosymfollow", "ro", "rprivate", "rrelatime", "rro", "rrw", "rslave",
          "rstrictatime", "rsuid", "rsymfollow", "rw", "slave", "strictatime", "suid", "symfollow", "sync",
          "tmpcopyup");

  /** Options for a mount with what lies below it. A bind mount is one tree here, so they are as good without the r. */
  private static final Set<String> RECURSIVE =
      Set.of(
          "rro", "rrw", "rnosuid", "rsuid", "rnodev", "rdev", "rnoexec", "rexec", "rnodiratime", "rdiratime",
          "rrelatime", "rnorelatime", "rnoatime", "ratime", "rstrictatime", "rnostrictatime", "rnosymfollow",
          "rsymfollow");

  private MountOptionNames() {}

  /** The options of {@code mount} for who mounts it. */
  static List<String> read(FieldReader mount) throws MalformedJsonException {
    List<String> given = mount.strings("options");
    List<String> options = new ArrayList<>(given.size());
    for (int i = 0; i < given.size(); i++) {
      String option = given.get(i);
      switch (option) {
        case "shared", "rshared" ->
            throw mount.fault("options[" + i + "]", "asks for shared propagation, which a sandbox does not offer");
        case "idmap", "ridmap" ->
            throw mount.fault("options[" + i + "]", "asks for an id-mapped mount, which a sandbox does not offer");
        case "remount" ->
            throw mount.fault("options[" + i + "]", "asks to change a mount, which a specification cannot name");
        // The last of two that contradict each other counts, as it does for mount(8).
        case "rw", "rrw" -> {
          options.remove("ro");
          options.add("rw");
        }
        case "ro", "rro" -> {
          options.remove("rw");
          options.add("ro");
        }
        default -> options.add(RECURSIVE.contains(option) ? option.substring(1) : option);
      }
    }
    return List.copyOf(options);
  }
}
