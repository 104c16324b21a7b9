import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Runs the same programs natively, in this runtime, and in gVisor's runsc where there is one, in one go, and prints a row
 * each with times and ratios. Ratios are what counts: machines differ and drift.
 *
 * <p>Usage: {@code java Bench.java RUNSC ROOTFS MICRO [--platform=NAME ...] [--unconfined]}; the {@code ./bench} script
 * finds the arguments.
 */
final class Bench {
  private record Runtime(String name, List<String> prefix) {
    boolean isNative() {
      return prefix.isEmpty();
    }
  }

  private static final int START_RUNS = 5;

  /** A row of the micro benchmarks that is to tell differences of a percent, and how often each runtime runs it, in turn. */
  private static final String COMPUTE = "compute, no system calls";

  private static final int COMPUTE_RUNS = 3;

  /** A row of counts, which have no ratio. A runtime that does not count says 0. */
  private static final String FAULTS = "faults a MiB touched";

  /** A root with the mounts a container has, gone with the process. */
  private static final String NATIVE = "mount --bind /dev \"$0/dev\" && mount -t proc proc \"$0/proc\""
      + " && mount -t tmpfs tmpfs \"$0/tmp\" && exec chroot \"$0\" \"$@\"";

  private final Path rootfs;
  private final Path scratch;
  private final List<Runtime> runtimes = new ArrayList<>();
  private final Map<String, Map<String, Double>> rows = new LinkedHashMap<>();
  private final List<String> remarks = new ArrayList<>();
  private int containers;

  private Bench(Path runsc, Path rootfs, List<String> platforms, boolean unconfined) throws IOException {
    this.rootfs = rootfs;
    this.scratch = Files.createTempDirectory("bench");
    runtimes.add(new Runtime("native", List.of()));
    for (String p : platforms) {
      runtimes.add(new Runtime(p, List.of(runsc.toString(), "--root", scratch.resolve("root-" + p).toString(),
          "--platform=" + p, "--network=none", "--ignore-cgroups")));
      if (unconfined) {
        // As the build starts its processes to train them: what namespaces, roots and filters cost is the difference.
        runtimes.add(new Runtime(p + ", unconfined", List.of("env", "RUNSC_JAVA_OPTIONS=-Dgvisor.training=true",
            runsc.toString(), "--root", scratch.resolve("open-" + p).toString(), "--platform=" + p, "--network=none",
            "--ignore-cgroups")));
      }
    }
    String peer = System.getenv("PEER_RUNSC");
    if (peer == null || peer.isEmpty()) {
      peer = onPath("runsc");
    }
    if (peer == null) {
      System.out.println("no gVisor runsc: put one on the PATH or name it in PEER_RUNSC to compare with it\n");
    } else {
      runtimes.add(new Runtime("gVisor systrap", peerCommand(peer, "systrap")));
      List<String> pinned = new ArrayList<>(List.of("taskset", "-c", "1"));
      pinned.addAll(peerCommand(peer, "ptrace"));
      runtimes.add(new Runtime("gVisor ptrace, 1 CPU", pinned));
    }
  }

  private List<String> peerCommand(String peer, String platform) {
    return List.of(peer, "--root", scratch.resolve("peer-" + platform).toString(), "--platform=" + platform,
        "--network=none", "--ignore-cgroups", "--rootless=false");
  }

  private static String onPath(String name) {
    for (String dir : System.getenv("PATH").split(":")) {
      Path p = Path.of(dir, name);
      if (Files.isExecutable(p)) {
        return p.toString();
      }
    }
    return null;
  }

