package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import gvisor.tests.guest.SyscallPrograms;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;

/**
 * Runs every program of {@code tests/guest}: on the host, where it must pass, then in a sandbox on each platform.
 *
 * <p>All programs of a platform share two sandboxes, because a start costs more than most programs; one that fails there
 * is run again in a sandbox of its own, so that a program cannot fail for what another left behind. Properties:
 * {@code guest.only} is a regular expression for names.
 */
class ConformanceTest {
  private static final int PROGRAM_SECONDS = 60;
  private static final int BATCHES = 2;
  private static final int SKIPPED = 77;
  private static final Path SOURCES = Path.of("guest").toAbsolutePath();
  private static final Path BUILT = Path.of("target/guest").toAbsolutePath();

  /** Runs the programs it is given, each in a directory of its own, and tells the exit code of each. */
  private static final String DRIVER =
      """
      #!/bin/sh
      for name in "$@"; do
        mkdir -p /tmp/$name && cd /tmp/$name
        echo "@@begin $name"
        timeout -s KILL %d /guest/$name < /dev/null 2>&1
        echo "@@end $name $?"
        cd / && rm -rf /tmp/$name
      done
      """
          .formatted(PROGRAM_SECONDS);

  /** What the debug log says at a container's end. */
  private static final String MADE = "calls that were made: ";

  /** How a program ended in a sandbox. */
  private record Verdict(int exitCode, String output) {}

