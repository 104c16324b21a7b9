package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.Entropy;
import gvisor.api.host.Host;
import gvisor.api.host.HostClock;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.MemorySegment;

/** The machine as the Sentry sees it. What it says is found out at construction, so that nothing is looked up later. */
public final class LinuxHost implements Host {
  private static final int SYSINFO_TOTAL_RAM = 32;
  private static final int SYSINFO_UNIT = 104;

  private final HostClock clock = new HostClocks();
  private final Entropy entropy = new HostEntropy();
  private final int processorCount;
  private final long memoryBytes;

  /** Looks at the machine. */
  public LinuxHost() throws ErrnoException {
    processorCount = Cpus.affinity(0).cardinality();
    MemorySegment info = Memory.bounce();
    Libc.check(Libc.syscall(Sys.NR_SYSINFO, info.address(), 0, 0, 0, 0, 0));
    memoryBytes = info.get(JAVA_LONG, SYSINFO_TOTAL_RAM) * info.get(JAVA_INT, SYSINFO_UNIT);
  }

  @Override
  public HostClock clock() {
    return clock;
  }

  @Override
  public Entropy entropy() {
    return entropy;
  }

  @Override
  public int processorCount() {
    return processorCount;
  }

  @Override
  public long memoryBytes() {
    return memoryBytes;
  }
}
