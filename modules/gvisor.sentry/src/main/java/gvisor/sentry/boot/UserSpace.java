package gvisor.sentry.boot;

import java.util.List;

/** A user namespace: OCI's {@code linux.uidMappings} and {@code linux.gidMappings}. */
public record UserSpace(List<Range> users, List<Range> groups) {
  /** {@code size} ids from {@code inside} on, which are those from {@code outside} on; all are unsigned. */
  public record Range(long inside, long outside, long size) {}
}
