package gvisor.sentry.time;

import gvisor.api.host.HostClock;

/** The Java virtual machine's own clocks, where a test needs time to pass and no more. */
public final class VmClock implements HostClock {
  @Override
  public long monotonicNanos() {
    return System.nanoTime();
  }

  @Override
  public long realtimeNanos() {
    return System.currentTimeMillis() * 1_000_000;
  }

  @Override
  public long boottimeNanos() {
    return System.nanoTime();
  }

  @Override
  public long threadCpuNanos() {
    return 0;
  }

  @Override
  public long timestampCounter() {
    return 0;
  }
}
