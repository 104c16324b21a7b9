package gvisor.sentry.fs.proc;

import gvisor.sentry.fs.kernfs.Content;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.MemoryCgroup;
import gvisor.sentry.vfs.Caller;

/** {@code /proc/meminfo}. */
final class MemInfo implements Content {
  private final Kernel kernel;

  MemInfo(Kernel kernel) {
    this.kernel = kernel;
  }

  /** Bytes of memory. */
  record Figures(long total, long used, long free, long cached) {}

  /** What {@code caller} may use, and what its container does: everything, where it belongs to none. */
  static Figures figures(Kernel kernel, Caller caller) {
    long total = kernel.host().memoryBytes();
    long used;
    long cached = 0;
    if (caller instanceof Task t) {
      MemoryCgroup memory = t.container().memory();
      total = Math.min(total, memory.limitBytes());
      used = memory.recentUsageBytes();
      cached = memory.cachedBytes();
    } else {
      used = kernel.pages().committedBytes();
    }
    used = Math.min(total, used);
    return new Figures(total, used, total - used, Math.min(cached, used));
  }

  @Override
  public void write(Caller caller, StringBuilder out) {
    Figures m = figures(kernel, caller);
    line(out, "MemTotal", m.total());
    line(out, "MemFree", m.free());
    line(out, "MemAvailable", m.free() + m.cached());
    line(out, "Buffers", 0);
    line(out, "Cached", m.cached());
    line(out, "SwapCached", 0);
    line(out, "Active", m.used() - m.cached());
    line(out, "Inactive", m.cached());
    line(out, "Active(anon)", m.used() - m.cached());
    line(out, "Inactive(anon)", 0);
    line(out, "Active(file)", 0);
    line(out, "Inactive(file)", m.cached());
    line(out, "Unevictable", 0);
    line(out, "Mlocked", 0);
    line(out, "SwapTotal", 0);
    line(out, "SwapFree", 0);
    line(out, "Dirty", 0);
    line(out, "Writeback", 0);
    line(out, "AnonPages", m.used() - m.cached());
    line(out, "Mapped", 0);
    line(out, "Shmem", 0);
    line(out, "KReclaimable", 0);
    line(out, "Slab", 0);
    line(out, "SReclaimable", 0);
    line(out, "SUnreclaim", 0);
    line(out, "KernelStack", 0);
    line(out, "PageTables", 0);
    line(out, "NFS_Unstable", 0);
    line(out, "Bounce", 0);
    line(out, "WritebackTmp", 0);
    line(out, "CommitLimit", m.total() / 2);
    line(out, "Committed_AS", m.used());
    line(out, "VmallocTotal", 34_359_738_367L << 10);
    line(out, "VmallocUsed", 0);
    line(out, "VmallocChunk", 0);
    line(out, "Percpu", 0);
    line(out, "AnonHugePages", 0);
    line(out, "ShmemHugePages", 0);
    line(out, "FileHugePages", 0);
    out.append("HugePages_Total:       0\nHugePages_Free:        0\n");
    out.append("HugePages_Rsvd:        0\nHugePages_Surp:        0\n");
    line(out, "Hugepagesize", 2 << 20);
    line(out, "Hugetlb", 0);
    line(out, "DirectMap4k", m.total());
  }

  private static void line(StringBuilder out, String name, long bytes) {
    String number = Long.toString(bytes >> 10);
    int padding = Math.max(1, 24 - name.length() - 1 - number.length());
    out.append(name).append(':').repeat(' ', padding).append(number).append(" kB\n");
  }
}
