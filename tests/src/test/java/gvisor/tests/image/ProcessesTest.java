package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every process of a running sandbox is what the table in {@code docs/security.md} says, on every platform. */
class ProcessesTest {
  private static final Path PAGE = Path.of("../docs/security.md");
  private static final List<String> NAMESPACES = List.of("mnt", "pid", "net", "ipc", "uts", "user");
  private static final List<String> CAPABILITIES = List.of("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER",
      "FSETID", "KILL");

  /** What descriptors of a kind point to, by the words of the table. */
  private static final Map<String, Pattern> DESCRIPTORS = Map.ofEntries(
      Map.entry("null", Pattern.compile("/dev/null")),
      Map.entry("messages", Pattern.compile("/.*/messages")),
      Map.entry("connection", Pattern.compile("socket:.*")),
      Map.entry("classes", Pattern.compile("/.*/lib/modules")),
      Map.entry("memory", Pattern.compile("/memfd:.*")),
      Map.entry("events", Pattern.compile("anon_inode:\\[event(fd|poll)\\]")),
      Map.entry("standard files", Pattern.compile("/dev/null|pipe:.*")),
      Map.entry("exit code", Pattern.compile("/.*/exit")),
      Map.entry("served files", Pattern.compile("/[0-9]+(/.*)?")),
      Map.entry("own descriptors", Pattern.compile("/fd")),
      Map.entry("host memory", Pattern.compile("/proc/meminfo|/meminfo")),
      Map.entry("machine", Pattern.compile("/dev/kvm|anon_inode:kvm-.*")),
      Map.entry("signals", Pattern.compile("anon_inode:\\[signalfd\\]")),
      Map.entry("listener", Pattern.compile("anon_inode:seccomp notify")),
      Map.entry("process", Pattern.compile("anon_inode:\\[pidfd\\]")));

