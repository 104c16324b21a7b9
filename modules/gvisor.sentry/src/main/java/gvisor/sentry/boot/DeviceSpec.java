package gvisor.sentry.boot;

import java.util.List;

/**
 * Devices of a container: OCI's {@code linux.devices} and {@code linux.resources.devices}. Strings hold one byte a
 * character.
 *
 * @param nodes to be made beside the default ones
 * @param rules what may be made and opened, in order: a later one outweighs an earlier one
 */
public record DeviceSpec(List<Node> nodes, List<Rule> rules) {
  /** The default nodes and rules alone. */
  public static final DeviceSpec DEFAULT = new DeviceSpec(List.of(), List.of());

  /** A major or minor number of a rule that stands for all. */
  public static final int ANY = -1;

  /**
   * A node.
   *
   * @param path absolute
   * @param type c, b, or p for a fifo
   * @param mode permissions
   */
  public record Node(String path, char type, int major, int minor, int mode, int uid, int gid) {}

  /**
   * What is allowed or refused.
   *
   * @param type c, b, or a for both
   * @param major number or {@link #ANY}
   * @param minor number or {@link #ANY}
   */
  public record Rule(boolean allow, char type, int major, int minor, boolean reads, boolean writes, boolean makes) {}
}
