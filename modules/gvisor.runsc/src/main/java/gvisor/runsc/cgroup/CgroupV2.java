package gvisor.runsc.cgroup;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.spec.Resources;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Version 2: one hierarchy for all controllers. Source: the kernel's Documentation/admin-guide/cgroup-v2.rst. */
final class CgroupV2 extends Cgroup {
  private static final List<String> CONTROLLERS = List.of("cpu", "cpuset", "memory", "pids", "io");

  private final Path root;
  private final Path directory;

  CgroupV2(Hierarchies found, CgroupPath path) {
    root = found.unified();
    String parent = "";
    if (path.isRelative()) {
      // A group with processes cannot hand controllers down: what is beside it can have them.
      String own = found.own().getOrDefault("", "/");
      parent = own.substring(0, Math.max(0, own.lastIndexOf('/'))) + "/";
    }
    directory = root.resolve((parent + path.path()).replaceFirst("^/+", "")).normalize();
  }

  @Override
  List<Path> directories() {
    return List.of(directory);
  }

  @Override
  public void create() throws CommandFailure {
    List<Path> above = new ArrayList<>();
    for (Path p = directory.getParent(); p != null && p.startsWith(root); p = p.getParent()) {
      above.addFirst(p);
    }
    for (Path parent : above) {
      make(parent);
      List<String> enabled = List.of(ControlFile.read(parent.resolve("cgroup.subtree_control")).split(" "));
      for (String controller : CONTROLLERS) {
        if (!enabled.contains(controller)) {
          // Which of them matter is known when a limit is set, and told then.
          ControlFile.tryWrite(parent.resolve("cgroup.subtree_control"), "+" + controller);
        }
      }
    }
    make(directory);
  }

  @Override
  public void set(Resources r) throws CommandFailure {
    bytes("memory.max", r.memoryLimit(), "memory.limit");
    if (r.memoryReservation() != Resources.UNSET) {
      text("memory.low", r.memoryReservation() < 0 ? "max" : Long.toString(r.memoryReservation()), "memory.reservation");
    }
    if (r.memorySwap() != Resources.UNSET && Files.exists(directory.resolve("memory.swap.max"))) {
      long only = r.memorySwap() < 0 ? -1 : r.memorySwap() - Math.max(0, r.memoryLimit());
      text("memory.swap.max", only < 0 ? "max" : Long.toString(only), "memory.swap");
    }
    if (r.cpuShares() != Resources.UNSET) {
      text("cpu.weight", Long.toString(weight(r.cpuShares())), "cpu.shares");
    }
    if (r.cpuQuota() != Resources.UNSET || r.cpuPeriod() != Resources.UNSET) {
      long period = r.cpuPeriod() == Resources.UNSET ? Resources.DEFAULT_PERIOD : r.cpuPeriod();
      text("cpu.max", (r.cpuQuota() > 0 ? Long.toString(r.cpuQuota()) : "max") + " " + period, "cpu.quota");
    }
    text("cpu.max.burst", r.cpuBurst() == Resources.UNSET ? "" : Long.toString(r.cpuBurst()), "cpu.burst");
    if (r.cpuIdle() > 0 || r.cpuIdle() == 0 && Files.exists(directory.resolve("cpu.idle"))) {
      text("cpu.idle", Long.toString(r.cpuIdle()), "cpu.idle");
    }
    // There is no memory.swappiness in this version; like runc, which passes over it, too.
    text("cpuset.cpus", r.cpus(), "cpu.cpus");
    text("cpuset.mems", r.mems(), "cpu.mems");
    text("pids.max", r.pidsLimit() == Resources.UNSET ? "" : tasks(r.pidsLimit()), "pids.limit");
    if (r.blkioWeight() != Resources.UNSET) {
      // 10 to 1000 becomes 1 to 10000.
      text("io.weight", Long.toString(1 + (Math.max(10, r.blkioWeight()) - 10) * 9999 / 990), "blockIO.weight");
    }
    for (Resources.Throttle t : r.throttles()) {
      if (t.what() == Resources.Throttled.WEIGHT) {
        text("io.bfq.weight", t.major() + ":" + t.minor() + " " + t.rate(), "blockIO.weightDevice");
        continue;
      }
      String what =
          switch (t.what()) {
            case READ_BYTES -> "rbps";
            case WRITE_BYTES -> "wbps";
            case READS -> "riops";
            case WRITES -> "wiops";
            case WEIGHT -> throw new IllegalStateException("no limit of io.max");
          };
      text("io.max", t.major() + ":" + t.minor() + " " + what + "=" + t.rate(), "blockIO.throttle");
    }
    for (Map.Entry<String, String> e : r.unified().entrySet()) {
      text(e.getKey(), e.getValue(), "unified." + e.getKey());
    }
  }

  /** Shares from 2 to 262144 become a weight from 1 to 10000, as the specification has it. */
  static long weight(long shares) {
    long bounded = Math.clamp(shares, 2, 262_144);
    return 1 + (bounded - 2) * 9999 / 262_142;
  }

  private void bytes(String file, long value, String field) throws CommandFailure {
    if (value != Resources.UNSET) {
      text(file, value < 0 ? "max" : Long.toString(memory(value)), field);
    }
  }

  private void text(String file, String value, String field) throws CommandFailure {
    if (!value.isEmpty()) {
      ControlFile.write(directory.resolve(file), value, "linux.resources." + field);
    }
  }
}
