package gvisor.platform.kvm;

import gvisor.api.mem.MemoryFile;
import gvisor.api.platform.Platform;
import gvisor.api.platform.PlatformProvider;
import gvisor.host.MemFd;
import java.io.IOException;

/** Offers the KVM platform: works where {@code /dev/kvm} may be opened and passes {@link Probe}. */
public final class KvmPlatformProvider implements PlatformProvider {
  static final String NAME = "kvm";

  /** Behind ptrace, and before it. */
  private static final int SLOW = 5, FAST = 20;

  private Probe probe;

  @Override
  public String name() {
    return NAME;
  }

  /**
   * With hardware virtualisation a round trip takes 1 to 2 µs; a software KVM's take more than ptrace's, and so may those
   * of a KVM within another machine: where KVM uses the processor's virtualisation, it is measured.
   */
  @Override
  public int preference() {
    return Probe.usesProcessor() && probe().isFast() ? FAST : SLOW;
  }

  @Override
  public String unavailableReason() {
    return probe().reason();
  }

  @Override
  public String findings() {
    return probe().findings();
  }

  @Override
  public Platform open(MemoryFile memory) throws IOException {
    if (!(memory instanceof MemFd file)) {
      throw new IOException("the kvm platform needs a host memory file");
    }
    return new KvmPlatform(file, Processors.MAX);
  }

  private synchronized Probe probe() {
    if (probe == null) {
      probe = Probe.run();
    }
    return probe;
  }
}
