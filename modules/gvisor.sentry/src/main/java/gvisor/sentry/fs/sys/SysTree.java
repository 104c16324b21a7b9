package gvisor.sentry.fs.sys;

import gvisor.sentry.fs.kernfs.KernDir;
import gvisor.sentry.fs.kernfs.KernInode;
import gvisor.sentry.fs.kernfs.KernSuperblock;
import gvisor.sentry.kernel.Container;
import gvisor.sentry.kernel.Kernel;

/** Builds the tree of sysfs. */
final class SysTree {
  private static final int MAX_SHARED_MASK = 64;

  private final Kernel kernel;

  /** Whose view it is; null for the whole sandbox'. */
  private final Container container;

  private final KernSuperblock superblock;

  SysTree(Kernel kernel, Container container, KernSuperblock superblock) {
    this.kernel = kernel;
    this.container = container;
    this.superblock = superblock;
  }

  KernDir build() {
    KernDir root = new KernDir(superblock, KernInode.ROOT_INO);
    root.dir("block");
    KernDir bus = root.dir("bus");
    bus.dir("cpu");
    KernDir devClass = root.dir("class");
    devClass.dir("power_supply");
    devClass.dir("block");
    devClass.dir("mem");
    devClass.dir("tty");
    NetClass interfaces = NetClass.of(kernel);
    devClass.add("net", interfaces.directory(superblock, devClass.inoOf("net"), false));
    KernDir dev = root.dir("dev");
    dev.dir("block");
    dev.dir("char");
    KernDir devices = root.dir("devices");
    KernDir system = devices.dir("system");
    processors(system.dir("cpu"));
    node(system.dir("node"));
    KernDir virtual = devices.dir("virtual");
    virtual.add("net", interfaces.directory(superblock, virtual.inoOf("net"), true));
    root.dir("firmware");
    KernDir fs = root.dir("fs");
    fs.dir("cgroup");
    kernel(root.dir("kernel"));
    root.dir("module");
    KernDir power = root.dir("power");
    power.file("state", 0644, (c, out) -> out.append('\n'), (c, s) -> {
      throw gvisor.api.errno.Errno.EINVAL.error();
    });
    return root;
  }

  private void processors(KernDir cpus) {
    int count = container == null ? kernel.host().processorCount() : container.processors();
    String all = count == 1 ? "0\n" : "0-" + (count - 1) + "\n";
    cpus.file("online", all);
    cpus.file("possible", all);
    cpus.file("present", all);
    cpus.file("offline", "\n");
    cpus.file("isolated", "\n");
    cpus.file("kernel_max", "8191\n");
    cpus.file("modalias", "cpu:type:x86,ven0000fam0000mod0000:feature:\n");
    KernDir smt = cpus.dir("smt");
    smt.file("active", "0\n");
    smt.file("control", "notsupported\n");
    KernDir vulnerabilities = cpus.dir("vulnerabilities");
    for (String name : new String[] {"itlb_multihit", "l1tf", "mds", "meltdown", "mmio_stale_data", "retbleed",
        "spec_store_bypass", "spectre_v1", "spectre_v2", "srbds", "tsx_async_abort"}) {
      vulnerabilities.file(name, "Unknown: sandboxed\n");
    }
    String mask = count >= MAX_SHARED_MASK ? "ffffffff,ffffffff" : Long.toHexString((1L << count) - 1);
    for (int i = 0; i < count; i++) {
      KernDir cpu = cpus.dir("cpu" + i);
      KernDir topology = cpu.dir("topology");
      String own = Long.toHexString(1L << (i & MAX_SHARED_MASK - 1)) + "\n";
      topology.file("physical_package_id", "0\n");
      topology.file("die_id", "0\n");
      topology.file("cluster_id", "65535\n");
      topology.file("core_id", i + "\n");
      topology.file("core_cpus", own);
      topology.file("core_cpus_list", i + "\n");
      topology.file("thread_siblings", own);
      topology.file("thread_siblings_list", i + "\n");
      topology.file("core_siblings", mask + "\n");
      topology.file("core_siblings_list", all);
      topology.file("package_cpus", mask + "\n");
      topology.file("package_cpus_list", all);
      cache(cpu.dir("cache"), i, own);
      if (i > 0) {
        cpu.file("online", "1\n");
      }
      cpu.link("node0", "../../node/node0");
    }
  }

