package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;

/**
 * Runs the scripts of {@code tests/e2e}: natively in their root file system, then in a container under a seccomp profile
 * like those of engines. Output and exit status
 * must be the same. {@code e2e.only} is a regular expression for names such as {@code debian/git}.
 */
class EndToEndTest {
  private static final int SECONDS = 300;
  private static final Path SCRIPTS = Path.of("e2e").toAbsolutePath();

  /** Natively: namespaces, a file system whose changes are dropped, and the mounts that a container would have. */
  private static final String NATIVE =
      """
      set -e
      rootfs=$1 scripts=$2 script=$3 work=$4
      mount -t tmpfs tmpfs "$work"
      mkdir "$work/upper" "$work/work" "$work/root"
      mount -t overlay overlay -o "lowerdir=$rootfs,upperdir=$work/upper,workdir=$work/work" "$work/root"
      cd "$work/root"
      mkdir -p e2e proc sys dev tmp
      mount --bind "$scripts" e2e
      mount -t proc proc proc
      mount -t tmpfs -o mode=1777 tmpfs tmp
      mount --rbind /dev dev
      if command -v ip > /dev/null; then ip link set lo up; else busybox ip link set lo up; fi
      hostname sandbox
      chroot=$(command -v chroot)
      exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        "$chroot" . /bin/sh "/e2e/$script" < /dev/null
      """;

  @TestFactory
  Stream<DynamicNode> scripts() throws Exception {
    List<String> platforms = Image.platforms();
    List<DynamicNode> nodes = new ArrayList<>();
    for (String kind : List.of("busybox", "debian")) {
      List<DynamicNode> tests = new ArrayList<>();
      for (String script : scriptNames(kind)) {
        for (String platform : platforms) {
          tests.add(dynamicTest(kind + "/" + script + " on " + platform, () -> compare(kind, script, platform)));
        }
      }
      nodes.add(dynamicContainer(kind, tests));
    }
    return nodes.stream();
  }

  private static List<String> scriptNames(String kind) throws IOException {
    String only = System.getProperty("e2e.only", ".*");
    try (Stream<Path> files = Files.list(SCRIPTS.resolve(kind))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".sh"))
          .filter(name -> (kind + "/" + name.replace(".sh", "")).matches(only))
          .sorted()
          .toList();
    }
  }

  private static void compare(String kind, String script, String platform) throws Exception {
    Path rootfs = RootFileSystems.get(kind);
    Programs.Result natively = runNatively(kind, rootfs, script);
    Programs.Result sandboxed =
        Image.run(
            platform,
            SECONDS,
            new Image.Container(
                    rootfs, "/", List.of("/bin/sh", "/e2e/" + script), Map.of(SCRIPTS.resolve(kind), "/e2e"), false)
                .withSeccomp(Image.defaultSeccomp()));
    assertEquals(
        natively.out() + "\nexit code " + natively.exitCode(),
        sandboxed.out() + "\nexit code " + sandboxed.exitCode(),
        () -> kind + "/" + script + ", standard error: " + sandboxed.err().strip());
  }

  private static Programs.Result runNatively(String kind, Path rootfs, String script)
      throws IOException, InterruptedException {
    Path work = Files.createTempDirectory("native");
    try {
      Programs.Result probe =
          Programs.run(Path.of("/"), Map.of(), 30, List.of("unshare", "-m", "-p", "-f", "-i", "-u", "-n", "true"));
      Assumptions.assumeTrue(
          probe.exitCode() == 0, () -> "no namespaces to compare with natively: " + probe.err().strip());
      return Programs.run(
          Path.of("/"),
          Map.of(),
          SECONDS,
          List.of(
              "unshare", "-m", "-p", "-f", "-i", "-u", "-n", "--kill-child", "sh", "-c", NATIVE, "native",
              rootfs.toString(), SCRIPTS.resolve(kind).toString(), script, work.toString()));
    } finally {
      Image.delete(work);
    }
  }
}
