package gvisor.sentry.auth;

import java.util.List;

/**
 * Which users, or groups, there are in a container, and who they are outside ({@code man 7 user_namespaces}). The files
 * that a gofer serves are mapped before they get here, so inside it only counts which ids there are. Immutable.
 */
public final class IdMap {
  /** Everybody, as outside. */
  public static final IdMap ALL = new IdMap(List.of(new Range(0, 0, 0xffff_ffffL)));

  private final List<Range> ranges;

  /** @param ranges none of which overlap */
  public IdMap(List<Range> ranges) {
    this.ranges = List.copyOf(ranges);
  }

  /** {@code size} ids from {@code inside} on, which are those from {@code outside} on; all are unsigned. */
  public record Range(long inside, long outside, long size) {}

  /** Whether there is an id; -1 is none. */
  public boolean has(int id) {
    long wanted = Integer.toUnsignedLong(id);
    for (int i = 0; i < ranges.size(); i++) {
      Range range = ranges.get(i);
      if (wanted >= range.inside && wanted - range.inside < range.size) {
        return true;
      }
    }
    return false;
  }

  /** As {@code /proc/[pid]/uid_map} shows it. */
  public void print(StringBuilder out) {
    for (Range range : ranges) {
      column(out, range.inside).append(' ');
      column(out, range.outside).append(' ');
      column(out, range.size).append('\n');
    }
  }

  private static StringBuilder column(StringBuilder out, long number) {
    String text = Long.toString(number);
    return out.repeat(' ', 10 - text.length()).append(text);
  }
}