  @TestFactory
  Stream<DynamicTest> processesAreWhatTheTableSays() throws Exception {
    Assumptions.assumeTrue(
        (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0, "the table is of what root starts");
    return Image.platforms().stream().map(name -> DynamicTest.dynamicTest(name, () -> check(name)));
  }

  @Test
  void whoMakesSocketsIsWhatTheTableSays() throws Exception {
    Assumptions.assumeTrue(
        (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0, "the table is of what root starts");
    check(Image.platforms().getFirst(), "--network=host");
  }

  @Test
  void aSandboxIsInTheNetworkNamespaceThatTheSpecNames() throws Exception {
    Assumptions.assumeTrue(
        (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0, "only root joins namespaces");
    Process holder = new ProcessBuilder("unshare", "--net", "sleep", "120").start();
    Path bundle = Files.createTempDirectory("bundle");
    Path root = bundle.resolve("state");
    try {
      Path own = Path.of("/proc/self/ns/net");
      Path named = Path.of("/proc/" + holder.pid() + "/ns/net");
      while (Files.readSymbolicLink(named).equals(Files.readSymbolicLink(own))) {
        Thread.sleep(10);
      }
      String config = Image.config(new Image.Container(RootFileSystems.get("busybox"), List.of("/bin/sleep", "60")));
      int end = config.lastIndexOf('}');
      Files.writeString(
          bundle.resolve("config.json"),
          config.substring(0, end)
              + ", \"linux\": {\"namespaces\": [{\"type\": \"network\", \"path\": \"%s\"}]}}".formatted(named));
      Process run = start("ptrace", root, bundle, "netns");
      Map<Long, String> processes = await(root.resolve("netns"), true);
      for (Map.Entry<Long, String> e : processes.entrySet()) {
        Path found = Files.readSymbolicLink(Path.of("/proc/" + e.getKey() + "/ns/net"));
        boolean isNamed = found.equals(Files.readSymbolicLink(named));
        assertEquals(e.getValue().matches("sandbox|stub"), isNamed, e.getValue());
      }
      Image.runsc(30, "--root", root.toString(), "delete", "--force", "netns");
      run.waitFor(30, TimeUnit.SECONDS);
    } finally {
      holder.destroyForcibly();
      Image.delete(bundle);
    }
  }

  private static Process start(String platform, Path root, Path bundle, String id, String... options)
      throws IOException {
    List<String> args = new ArrayList<>(List.of("--root", root.toString(), "--platform", platform));
    args.addAll(List.of(options));
    args.addAll(List.of("run", "--bundle", bundle.toString(), id));
    return started(args.toArray(String[]::new));
  }

  private static Process started(String... args) throws IOException {
    List<String> command = new ArrayList<>(List.of(Image.RUNSC.toString()));
    command.addAll(List.of(args));
    return new ProcessBuilder(command)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
        .start();
  }

  private static void check(String platform, String... options) throws Exception {
    Map<String, List<String>> table = table();
    Path bundle = Files.createTempDirectory("bundle");
    String id = "processes-" + platform;
    Path root = bundle.resolve("state");
    Files.writeString(
        bundle.resolve("config.json"),
        Image.config(
            new Image.Container(
                RootFileSystems.get("busybox"), List.of("/bin/sh", "-c", "cat /etc/passwd; sleep 60 & sleep 60"))));
    Process run = start(platform, root, bundle, id, options);
    try {
      Map<Long, String> processes = await(root.resolve(id), platform.equals("ptrace"));
      assertEquals(options.length > 0, processes.containsValue("socket maker"));
      Path holder = bundle.resolve("holder");
      Process exec =
          started("--root", root.toString(), "exec", "--detach", "--pid-file", holder.toString(), id, "/bin/sleep", "60");
      assertEquals(0, exec.waitFor());
      processes.put(Long.valueOf(Files.readString(holder)), "holder");
      for (Map.Entry<Long, String> e : processes.entrySet()) {
        List<String> expected = table.get(e.getValue());
        assertEquals(expected.subList(1, 7), found(e.getKey()), e.getValue() + " on " + platform);
        checkDescriptors(e.getKey(), expected.get(7), e.getValue());
        checkThreads(e.getKey());
      }
    } finally {
      Image.runsc(30, "--root", root.toString(), "delete", "--force", id);
      run.waitFor(30, TimeUnit.SECONDS);
      run.destroyForcibly();
      Image.delete(bundle);
    }
  }

  /** The rows of the first table, by their first column. */
  private static Map<String, List<String>> table() throws IOException {
    Map<String, List<String>> rows = new HashMap<>();
    boolean inside = false;
    for (String line : Files.readAllLines(PAGE)) {
      if (line.startsWith("| process |")) {
        inside = true;
      } else if (inside && line.startsWith("| ")) {
        List<String> cells =
            Stream.of(line.substring(1, line.length() - 1).split("\\|")).map(String::strip).toList();
        rows.put(cells.getFirst(), cells);
      } else if (inside && !line.startsWith("|")) {
        break;
      }
    }
    assertEquals(5, rows.size(), "rows of the table of processes in " + PAGE);
    return rows;
  }

  /** Waits until the application runs; returns the sandbox's processes by what they are. */
  private static Map<Long, String> await(Path state, boolean hasStubs) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (true) {
      Map<Long, String> found = new LinkedHashMap<>();
      List<Long> sandboxes = new ArrayList<>();
      Map<Long, Long> stubs = new HashMap<>();
      for (Path process : processes()) {
        long pid = Long.parseLong(process.getFileName().toString());
        try {
          String command = Files.readString(process.resolve("cmdline")).replace('\0', ' ');
          if (command.contains("SandboxMain") && command.contains(state.toString())) {
            found.put(pid, "sandbox");
            sandboxes.add(pid);
          } else if (command.contains("GoferMain") && command.contains(state.toString())) {
            found.put(pid, "gofer");
          } else if (Files.readSymbolicLink(process.resolve("exe")).endsWith("lib/watcher")
              && Files.readSymbolicLink(process.resolve("fd/2")).equals(state.resolve("messages"))) {
            found.put(pid, "watcher");
          } else if (command.contains("lib/socketmaker") && command.contains(state.toString())) {
            found.put(pid, "socket maker");
          } else if (status(pid).get("Name").equals("stub")) {
            stubs.put(pid, Long.valueOf(status(pid).get("PPid")));
          }
        } catch (IOException | NullPointerException e) {
          continue; // It has just ended, or is the kernel's.
        }
      }
      stubs.forEach((stub, parent) -> {
        if (sandboxes.contains(parent)) {
          found.put(stub, "stub");
        }
      });
      // A process of the application is a stub; once there are some, everything else has long been set up.
      long stubCount = found.values().stream().filter("stub"::equals).count();
      long own = found.values().stream().filter(kind -> !kind.matches("stub|socket maker")).count();
      if (own == 3 && (hasStubs ? stubCount >= 1 : opensServedFile(sandboxes.getFirst()))) {
        return found;
      }
      assertTrue(System.nanoTime() < deadline, "the sandbox runs its application: " + found);
      Thread.sleep(50);
    }
  }

  private static boolean opensServedFile(long pid) throws IOException {
    try (Stream<Path> fds = Files.list(Path.of("/proc", Long.toString(pid), "fd"))) {
      return fds.anyMatch(fd -> {
        try {
          return Files.readSymbolicLink(fd).startsWith("/0");
        } catch (IOException e) {
          return false; // closed meanwhile
        }
      });
    }
  }

  private static List<Path> processes() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc"))) {
      return all.filter(p -> p.getFileName().toString().matches("[0-9]+")).toList();
    }
  }

