package gvisor.sentry.time;

/** Units of time. */
public final class Clocks {
  public static final long NANOS_PER_SECOND = 1_000_000_000L;

  /** A clock tick is a hundredth of a second: USER_HZ. */
  public static final long NANOS_PER_TICK = NANOS_PER_SECOND / 100;

  private Clocks() {}
}
