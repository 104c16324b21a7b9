package gvisor.platform.kvm;

import gvisor.api.mem.MemoryFile;
import gvisor.api.platform.Platform;
import gvisor.api.platform.PlatformProvider;
import java.io.IOException;

/** Holds the name of the KVM platform, which this version does not have yet, and says so. */
public final class KvmPlatformProvider implements PlatformProvider {
  private static final String REASON = "this version has no KVM platform: use --platform=ptrace";

  @Override
  public String name() {
    return "kvm";
  }

  @Override
  public int preference() {
    return 0;
  }

  @Override
  public String unavailableReason() {
    return REASON;
  }

  @Override
  public Platform open(MemoryFile memory) throws IOException {
    throw new IOException(REASON);
  }
}
