package gvisor.runsc.spec;

import gvisor.runsc.json.FieldReader;
import gvisor.runsc.json.MalformedJsonException;
import java.util.ArrayList;
import java.util.List;

/**
 * Device nodes of a container and what may be done with devices: {@code linux.devices} and {@code
 * linux.resources.devices}. Source: OCI Runtime Specification 1.2, config-linux.md, "Devices" and "Allowed Device list".
 *
 * @param nodes to be made
 * @param rules in order, a later one outweighs an earlier one
 */
public record Devices(List<Node> nodes, List<Rule> rules) {
  /** No more than the default ones. */
  public static final Devices NONE = new Devices(List.of(), List.of());

  /** A major or minor number of a rule that stands for all. */
  public static final int ANY = -1;

  private static final long MAX_MAJOR = 0xfff;
  private static final long MAX_MINOR = 0xf_ffff;
  private static final long MAX_U32 = 0xffff_ffffL;
  private static final int DEFAULT_MODE = 0666;

  /**
   * A device node.
   *
   * @param type c, b or p
   * @param mode permissions
   */
  public record Node(String path, char type, int major, int minor, int mode, int uid, int gid) {}

  /**
   * What is allowed or refused.
   *
   * @param type c, b, or a for both
   * @param access letters of r, w and m
   */
  public record Rule(boolean allow, char type, int major, int minor, String access) {}

  /** Checks the fields of {@code linux}. */
  static Devices read(FieldReader linux) throws MalformedJsonException {
    FieldReader resources = linux.object("resources");
    return new Devices(nodes(linux), resources == null ? List.of() : rules(resources));
  }

  private static List<Node> nodes(FieldReader linux) throws MalformedJsonException {
    List<Node> nodes = new ArrayList<>();
    for (FieldReader device : linux.objects("devices")) {
      String type = device.requiredString("type");
      if (!List.of("c", "b", "u", "p").contains(type)) {
        throw device.fault("type", "is " + type + ", which is none of c, b, u, p");
      }
      String path = device.requiredString("path");
      if (!path.startsWith("/")) {
        throw device.fault("path", "is not absolute");
      }
      if (!type.equals("p") && (!device.has("major") || !device.has("minor"))) {
        throw device.fault(device.has("major") ? "minor" : "major", "is missing");
      }
      nodes.add(
          new Node(
              path,
              type.equals("u") ? 'c' : type.charAt(0),
              (int) device.integer("major", 0, MAX_MAJOR, 0),
              (int) device.integer("minor", 0, MAX_MINOR, 0),
              // Engines hand on st_mode as it is, with the type.
              (int) device.integer("fileMode", 0, MAX_U32, DEFAULT_MODE) & 07777,
              (int) device.integer("uid", 0, MAX_U32, 0),
              (int) device.integer("gid", 0, MAX_U32, 0)));
    }
    return List.copyOf(nodes);
  }

  private static List<Rule> rules(FieldReader resources) throws MalformedJsonException {
    List<Rule> rules = new ArrayList<>();
    for (FieldReader rule : resources.objects("devices")) {
      if (!rule.has("allow")) {
        throw rule.fault("allow", "is missing");
      }
      String type = rule.string("type", "a");
      if (!type.isEmpty() && !List.of("a", "b", "c").contains(type)) {
        throw rule.fault("type", "is " + type + ", which is none of a, b, c");
      }
      String access = rule.string("access", "");
      if (!access.matches("[rwm]*")) {
        throw rule.fault("access", "is " + access + ", which is not made of r, w and m");
      }
      rules.add(
          new Rule(
              rule.bool("allow", false),
              type.isEmpty() ? 'a' : type.charAt(0),
              (int) rule.integer("major", ANY, MAX_MAJOR, ANY),
              (int) rule.integer("minor", ANY, MAX_MINOR, ANY),
              access.isEmpty() ? "rwm" : access));
    }
    return List.copyOf(rules);
  }
}