  public static void main(String[] args) throws Exception {
    if (args.length < 3) {
      System.err.println("usage: java Bench.java RUNSC ROOTFS MICRO [--platform=NAME ...] [--unconfined]");
      System.exit(2);
    }
    Path runsc = Path.of(args[0]).toAbsolutePath();
    Path rootfs = Path.of(args[1]).toAbsolutePath();
    List<String> platforms = new ArrayList<>();
    boolean unconfined = false;
    for (int i = 3; i < args.length; i++) {
      if (args[i].equals("--unconfined")) {
        unconfined = true;
        continue;
      }
      if (!args[i].startsWith("--platform=")) {
        System.err.println("bench: " + args[i] + ": expected --platform=NAME or --unconfined");
        System.exit(2);
      }
      platforms.add(args[i].substring("--platform=".length()));
    }
    if (platforms.isEmpty()) {
      platforms.add("ptrace");
    }
    Bench bench = new Bench(runsc, rootfs, platforms, unconfined);
    try {
      Files.copy(Path.of(args[2]), rootfs.resolve("root/micro"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      Files.copy(Path.of(args[2]).resolveSibling("macro.sh"), rootfs.resolve("root/macro.sh"),
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      bench.program("micro", List.of("/root/micro"));
      for (int i = 0; i < COMPUTE_RUNS; i++) {
        bench.program("compute", List.of("/root/micro", COMPUTE));
      }
      bench.remarkOnCompute();
      if (platforms.contains("kvm")) {
        bench.onTheHost(Path.of(args[2]).resolveSibling("kvmrun"));
      }
      bench.program("macro", List.of("/bin/sh", "/root/macro.sh"));
      bench.starts(runsc);
      bench.memory();
      bench.print();
    } finally {
      Files.deleteIfExists(rootfs.resolve("root/micro"));
      Files.deleteIfExists(rootfs.resolve("root/macro.sh"));
      deleteTree(bench.scratch);
    }
  }

  private void program(String what, List<String> command) throws Exception {
    for (Runtime r : runtimes) {
      System.err.println("running " + what + " on " + r.name + " ...");
      Path out = scratch.resolve("out");
      Process p = start(r, command, out);
      if (!p.waitFor(15, TimeUnit.MINUTES)) {
        p.destroy();
        throw new IOException(r.name + ": " + command + " did not end within 15 minutes");
      }
      for (String line : Files.readAllLines(out)) {
        String[] f = line.split("\t");
        if (f.length == 2) {
          rows.computeIfAbsent(f[0], k -> new LinkedHashMap<>())
              .merge(r.name, Double.parseDouble(f[1]) / 1000, Math::min);
        }
      }
      if (p.exitValue() != 0) {
        System.err.println(r.name + ": " + command + " exited with " + p.exitValue() + "; rows are missing");
      }
    }
  }

  /** Rows of a program that stands beside the runtimes, not in them. */
  private void onTheHost(Path program) throws Exception {
    Process p = new ProcessBuilder(program.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String out = new String(p.getInputStream().readAllBytes());
    if (p.waitFor() != 0) {
      System.err.println(program.getFileName() + ": exited with " + p.exitValue() + "; its row is missing");
      return;
    }
    String[] f = out.strip().split("\t");
    double bare = Double.parseDouble(f[1]) / 1000;
    rows.computeIfAbsent(f[0], k -> new LinkedHashMap<>()).put("native", bare);
    Double call = rows.getOrDefault("getppid", Map.of()).get("kvm");
    if (call != null) {
      remarks.add("getppid on kvm takes %.2f times what KVM_RUN and back takes in C.".formatted(call / bare));
    }
  }

  private void remarkOnCompute() {
    Map<String, Double> times = rows.getOrDefault(COMPUTE, Map.of());
    Double natively = times.get("native");
    for (Runtime r : runtimes) {
      Double t = times.get(r.name);
      if (natively != null && t != null && !r.isNative() && !r.name.startsWith("gVisor")) {
        remarks.add("A program that only computes takes %.3f times as long on %s as natively."
            .formatted(t / natively, r.name));
      }
    }
  }

  private Process start(Runtime r, List<String> command, Path out) throws IOException {
    List<String> argv = new ArrayList<>();
    if (r.isNative()) {
      argv.addAll(List.of("unshare", "-m", "sh", "-c", NATIVE, rootfs.toString()));
      argv.addAll(command);
    } else {
      String id = "bench" + containers++;
      Path bundle = scratch.resolve(id);
      Files.createDirectory(bundle);
      Files.writeString(bundle.resolve("config.json"), config(command));
      argv.addAll(r.prefix);
      argv.addAll(List.of("run", "--bundle", bundle.toString(), id));
    }
    return new ProcessBuilder(argv).redirectInput(Path.of("/dev/null").toFile()).redirectOutput(out.toFile())
        .redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private String config(List<String> command) {
    StringBuilder args = new StringBuilder();
    for (String a : command) {
      args.append(args.isEmpty() ? "" : ",").append('"').append(a).append('"');
    }
    return """
        {"ociVersion": "1.0.2",
         "process": {"user": {"uid": 0, "gid": 0}, "args": [%s], "cwd": "/",
                     "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"],
                     "capabilities": {"bounding": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SYS_CHROOT"],
                                      "effective": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SYS_CHROOT"],
                                      "permitted": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SYS_CHROOT"]}},
         "root": {"path": "%s", "readonly": false},
         "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
                    {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]}],
         "linux": {"namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                                  {"type": "mount"}]}}
        """.formatted(args, rootfs);
  }

  private void starts(Path runsc) throws Exception {
    for (Runtime r : runtimes) {
      if (!r.isNative()) {
        System.err.println("starting /bin/true on " + r.name + " ...");
        best("run /bin/true", r, () -> start(r, List.of("/bin/true"), Path.of("/dev/null")));
        List<String> version = new ArrayList<>(r.prefix.subList(0, r.prefix.indexOf("--root")));
        version.add("--version");
        best("--version", r, () -> new ProcessBuilder(version).redirectOutput(Path.of("/dev/null").toFile()).start());
      }
    }
  }

  private interface Starter {
    Process start() throws IOException;
  }

  private void best(String row, Runtime r, Starter starter) throws Exception {
    double best = Double.MAX_VALUE;
    for (int i = 0; i <= START_RUNS; i++) {
      long begin = System.nanoTime();
      int code = starter.start().waitFor();
      if (code != 0) {
        System.err.println(r.name + ": " + row + " exited with " + code);
        return;
      }
      if (i > 0) {
        best = Math.min(best, (System.nanoTime() - begin) / 1e3);
      }
    }
    rows.computeIfAbsent(row, k -> new LinkedHashMap<>()).put(r.name, best);
  }

  /** Peak of the summed proportional set sizes of the runtime's processes while a container sleeps, in MB. */
  private void memory() throws Exception {
    for (Runtime r : runtimes) {
      if (r.isNative()) {
        continue;
      }
      System.err.println("measuring the memory of " + r.name + " ...");
      Process p = start(r, List.of("/bin/sleep", "3"), Path.of("/dev/null"));
      long peak = 0;
      while (p.isAlive()) {
        peak = Math.max(peak, proportionalKib(p.pid(), scratch.toString()));
        Thread.sleep(50);
      }
      rows.computeIfAbsent("peak memory, MB", k -> new LinkedHashMap<>()).put(r.name, peak / 1024.0);
    }
  }

  /** The processes are the descendants of {@code root}, and whatever names the bench's own directory. */
  private static long proportionalKib(long root, String marker) throws IOException {
    Map<Long, Long> parents = new LinkedHashMap<>();
    Set<Long> ours = new LinkedHashSet<>(Set.of(root));
    try (Stream<Path> procs = Files.list(Path.of("/proc"))) {
      for (Path p : procs.filter(p -> p.getFileName().toString().matches("\\d+")).toList()) {
        try {
          String stat = Files.readString(p.resolve("stat"));
          long pid = Long.parseLong(p.getFileName().toString());
          parents.put(pid, Long.parseLong(stat.substring(stat.lastIndexOf(')') + 4).split(" ")[0]));
          if (Files.readString(p.resolve("cmdline")).contains(marker) && pid != ProcessHandle.current().pid()) {
            ours.add(pid);
          }
        } catch (IOException | UncheckedIOException gone) {
          continue;
        }
      }
    }
    boolean grew = true;
    while (grew) {
      grew = false;
      for (Map.Entry<Long, Long> e : parents.entrySet()) {
        grew |= ours.contains(e.getValue()) && ours.add(e.getKey());
      }
    }
    long sum = 0;
    for (long pid : ours) {
      try {
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup"))) {
          if (line.startsWith("Pss:")) {
            sum += Long.parseLong(line.replaceAll("\\D", ""));
          }
        }
      } catch (IOException gone) {
        continue;
      }
    }
    return sum;
  }

  private void print() {
    System.out.printf("%-28s", "microseconds (best)");
    for (Runtime r : runtimes) {
      System.out.printf(" %22s", r.name);
    }
    System.out.println();
    List<Runtime> ours = runtimes.stream().filter(r -> !r.isNative() && !r.name.startsWith("gVisor")).toList();
    rows.forEach((row, times) -> {
      System.out.printf("%-28s", row);
      for (Runtime r : runtimes) {
        Double t = times.get(r.name);
        if (t == null || row.equals(FAULTS) && t == 0) {
          System.out.printf(" %22s", "-");
          continue;
        }
        Double own = times.get(ours.getFirst().name);
        String ratio = own == null || ours.contains(r) || row.equals(FAULTS) ? "" : " (%.2fx)".formatted(own / t);
        System.out.printf(" %22s", (t >= 100 ? "%.0f" : "%.2f").formatted(t) + ratio);
      }
      System.out.println();
    });
    System.out.printf("%nIn brackets: this runtime's figure (%s) divided by that column's; below 1 this one is faster.%n",
        ours.getFirst().name);
    remarks.forEach(System.out::println);
  }

  private static void deleteTree(Path top) throws IOException {
    try (Stream<Path> tree = Files.walk(top)) {
      for (Path p : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(p);
      }
    }
  }
}