  @TestFactory
  Stream<DynamicNode> programs() throws Exception {
    Assumptions.assumeTrue(
        (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0,
        "the programs assert what root may do: run the tests as root");
    List<String> names = compileAll();
    assertFalse(names.isEmpty(), "tests/guest has programs");
    Path rootfs = RootFileSystems.get("busybox");
    Map<String, Programs.Result> natively = new ConcurrentHashMap<>();
    List<DynamicNode> nodes = new ArrayList<>();
    nodes.add(
        dynamicContainer(
            "host",
            names.stream()
                .map(
                    name ->
                        dynamicTest(
                            name,
                            () -> {
                              Programs.Result result = runNatively(name);
                              natively.put(name, result);
                              check(name, result.exitCode(), result.out() + result.err());
                            }))));
    for (String platform : Image.platforms()) {
      Map<String, Verdict> verdicts = new HashMap<>();
      Set<String> made = ConcurrentHashMap.newKeySet();
      List<DynamicNode> tests = new ArrayList<>();
      tests.add(dynamicTest("sandboxes", () -> verdicts.putAll(runBatches(platform, rootfs, names, made))));
      for (String name : names) {
        tests.add(
            dynamicTest(
                name, () -> checkInSandbox(platform, rootfs, name, verdicts, natively.get(name), made)));
      }
      tests.add(dynamicTest("every system call was made", () -> checkMade(made)));
      nodes.add(dynamicContainer(platform, tests));
    }
    return nodes.stream();
  }

  /** A program that names a call need not have made it: the C library may make another. The Sentry knows. */
  private static void checkMade(Set<String> made) throws IOException {
    Assumptions.assumeTrue(System.getProperty("guest.only") == null, "not all programs ran");
    Set<String> missing = new TreeSet<>(SyscallPrograms.table());
    missing.removeAll(made);
    assertEquals(Set.of(), missing, "no program made these system calls");
  }

  private static void checkInSandbox(
      String platform, Path rootfs, String name, Map<String, Verdict> verdicts, Programs.Result natively,
      Set<String> made)
      throws Exception {
    Assumptions.assumeTrue(
        natively == null || natively.exitCode() == 0, "it does not pass on this host, so it says nothing here");
    Verdict verdict = verdicts.get(name);
    if (verdict == null || verdict.exitCode() != 0 && verdict.exitCode() != SKIPPED) {
      verdict = runBatch(platform, rootfs, List.of(name), made).get(name);
    }
    if (verdict == null) {
      fail(name + ": the sandbox ended before the program did");
      return;
    }
    check(name, verdict.exitCode(), verdict.output());
  }

  private static void check(String name, int exitCode, String output) {
    Assumptions.assumeTrue(exitCode != SKIPPED, () -> "skipped by itself: " + output.strip());
    assertEquals(0, exitCode, () -> name + ":\n" + output.strip());
  }

  private static Programs.Result runNatively(String name) throws IOException, InterruptedException {
    Path directory = Files.createTempDirectory("guest-" + name);
    try {
      return Programs.run(directory, Map.of(), PROGRAM_SECONDS, List.of(BUILT.resolve(name).toString()));
    } finally {
      Image.delete(directory);
    }
  }

  private static Map<String, Verdict> runBatches(String platform, Path rootfs, List<String> names, Set<String> made)
      throws Exception {
    List<List<String>> batches = new ArrayList<>();
    for (int i = 0; i < BATCHES; i++) {
      batches.add(new ArrayList<>());
    }
    for (int i = 0; i < names.size(); i++) {
      if (!names.get(i).equals(SyscallPrograms.ALL_CALLS)) {
        batches.get(i % BATCHES).add(names.get(i));
      }
    }
    if (names.contains(SyscallPrograms.ALL_CALLS)) {
      batches.add(List.of(SyscallPrograms.ALL_CALLS));
    }
    Map<String, Verdict> verdicts = new HashMap<>();
    try (ExecutorService executor = Executors.newFixedThreadPool(BATCHES)) {
      List<Future<Map<String, Verdict>>> running = new ArrayList<>();
      for (List<String> batch : batches) {
        if (!batch.isEmpty()) {
          running.add(executor.submit(() -> runBatch(platform, rootfs, batch, made)));
        }
      }
      for (Future<Map<String, Verdict>> batch : running) {
        verdicts.putAll(batch.get());
      }
    }
    return verdicts;
  }

  /**
   * Runs programs one after the other in one sandbox; one that never ended has no verdict. Names of the system calls that
   * the sandbox served go into {@code made}.
   */
  private static Map<String, Verdict> runBatch(String platform, Path rootfs, List<String> names, Set<String> made)
      throws IOException, InterruptedException {
    List<String> args = new ArrayList<>(List.of("/bin/sh", "/guest/driver"));
    args.addAll(names);
    int seconds = 60 + Math.min(900, names.size() * PROGRAM_SECONDS);
    Image.Container container = new Image.Container(rootfs, "/", args, Map.of(BUILT, "/guest"), false);
    Path log = Files.createTempDirectory("guest-log");
    Programs.Result result;
    try {
      result = Image.run(platform, seconds, container, "--debug", "--debug-log=" + log + "/");
      if (!names.contains(SyscallPrograms.ALL_CALLS)) {
        made.addAll(readMade(log));
      }
    } finally {
      Image.delete(log);
    }
    Map<String, Verdict> verdicts = new HashMap<>();
    StringBuilder output = new StringBuilder();
    String current = null;
    for (String line : result.out().lines().toList()) {
      if (line.startsWith("@@begin ")) {
        current = line.substring("@@begin ".length());
        output.setLength(0);
        continue;
      }
      // A program may leave its last line without an end.
      int end = current == null ? -1 : line.indexOf("@@end " + current + " ");
      if (end < 0) {
        output.append(line).append('\n');
        continue;
      }
      output.append(line, 0, end);
      int code = Integer.parseInt(line.substring(end + ("@@end " + current + " ").length()).strip());
      verdicts.put(current, new Verdict(code, output.toString()));
      current = null;
    }
    if (names.size() == 1 && verdicts.isEmpty()) {
      String all = result.out() + result.err();
      verdicts.put(names.getFirst(), new Verdict(result.exitCode() == 0 ? 1 : result.exitCode(), all));
    }
    return verdicts;
  }

  private static Set<String> readMade(Path log) throws IOException {
    Set<String> made = new TreeSet<>();
    try (Stream<Path> files = Files.list(log)) {
      for (Path file : files.toList()) {
        for (String line : Files.readAllLines(file)) {
          int at = line.indexOf(MADE);
          if (at >= 0) {
            made.addAll(List.of(line.substring(at + MADE.length()).split(" ")));
          }
        }
      }
    }
    return made;
  }

  /** Compiles what is newer than its program; the names of all programs, in order. */
  private static List<String> compileAll() throws Exception {
    Files.createDirectories(BUILT);
    Path driver = BUILT.resolve("driver");
    Files.writeString(driver, DRIVER);
    String only = System.getProperty("guest.only", ".*");
    List<String> names = new ArrayList<>();
    try (Stream<Path> files = Files.list(SOURCES)) {
      for (Path source : files.sorted().toList()) {
        String file = source.getFileName().toString();
        if (file.endsWith(".c") && file.substring(0, file.length() - 2).matches(only)) {
          names.add(file.substring(0, file.length() - 2));
        }
      }
    }
    try (ExecutorService executor = Executors.newFixedThreadPool(2)) {
      List<Future<Programs.Result>> compilations = new ArrayList<>();
      for (String name : names) {
        compilations.add(executor.submit(() -> compile(name)));
      }
      for (int i = 0; i < names.size(); i++) {
        Programs.Result result = compilations.get(i).get();
        assertEquals(0, result.exitCode(), names.get(i) + ".c does not compile:\n" + result.err());
      }
    }
    return names;
  }

  private static Programs.Result compile(String name) throws IOException, InterruptedException {
    Path source = SOURCES.resolve(name + ".c");
    Path program = BUILT.resolve(name);
    long newest =
        Math.max(
            Files.getLastModifiedTime(source).toMillis(),
            Files.getLastModifiedTime(SOURCES.resolve("test.h")).toMillis());
    if (Files.exists(program) && Files.getLastModifiedTime(program).toMillis() > newest) {
      return new Programs.Result(0, "", "");
    }
    return Programs.run(
        SOURCES,
        Map.of(),
        120,
        List.of("gcc", "-O1", "-g", "-Wall", "-Wextra", "-static", "-pthread", "-o", program.toString(),
            source.toString(), "-lrt", "-lm"));
  }
}
