package gvisor.runsc.cgroup;

import gvisor.runsc.CommandFailure;

/**
 * Where a container's control group is: {@code linux.cgroupsPath}. Source: OCI Runtime Specification 1.2,
 * config-linux.md, "Cgroups Path".
 *
 * @param path without a slash at its end; starts with one unless it is relative to the caller's own group
 */
public record CgroupPath(String path) {
  private static final int MAX_LENGTH = 4096;

  /**
   * Reads a path, or with {@code systemd} systemd's {@code slice:prefix:name}, which stands for the scope
   * {@code prefix-name} in the slice.
   *
   * @param id what names the group where the specification leaves it open
   */
  public static CgroupPath parse(String text, String id, boolean systemd) throws CommandFailure {
    String path = text.isEmpty() ? systemd ? "system.slice:runsc:" + id : "/runsc-" + id : text;
    if (systemd) {
      path = scope(path);
    }
    for (String name : path.split("/")) {
      if (name.equals("..")) {
        throw new CommandFailure("linux.cgroupsPath: " + text + " must not contain \"..\"");
      }
    }
    if (path.length() > MAX_LENGTH || path.replace("/", "").isEmpty() || path.indexOf('\0') >= 0) {
      throw new CommandFailure("linux.cgroupsPath: " + text + " is no path of a control group");
    }
    String clean = path.replaceAll("/+", "/");
    return new CgroupPath(clean.endsWith("/") ? clean.substring(0, clean.length() - 1) : clean);
  }

  private static String scope(String text) throws CommandFailure {
    String[] parts = text.split(":", -1);
    if (parts.length != 3 || parts[2].isEmpty()) {
      throw new CommandFailure(
          "linux.cgroupsPath: " + text + " is not slice:prefix:name, which --systemd-cgroup stands for");
    }
    String slice = parts[0].isEmpty() ? "system.slice" : parts[0];
    if (parts[2].endsWith(".slice")) {
      return expanded(slice, text) + "/" + parts[2];
    }
    String prefix = parts[1].isEmpty() ? "" : parts[1] + "-";
    return expanded(slice, text) + "/" + prefix + parts[2] + ".scope";
  }

  /** {@code a-b.slice} lies in {@code a.slice}: {@code man 5 systemd.slice}. */
  private static String expanded(String slice, String text) throws CommandFailure {
    if (slice.equals("-.slice")) {
      return "";
    }
    String name = slice.endsWith(".slice") ? slice.substring(0, slice.length() - ".slice".length()) : "";
    if (name.isEmpty() || name.contains("/") || name.startsWith("-") || name.endsWith("-") || name.contains("--")) {
      throw new CommandFailure("linux.cgroupsPath: " + text + " names no slice of systemd");
    }
    StringBuilder path = new StringBuilder();
    for (int dash = name.indexOf('-'); dash >= 0; dash = name.indexOf('-', dash + 1)) {
      path.append('/').append(name, 0, dash).append(".slice");
    }
    return path.append('/').append(slice).toString();
  }

  /** Whether it begins at the caller's own group. */
  public boolean isRelative() {
    return !path.startsWith("/");
  }
}
