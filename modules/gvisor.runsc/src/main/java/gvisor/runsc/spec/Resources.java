package gvisor.runsc.spec;

import gvisor.runsc.json.FieldReader;
import gvisor.runsc.json.MalformedJsonException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a container may take of the host: {@code linux.resources}. Source: OCI Runtime Specification 1.2,
 * config-linux.md, "Control groups". A number is {@link #UNSET} where nothing is said, and -1 where there shall be no
 * limit.
 *
 * @param memoryLimit bytes
 * @param memoryReservation bytes that are kept for it when memory is short
 * @param memorySwap bytes of memory and swap together
 * @param swappiness how readily the host swaps its memory out, 0 to 100
 * @param cpuShares weight beside others, 1024 by default
 * @param cpuQuota microseconds of processor time in a period
 * @param cpuPeriod microseconds
 * @param cpuBurst microseconds that may be saved up and used beyond the quota
 * @param cpuIdle 1 to run only when nobody else wants to, or 0
 * @param cpus processors it may use, as {@code 0-2,4}, or ""
 * @param mems memory nodes it may use, or ""
 * @param pidsLimit tasks
 * @param blkioWeight weight of its block I/O, 10 to 1000
 * @param throttles limits of block devices
 * @param unified files of cgroup v2 and what is written into them
 */
public record Resources(
    long memoryLimit,
    long memoryReservation,
    long memorySwap,
    long swappiness,
    long cpuShares,
    long cpuQuota,
    long cpuPeriod,
    long cpuBurst,
    long cpuIdle,
    String cpus,
    String mems,
    long pidsLimit,
    long blkioWeight,
    List<Throttle> throttles,
    Map<String, String> unified) {
  /** Nothing is said. */
  public static final long UNSET = Long.MIN_VALUE;

  /** No limits at all. */
  public static final Resources NONE =
      new Resources(
          UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, "", "", UNSET, UNSET, List.of(), Map.of());

  /** Microseconds of a period for which none is given: the kernel's own. */
  public static final long DEFAULT_PERIOD = 100_000;

  private static final long MAX_PERIOD = 1_000_000;

  /** What is limited of a block device. */
  public enum Throttled {
    READ_BYTES("throttleReadBpsDevice"),
    WRITE_BYTES("throttleWriteBpsDevice"),
    READS("throttleReadIOPSDevice"),
    WRITES("throttleWriteIOPSDevice"),
    WEIGHT("weightDevice");

    private final String field;

    Throttled(String field) {
      this.field = field;
    }
  }

  /** So much a second of a block device; of {@link Throttled#WEIGHT} so much beside others. */
  public record Throttle(Throttled what, long major, long minor, long rate) {}

  /** Checks the value of {@code resources}; null is none. */
  public static Resources read(FieldReader resources) throws MalformedJsonException {
    if (resources == null) {
      return NONE;
    }
    FieldReader memory = resources.object("memory");
    FieldReader cpu = resources.object("cpu");
    FieldReader pids = resources.object("pids");
    FieldReader blkio = resources.object("blockIO");
    Resources read =
        new Resources(
            limit(memory, "limit"),
            limit(memory, "reservation"),
            limit(memory, "swap"),
            memory == null ? UNSET : memory.integer("swappiness", 0, 100, UNSET),
            zeroIsUnset(cpu, "shares", 0, Long.MAX_VALUE),
            zeroIsUnset(cpu, "quota", -1, Long.MAX_VALUE),
            zeroIsUnset(cpu, "period", 0, MAX_PERIOD),
            zeroIsUnset(cpu, "burst", 0, Long.MAX_VALUE),
            cpu == null ? UNSET : cpu.integer("idle", 0, 1, UNSET),
            cpu == null ? "" : list(cpu, "cpus"),
            cpu == null ? "" : list(cpu, "mems"),
            pids == null ? UNSET : pids.integer("limit", Long.MIN_VALUE, Long.MAX_VALUE, UNSET),
            zeroIsUnset(blkio, "weight", 0, 1000),
            throttles(blkio),
            resources.stringMap("unified"));
    for (String file : read.unified.keySet()) {
      if (file.isEmpty() || file.contains("/") || file.startsWith(".") || !file.contains(".")) {
        throw resources.fault("unified", "names " + file + ", which is no file of a control group");
      }
    }
    if (read.memorySwap > 0 && read.memoryLimit > read.memorySwap) {
      throw memory.fault("swap", "is below the limit of memory, which it includes");
    }
    refuse(resources, memory, cpu, blkio);
    return read;
  }

  /**
   * What would change something and cannot be. Limits of huge pages and of RDMA need nothing done: a sandbox takes
   * neither. Those of kernel memory are obsolete, and no kernel knows them any more.
   */
  private static void refuse(FieldReader resources, FieldReader memory, FieldReader cpu, FieldReader blkio)
      throws MalformedJsonException {
    if (memory != null && memory.bool("disableOOMKiller", false)) {
      throw memory.fault("disableOOMKiller", "is not offered by a sandbox: who passes a limit is killed");
    }
    for (String name : List.of("realtimeRuntime", "realtimePeriod")) {
      if (cpu != null && cpu.integer(name, Long.MIN_VALUE, Long.MAX_VALUE, 0) != 0) {
        throw cpu.fault(name, "is for real-time threads, which a sandbox does not have on the host");
      }
    }
    if (blkio != null && blkio.integer("leafWeight", 0, 1000, 0) != 0) {
      throw blkio.fault("leafWeight", "is not offered by control groups any more");
    }
    FieldReader network = resources.object("network");
    if (network != null && (network.integer("classID", 0, 0xffff_ffffL, 0) != 0
        || !network.objects("priorities").isEmpty())) {
      throw resources.fault("network", "marks packets on the host, where those of a sandbox are not its own");
    }
  }

  private static long limit(FieldReader object, String name) throws MalformedJsonException {
    return zeroIsUnset(object, name, -1, Long.MAX_VALUE);
  }

  private static long zeroIsUnset(FieldReader object, String name, long min, long max) throws MalformedJsonException {
    long value = object == null ? UNSET : object.integer(name, min, max, UNSET);
    return value == 0 ? UNSET : value;
  }

  private static String list(FieldReader cpu, String name) throws MalformedJsonException {
    String value = cpu.string(name, "");
    if (!value.matches("[0-9,\\-]*")) {
      throw cpu.fault(name, "is no list of numbers such as 0-2,4");
    }
    return value;
  }

  private static List<Throttle> throttles(FieldReader blkio) throws MalformedJsonException {
    List<Throttle> list = new ArrayList<>();
    for (Throttled what : Throttled.values()) {
      for (FieldReader device : blkio == null ? List.<FieldReader>of() : blkio.objects(what.field)) {
        list.add(
            new Throttle(
                what,
                device.integer("major", 0, Integer.MAX_VALUE, 0),
                device.integer("minor", 0, Integer.MAX_VALUE, 0),
                device.integer(what == Throttled.WEIGHT ? "weight" : "rate", 0, Long.MAX_VALUE, 0)));
      }
    }
    return List.copyOf(list);
  }

  /** Whether nothing is asked for. */
  public boolean isEmpty() {
    return equals(NONE);
  }

  /** The processors' time that the quota and the list of processors allow, 0 for all there is. */
  public double processors() {
    double allowed = 0;
    if (cpuQuota > 0) {
      allowed = (double) cpuQuota / (cpuPeriod > 0 ? cpuPeriod : DEFAULT_PERIOD);
    }
    int listed = count(cpus);
    return listed > 0 && (allowed == 0 || listed < allowed) ? listed : allowed;
  }

  private static int count(String list) {
    int sum = 0;
    for (String range : list.split(",")) {
      String[] ends = range.split("-");
      try {
        if (!range.isBlank()) {
          sum += Integer.parseInt(ends[ends.length - 1].strip()) - Integer.parseInt(ends[0].strip()) + 1;
        }
      } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
        return 0; // The host says what is wrong with it.
      }
    }
    return sum;
  }
}
