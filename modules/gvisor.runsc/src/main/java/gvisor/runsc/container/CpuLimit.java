package gvisor.runsc.container;

import com.fasterxml.jackson.databind.JsonNode;

/** How many processors' time {@code linux.resources.cpu} gives a container, which is what it is to see. */
final class CpuLimit {
  private static final long DEFAULT_PERIOD = 100_000;
  private static final int MAX_CPUS = 8192;

  private CpuLimit() {}

  /** The smaller of quota by period, such as 1.5, and the number of processors in {@code cpus}; 0 for no limit. */
  static double of(JsonNode cpu) {
    double quota = cpu.path("quota").asDouble(-1);
    double period = cpu.path("period").asDouble(DEFAULT_PERIOD);
    double share = quota > 0 && period > 0 ? quota / period : 0;
    int listed = count(cpu.path("cpus").asText(""));
    return listed == 0 ? share : share == 0 ? listed : Math.min(share, listed);
  }

  /** How many numbers a list such as {@code 0-2,7} names ({@code man 7 cpuset}); 0 for one that is none. */
  private static int count(String list) {
    int count = 0;
    for (String part : list.strip().split(",")) {
      String[] ends = part.strip().split("-", 2);
      try {
        int first = Integer.parseInt(ends[0]);
        int last = ends.length == 1 ? first : Integer.parseInt(ends[1]);
        count += Math.clamp((long) last - first + 1, 0, MAX_CPUS);
      } catch (NumberFormatException e) {
        return 0;
      }
    }
    return Math.min(count, MAX_CPUS);
  }
}