  private static Map<String, String> status(long pid) throws IOException {
    return statusOf(Path.of("/proc", Long.toString(pid), "status"));
  }

  private static Map<String, String> statusOf(Path file) throws IOException {
    return Files.readAllLines(file).stream()
        .map(line -> line.split(":\\s*", 2))
        .collect(Collectors.toMap(p -> p[0], p -> p[1]));
  }

  /** What the table has of a process, columns two to seven. */
  private static List<String> found(long pid) throws IOException {
    Path process = Path.of("/proc", Long.toString(pid));
    Map<String, String> status = status(pid);
    List<String> ids = List.of(status.get("Uid").split("\\s+"));
    assertEquals(List.of(ids.getFirst()), ids.stream().distinct().toList(), "user ids of " + pid);
    assertEquals(status.get("CapEff"), status.get("CapPrm"), "capabilities of " + pid);
    List<String> own = new ArrayList<>();
    for (String name : NAMESPACES) {
      if (!Files.readSymbolicLink(process.resolve("ns/" + name))
          .equals(Files.readSymbolicLink(Path.of("/proc/self/ns/" + name)))) {
        own.add(name);
      }
    }
    return List.of(
        ids.getFirst(),
        capabilities(Long.parseUnsignedLong(status.get("CapEff"), 16)),
        own.isEmpty() ? "none" : String.join(" ", own),
        root(process.resolve("root")),
        status.get("Seccomp").equals("2") ? "yes" : "no",
        status.get("NoNewPrivs").equals("1") ? "never" : "yes");
  }

  private static String capabilities(long mask) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      if ((mask & 1L << i) != 0) {
        names.add(i < CAPABILITIES.size() ? CAPABILITIES.get(i) : i == 10 ? "NET_BIND_SERVICE" : "capability " + i);
      }
    }
    return names.isEmpty() ? "none" : String.join(" ", names);
  }

  private static String root(Path root) throws IOException {
    try (Stream<Path> files = Files.list(root)) {
      TreeSet<String> names = files.map(f -> f.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
      if (names.isEmpty()) {
        return "empty";
      }
      if (names.contains("proc") && names.contains("usr")) {
        return "host";
      }
      return names.remove("fd") && names.stream().allMatch(n -> n.matches("[0-9]+")) ? "mounts" : names.toString();
    }
  }

  private static void checkDescriptors(long pid, String kinds, String what) throws IOException {
    List<Pattern> allowed = Stream.of(kinds.split(", ")).map(DESCRIPTORS::get).toList();
    try (Stream<Path> fds = Files.list(Path.of("/proc", Long.toString(pid), "fd"))) {
      for (Path fd : fds.toList()) {
        String target;
        try {
          target = Files.readSymbolicLink(fd).toString();
        } catch (IOException e) {
          continue; // closed meanwhile
        }
        assertTrue(allowed.stream().anyMatch(p -> p.matcher(target).matches()), what + " has " + fd + " -> " + target);
      }
    }
  }

  /** What holds for the process holds for every thread of it. */
  private static void checkThreads(long pid) throws IOException {
    Map<String, String> process = status(pid);
    try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
      for (Path thread : threads.toList()) {
        Map<String, String> status;
        try {
          status = statusOf(thread.resolve("status"));
        } catch (IOException e) {
          continue; // ended meanwhile
        }
        for (String field : List.of("Uid", "Gid", "CapEff", "CapPrm", "CapInh", "NoNewPrivs", "Seccomp")) {
          assertEquals(process.get(field), status.get(field), field + " of " + thread);
        }
      }
    }
  }
}
