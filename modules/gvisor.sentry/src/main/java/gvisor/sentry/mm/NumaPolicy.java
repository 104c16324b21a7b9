package gvisor.sentry.mm;

/**
 * A NUMA policy as a number, on a machine of one node: its mode ({@code MPOL_*}) in the low three bits, its mode flags in
 * the next three, and then whether node 0 is in its mask. 0 is the system's own policy.
 */
public final class NumaPolicy {
  public static final int MODE = 7;
  public static final int NODE = 1 << 6;
  /** The mode flags of {@code man 2 set_mempolicy} moved right by this are behind the mode. */
  public static final int FLAGS_SHIFT = 10;

  private static final int NUMA_BALANCING = 1 << 3;
  private static final int RELATIVE_NODES = 1 << 4;
  private static final int STATIC_NODES = 1 << 5;
  private static final String[] MODES = {"default", "prefer", "bind", "interleave", "local", "prefer (many)"};

  private NumaPolicy() {}

  /** As {@code /proc/[pid]/numa_maps} shows it. */
  public static String text(int policy) {
    StringBuilder s = new StringBuilder(MODES[policy & MODE]);
    if ((policy & (STATIC_NODES | RELATIVE_NODES | NUMA_BALANCING)) != 0) {
      s.append('=');
      if ((policy & STATIC_NODES) != 0) {
        s.append("static");
      } else if ((policy & RELATIVE_NODES) != 0) {
        s.append("relative");
      }
      if ((policy & NUMA_BALANCING) != 0) {
        s.append(s.charAt(s.length() - 1) == '=' ? "" : "|").append("balancing");
      }
    }
    return s.append((policy & NODE) != 0 ? ":0" : "").toString();
  }
}