  /** Sizes that most processors have, for programs that tune themselves; CPUID tells the true ones. */
  private static void cache(KernDir dir, int cpu, String own) {
    Object[][] levels = {
      {1, "Data", "32K", 8, 64}, {1, "Instruction", "32K", 8, 64}, {2, "Unified", "1024K", 16, 1024}
    };
    for (int i = 0; i < levels.length; i++) {
      KernDir index = dir.dir("index" + i);
      index.file("level", levels[i][0] + "\n");
      index.file("type", levels[i][1] + "\n");
      index.file("size", levels[i][2] + "\n");
      index.file("ways_of_associativity", levels[i][3] + "\n");
      index.file("number_of_sets", levels[i][4] + "\n");
      index.file("coherency_line_size", "64\n");
      index.file("shared_cpu_list", cpu + "\n");
      index.file("shared_cpu_map", own);
    }
  }

  private void node(KernDir nodes) {
    int count = container == null ? kernel.host().processorCount() : container.processors();
    nodes.file("online", "0\n");
    nodes.file("possible", "0\n");
    nodes.file("has_cpu", "0\n");
    nodes.file("has_memory", "0\n");
    nodes.file("has_normal_memory", "0\n");
    KernDir node = nodes.dir("node0");
    node.file("cpulist", count == 1 ? "0\n" : "0-" + (count - 1) + "\n");
    node.file("cpumap", count >= MAX_SHARED_MASK ? "ffffffff,ffffffff\n" : Long.toHexString((1L << count) - 1) + "\n");
    node.file("distance", "10\n");
    node.file("meminfo", (c, out) -> {
      long limit = container == null ? Long.MAX_VALUE : container.memory().limitBytes();
      long total = Math.min(kernel.host().memoryBytes(), limit) >> 10;
      long bytes = container == null ? kernel.pages().committedBytes() : container.memory().recentUsageBytes();
      long used = Math.min(total, bytes >> 10);
      out.append("Node 0 MemTotal:       ").append(total).append(" kB\nNode 0 MemFree:        ");
      out.append(total - used).append(" kB\nNode 0 MemUsed:        ").append(used).append(" kB\n");
    });
  }

  private static void kernel(KernDir d) {
    KernDir mm = d.dir("mm");
    KernDir thp = mm.dir("transparent_hugepage");
    thp.file("enabled", "always madvise [never]\n");
    thp.file("defrag", "always defer defer+madvise madvise [never]\n");
    thp.file("shmem_enabled", "always within_size advise [never] deny force\n");
    thp.file("hpage_pmd_size", "2097152\n");
    thp.file("use_zero_page", "0\n");
    KernDir huge = mm.dir("hugepages").dir("hugepages-2048kB");
    for (String name : new String[] {"free_hugepages", "nr_hugepages", "nr_overcommit_hugepages", "resv_hugepages",
        "surplus_hugepages"}) {
      huge.file(name, "0\n");
    }
    KernDir ksm = mm.dir("ksm");
    ksm.file("run", "0\n");
    d.file("uevent_seqnum", "0\n");
    d.file("kexec_loaded", "0\n");
    d.file("kexec_crash_loaded", "0\n");
    d.file("fscaps", "1\n");
    d.file("rcu_expedited", "0\n");
    d.file("profiling", "0\n");
    d.dir("debug");
    d.dir("tracing");
    d.dir("security");
    d.dir("iommu_groups");
  }
}
