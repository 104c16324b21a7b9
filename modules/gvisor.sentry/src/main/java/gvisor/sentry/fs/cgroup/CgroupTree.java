package gvisor.sentry.fs.cgroup;

import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.fs.kernfs.KernSuperblock;
import gvisor.sentry.kernel.Container;
import gvisor.sentry.kernel.ContainerTasks;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.PidNamespace;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.mm.MemoryCgroup;

/** The files of a container's group ({@code Documentation/admin-guide/cgroup-v2.rst}). Limits are read, not set. */
final class CgroupTree {
  private final Kernel kernel;
  private final Container container;
  private final PidNamespace pids;

  CgroupTree(Kernel kernel, Container container, PidNamespace pids) {
    this.kernel = kernel;
    this.container = container;
    this.pids = pids;
  }

  KernDir build(KernSuperblock superblock, long ino) {
    KernDir d = new KernDir(superblock, ino, 0555);
    d.file("cgroup.controllers", "cpuset cpu memory pids\n");
    d.file("cgroup.subtree_control", "\n");
    d.file("cgroup.type", "domain\n");
    d.file("cgroup.max.depth", "max\n");
    d.file("cgroup.max.descendants", "max\n");
    d.file("cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0\n");
    d.file("cgroup.events", (c, out) ->
        out.append("populated 1\nfrozen ").append(container.isPaused() ? 1 : 0).append('\n'));
    d.file("cgroup.freeze", (c, out) -> out.append(container.isPaused() ? 1 : 0).append('\n'));
    d.file("cgroup.procs", (c, out) -> {
      for (ThreadGroup group : ContainerTasks.processes(kernel, container)) {
        out.append(group.pid().in(pids)).append('\n');
      }
    });
    d.file("cgroup.threads", (c, out) -> {
      for (ThreadGroup group : ContainerTasks.processes(kernel, container)) {
        for (Task task : group.tasks()) {
          out.append(task.pid().in(pids)).append('\n');
        }
      }
    });
    cpu(d);
    memory(d);
    d.file("pids.current", (c, out) -> out.append(container.taskCount()).append('\n'));
    d.file("pids.peak", (c, out) -> out.append(container.taskPeak()).append('\n'));
    d.file("pids.max", (c, out) -> limit(out, container.pidsLimit()));
    d.file("pids.events", (c, out) -> out.append("max ").append(container.pidsHits()).append('\n'));
    return d;
  }

  private void cpu(KernDir d) {
    d.file("cpu.max", (c, out) -> {
      double cpus = container.cpus();
      out.append(cpus <= 0 ? "max" : Long.toString(Math.round(cpus * Container.CPU_PERIOD_MICROS)));
      out.append(' ').append(Container.CPU_PERIOD_MICROS).append('\n');
    });
    d.file("cpu.max.burst", "0\n");
    d.file("cpu.weight", "100\n");
    d.file("cpu.weight.nice", "0\n");
    d.file("cpu.stat", (c, out) -> {
      ContainerTasks.CpuTime time = ContainerTasks.cpuTime(kernel, container);
      out.append("usage_usec ").append(time.totalNanos() / 1000);
      out.append("\nuser_usec ").append(time.userNanos() / 1000);
      out.append("\nsystem_usec ").append(time.systemNanos() / 1000);
      out.append("\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n");
    });
    d.file("cpuset.cpus", "\n");
    d.file("cpuset.mems", "\n");
    d.file("cpuset.cpus.effective", (c, out) -> {
      int count = container.processors();
      out.append(count == 1 ? "0\n" : "0-" + (count - 1) + "\n");
    });
    d.file("cpuset.mems.effective", "0\n");
  }

  private void memory(KernDir d) {
    MemoryCgroup memory = container.memory();
    d.file("memory.max", (c, out) -> limit(out, memory.limitBytes()));
    d.file("memory.high", "max\n");
    d.file("memory.low", "0\n");
    d.file("memory.min", "0\n");
    d.file("memory.current", (c, out) -> out.append(memory.usageBytes()).append('\n'));
    d.file("memory.peak", (c, out) -> out.append(memory.peakBytes()).append('\n'));
    d.file("memory.swap.max", "0\n");
    d.file("memory.swap.current", "0\n");
    d.file("memory.oom.group", "0\n");
    d.file("memory.events", (c, out) -> events(out, memory));
    d.file("memory.events.local", (c, out) -> events(out, memory));
    d.file("memory.stat", (c, out) -> {
      long used = memory.recentUsageBytes();
      long file = Math.min(memory.cachedBytes(), used);
      out.append("anon ").append(used - file).append("\nfile ").append(file);
      out.append("\nkernel 0\nkernel_stack 0\npagetables 0\nsock 0\nshmem 0\nfile_mapped 0\nfile_dirty 0\n");
      out.append("file_writeback 0\nanon_thp 0\ninactive_anon 0\nactive_anon ");
      out.append(used - file).append("\ninactive_file ").append(file);
      out.append("\nactive_file 0\nunevictable 0\nslab 0\npgfault 0\npgmajfault 0\n");
    });
  }

  private static void events(StringBuilder out, MemoryCgroup memory) {
    out.append("low 0\nhigh 0\nmax ").append(memory.limitHits()).append("\noom ").append(memory.ooms());
    out.append("\noom_kill ").append(memory.oomKills()).append("\noom_group_kill 0\n");
  }

  private static void limit(StringBuilder out, long value) {
    if (value == Long.MAX_VALUE) {
      out.append("max\n");
    } else {
      out.append(value).append('\n');
    }
  }
}
