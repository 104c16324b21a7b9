package gvisor.runsc.sandbox;

import gvisor.api.platform.PlatformProvider;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.ServiceLoader;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** The ways to run application code that this image has, and which of them a sandbox takes. */
public final class Platforms {
  private Platforms() {}

  /** All of them, in no order. */
  public static List<PlatformProvider> all() {
    List<PlatformProvider> all = new ArrayList<>();
    for (PlatformProvider provider : ServiceLoader.load(PlatformProvider.class)) {
      all.add(provider);
    }
    return all;
  }

  /**
   * The one called {@code name}, or, if that is empty, the one of highest rank that works on this machine. One that
   * others outrank is not tried out: that takes time.
   *
   * @throws IOException in one line, when there is no such platform or it does not work here
   */
  public static PlatformProvider choose(String name) throws IOException {
    return choose(all(), name);
  }

  static PlatformProvider choose(List<PlatformProvider> all, String name) throws IOException {
    return name.isEmpty() ? best(all) : named(all, name);
  }

  private static PlatformProvider named(List<PlatformProvider> all, String name) throws IOException {
    StringBuilder known = new StringBuilder();
    for (PlatformProvider provider : all) {
      if (provider.name().equals(name)) {
        String reason = provider.unavailableReason();
        if (reason != null) {
          throw new IOException("--platform=" + name + " is not available: " + reason);
        }
        logger().debug("platform {}, as asked for: {}", name, provider.findings());
        return provider;
      }
      known.append(known.isEmpty() ? "" : ", ").append(provider.name());
    }
    throw new IOException("--platform=" + name + " is unknown; this image has " + known);
  }

  private static PlatformProvider best(List<PlatformProvider> all) throws IOException {
    List<Ranked> ranked = new ArrayList<>();
    for (PlatformProvider provider : all) {
      ranked.add(new Ranked(provider, provider.preference()));
    }
    Collections.sort(ranked);
    StringBuilder reasons = new StringBuilder();
    for (Ranked each : ranked) {
      String name = each.provider().name();
      String reason = each.provider().unavailableReason();
      if (reason == null) {
        logger().debug("platform {}, the best of {}: {}", name, ranked, each.provider().findings());
        return each.provider();
      }
      logger().debug("platform {} is not available: {}", name, reason);
      reasons.append(reasons.isEmpty() ? "" : "; ").append(name).append(": ").append(reason);
    }
    throw new IOException("no platform works on this machine: " + reasons);
  }

  private static Logger logger() {
    return LogManager.getLogger(Platforms.class);
  }

  /** A platform and the rank that it gives itself; the highest comes first. */
  private record Ranked(PlatformProvider provider, int preference) implements Comparable<Ranked> {
    @Override
    public int compareTo(Ranked other) {
      return Integer.compare(other.preference, preference);
    }

    @Override
    public String toString() {
      return provider.name() + " (" + preference + ")";
    }
  }
}
