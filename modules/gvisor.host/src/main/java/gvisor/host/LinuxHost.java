package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.Entropy;
import gvisor.api.host.Host;
import gvisor.api.host.HostClock;
import gvisor.api.host.HostNetwork;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Memory;
import gvisor.host.libc.Sys;
import java.lang.foreign.MemorySegment;

/**
 * The machine as the Sentry sees it. What it says is found out at construction, so that nothing is looked up later; what
 * changes is read through a descriptor that was opened then.
 */
public final class LinuxHost implements Host {
  private static final String AVAILABLE = "MemAvailable:";
  private static final int SYSINFO_TOTAL_RAM = 32;
  private static final int SYSINFO_UNIT = 104;

  private final HostClock clock = new HostClocks();
  private final Entropy entropy = new HostEntropy();
  private final int processorCount;
  private final long memoryBytes;
  private final String processorDescription;

  private final HostNetwork network;

  /** {@code /proc/meminfo}, or null on a machine without. */
  private final Fd meminfo;

  private final byte[] meminfoText = new byte[256];

  /** Looks at the machine. */
  public LinuxHost() throws ErrnoException {
    this(null);
  }

  /** Looks at the machine. @param network whose sockets applications use as their own, or null */
  public LinuxHost(HostNetwork network) throws ErrnoException {
    this.network = network;
    processorCount = Cpus.affinity(0).cardinality();
    MemorySegment info = Memory.bounce();
    Libc.check(Libc.syscall(Sys.NR_SYSINFO, info.address(), 0, 0, 0, 0, 0));
    memoryBytes = info.get(JAVA_LONG, SYSINFO_TOTAL_RAM) * info.get(JAVA_INT, SYSINFO_UNIT);
    processorDescription = readProcessorDescription();
    meminfo = openMeminfo();
  }

  private static Fd openMeminfo() {
    try {
      return Fd.open("/proc/meminfo", Sys.O_RDONLY | Sys.O_CLOEXEC, 0);
    } catch (ErrnoException e) {
      return null;
    }
  }

  private static String readProcessorDescription() {
    try {
      Fd file = Fd.open("/proc/cpuinfo", Sys.O_RDONLY, 0);
      try {
        byte[] text = new byte[8192];
        int n = (int) file.readWaiting(MemorySegment.ofArray(text));
        String all = new String(text, 0, n, java.nio.charset.StandardCharsets.ISO_8859_1);
        int end = all.indexOf("\n\n");
        return end < 0 ? all : all.substring(0, end + 1);
      } finally {
        file.close();
      }
    } catch (ErrnoException e) {
      // A machine without /proc: programs see processors without a description.
      return "";
    }
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
  public HostNetwork network() {
    return network;
  }

  @Override
  public int processorCount() {
    return processorCount;
  }

  @Override
  public long memoryBytes() {
    return memoryBytes;
  }

  @Override
  public synchronized long availableBytes() {
    if (meminfo == null) {
      return Long.MAX_VALUE;
    }
    int n;
    try {
      n = (int) meminfo.pread(MemorySegment.ofArray(meminfoText), 0);
    } catch (ErrnoException e) {
      return Long.MAX_VALUE;
    }
    String text = new String(meminfoText, 0, n, java.nio.charset.StandardCharsets.ISO_8859_1);
    int at = text.indexOf(AVAILABLE);
    int end = text.indexOf(" kB", at);
    if (at < 0 || end < 0) {
      return Long.MAX_VALUE;
    }
    return Long.parseLong(text.substring(at + AVAILABLE.length(), end).strip()) << 10;
  }

  @Override
  public String processorDescription() {
    return processorDescription;
  }
}
