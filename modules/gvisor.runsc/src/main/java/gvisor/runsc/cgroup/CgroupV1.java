package gvisor.runsc.cgroup;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.spec.Resources;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/** Version 1: a hierarchy for each controller. Source: the kernel's Documentation/admin-guide/cgroup-v1. */
final class CgroupV1 extends Cgroup {
  private final Map<String, Path> roots;
  private final Map<String, Path> directories = new LinkedHashMap<>();

  CgroupV1(Hierarchies found, CgroupPath path) {
    roots = found.controllers();
    roots.forEach(
        (controller, root) -> {
          String own = path.isRelative() ? found.own().getOrDefault(controller, "/") + "/" : "";
          directories.put(controller, root.resolve((own + path.path()).replaceFirst("^/+", "")).normalize());
        });
  }

  @Override
  List<Path> directories() {
    return new ArrayList<>(new LinkedHashSet<>(directories.values()));
  }

  @Override
  public void create() throws CommandFailure {
    for (Map.Entry<String, Path> e : directories.entrySet()) {
      make(e.getValue());
      if (e.getKey().equals("cpuset")) {
        inherit(roots.get("cpuset"), e.getValue());
      }
    }
  }

  /** A new group of cpuset has no processors, and nobody may join it, until it is told some. */
  private static void inherit(Path root, Path directory) throws CommandFailure {
    if (directory.equals(root)) {
      return;
    }
    Path parent = directory.getParent();
    for (String file : List.of("cpuset.cpus", "cpuset.mems")) {
      if (ControlFile.read(directory.resolve(file)).isEmpty()) {
        if (ControlFile.read(parent.resolve(file)).isEmpty()) {
          inherit(root, parent);
        }
        ControlFile.write(directory.resolve(file), ControlFile.read(parent.resolve(file)), "linux.cgroupsPath");
      }
    }
  }

  @Override
  public void set(Resources r) throws CommandFailure {
    setMemory(r);
    number("cpu", "cpu.shares", r.cpuShares(), "cpu.shares");
    number("cpu", "cpu.cfs_period_us", r.cpuPeriod(), "cpu.period");
    number("cpu", "cpu.cfs_quota_us", r.cpuQuota(), "cpu.quota");
    number("cpu", "cpu.cfs_burst_us", r.cpuBurst(), "cpu.burst");
    number("cpu", "cpu.idle", r.cpuIdle() == 0 && !hasFile("cpu", "cpu.idle") ? Resources.UNSET : r.cpuIdle(), "cpu.idle");
    text("cpuset", "cpuset.cpus", r.cpus(), "cpu.cpus");
    text("cpuset", "cpuset.mems", r.mems(), "cpu.mems");
    text("pids", "pids.max", r.pidsLimit() == Resources.UNSET ? "" : tasks(r.pidsLimit()), "pids.limit");
    if (r.blkioWeight() != Resources.UNSET && !tryNumber("blkio", "blkio.bfq.weight", r.blkioWeight())) {
      number("blkio", "blkio.weight", r.blkioWeight(), "blockIO.weight");
    }
    for (Resources.Throttle t : r.throttles()) {
      String file =
          switch (t.what()) {
            case READ_BYTES -> "blkio.throttle.read_bps_device";
            case WRITE_BYTES -> "blkio.throttle.write_bps_device";
            case READS -> "blkio.throttle.read_iops_device";
            case WRITES -> "blkio.throttle.write_iops_device";
            case WEIGHT ->
                hasFile("blkio", "blkio.bfq.weight_device") ? "blkio.bfq.weight_device" : "blkio.weight_device";
          };
      text("blkio", file, t.major() + ":" + t.minor() + " " + t.rate(), "blockIO.throttle");
    }
    if (!r.unified().isEmpty()) {
      throw new CommandFailure("linux.resources.unified: this host's control groups are version 1");
    }
  }

  /** The limit of memory must never be above that of memory and swap, whichever is raised or lowered. */
  private void setMemory(Resources r) throws CommandFailure {
    boolean swap = r.memorySwap() != Resources.UNSET && hasFile("memory", "memory.memsw.limit_in_bytes");
    if (swap && raisesSwap(r)) {
      bytes("memory.memsw.limit_in_bytes", r.memorySwap(), "memory.swap");
      swap = false;
    }
    bytes("memory.limit_in_bytes", r.memoryLimit(), "memory.limit");
    if (swap) {
      bytes("memory.memsw.limit_in_bytes", r.memorySwap(), "memory.swap");
    }
    bytes("memory.soft_limit_in_bytes", r.memoryReservation(), "memory.reservation");
    number("memory", "memory.swappiness", r.swappiness(), "memory.swappiness");
  }

  private boolean raisesSwap(Resources r) {
    String now = ControlFile.read(directories.get("memory").resolve("memory.memsw.limit_in_bytes"));
    return !now.isEmpty() && (r.memorySwap() < 0 || Long.parseLong(now) < memory(r.memorySwap()));
  }

  private void bytes(String file, long value, String field) throws CommandFailure {
    if (value != Resources.UNSET) {
      text("memory", file, value < 0 ? "-1" : Long.toString(memory(value)), field);
    }
  }

  private void number(String controller, String file, long value, String field) throws CommandFailure {
    if (value != Resources.UNSET) {
      text(controller, file, Long.toString(value), field);
    }
  }

  private boolean tryNumber(String controller, String file, long value) {
    return hasFile(controller, file)
        && ControlFile.tryWrite(directories.get(controller).resolve(file), Long.toString(value));
  }

  private boolean hasFile(String controller, String file) {
    Path directory = directories.get(controller);
    return directory != null && Files.exists(directory.resolve(file));
  }

  private void text(String controller, String file, String value, String field) throws CommandFailure {
    if (value.isEmpty()) {
      return;
    }
    Path directory = directories.get(controller);
    if (directory == null) {
      throw new CommandFailure(
          "linux.resources." + field + ": this host has no control groups for " + controller + "; see --ignore-cgroups");
    }
    ControlFile.write(directory.resolve(file), value, "linux.resources." + field);
  }
}
