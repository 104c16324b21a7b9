package gvisor.sentry.boot;

import gvisor.api.host.Entropy;
import gvisor.api.host.Host;
import gvisor.api.host.HostClock;
import gvisor.api.host.HostNetwork;

/** The host, with the clock that applications read through the vDSO, so that both ways of asking agree. */
record SandboxHost(Host host, HostClock clock, int processorCount, long memoryBytes) implements Host {
  @Override
  public Entropy entropy() {
    return host.entropy();
  }

  @Override
  public long availableBytes() {
    return host.availableBytes();
  }

  @Override
  public String processorDescription() {
    return host.processorDescription();
  }

  @Override
  public HostNetwork network() {
    return host.network();
  }
}
