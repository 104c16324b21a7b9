package gvisor.sentry.fs.cgroup;

import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.fs.kernfs.KernInode;
import gvisor.sentry.fs.kernfs.KernSuperblock;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.PidNamespace;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FilesystemType;
import gvisor.sentry.vfs.Superblock;

/** Control groups, version 2. A mount of version 1 shows the same: OCI bundles ask for it by its old name. */
public final class CgroupType implements FilesystemType {
  private static final long MAGIC_V2 = 0x63677270;

  private final Kernel kernel;
  private final String name;

  /** @param name {@code cgroup} or {@code cgroup2} */
  public CgroupType(Kernel kernel, String name) {
    this.kernel = kernel;
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Superblock mount(Caller caller, String source, String options) {
    KernSuperblock superblock =
        new KernSuperblock(kernel.deviceNumbers().anonymous(), "cgroup2", MAGIC_V2, caller.realtimeNanos());
    PidNamespace pids = caller instanceof Task task ? task.pidNamespace() : kernel.rootPidNamespace();
    superblock.setRoot(build(new KernDir(superblock, KernInode.ROOT_INO, 0555), pids));
    return superblock;
  }

  private KernDir build(KernDir d, PidNamespace pids) {
    d.file("cgroup.controllers", "cpu memory pids\n");
    d.file("cgroup.subtree_control", "\n");
    d.file("cgroup.type", "domain\n");
    d.file("cgroup.max.depth", "max\n");
    d.file("cgroup.max.descendants", "max\n");
    d.file("cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0\n");
    d.file("cgroup.events", "populated 1\nfrozen 0\n");
    d.file("cgroup.freeze", "0\n");
    d.file("cgroup.procs", (c, out) -> {
      for (ThreadGroup group : pids.threadGroups()) {
        out.append(group.pid().in(pids)).append('\n');
      }
    });
    d.file("cgroup.threads", (c, out) -> {
      for (ThreadGroup group : pids.threadGroups()) {
        for (Task task : group.tasks()) {
          out.append(task.pid().in(pids)).append('\n');
        }
      }
    });
    cpu(d, pids);
    memory(d);
    d.file("pids.current", (c, out) -> out.append(kernel.taskCount()).append('\n'));
    d.file("pids.max", "max\n");
    d.file("pids.events", "max 0\n");
    return d;
  }

  private static void cpu(KernDir d, PidNamespace pids) {
    d.file("cpu.max", "max 100000\n");
    d.file("cpu.weight", "100\n");
    d.file("cpu.weight.nice", "0\n");
    d.file("cpu.stat", (c, out) -> {
      long user = 0;
      long system = 0;
      for (ThreadGroup group : pids.threadGroups()) {
        user += group.utime() + group.childUtime();
        system += group.stime() + group.childStime();
      }
      out.append("usage_usec ").append((user + system) / 1000).append("\nuser_usec ").append(user / 1000);
      out.append("\nsystem_usec ").append(system / 1000);
      out.append("\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n");
    });
  }

  private void memory(KernDir d) {
    d.file("memory.max", (c, out) -> out.append(kernel.host().memoryBytes()).append('\n'));
    d.file("memory.high", "max\n");
    d.file("memory.low", "0\n");
    d.file("memory.min", "0\n");
    d.file("memory.current", (c, out) -> out.append(kernel.pages().allocatedBytes()).append('\n'));
    d.file("memory.peak", (c, out) -> out.append(kernel.pages().allocatedBytes()).append('\n'));
    d.file("memory.swap.max", "0\n");
    d.file("memory.swap.current", "0\n");
    d.file("memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n");
    d.file("memory.stat", (c, out) ->
        out.append("anon ").append(kernel.pages().allocatedBytes()).append("\nfile 0\nkernel 0\nshmem 0\n"));
  }
}
