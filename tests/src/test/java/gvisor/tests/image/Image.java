package gvisor.tests.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** The linked image, run as a black box over bundles made here. */
public final class Image {
  /** Its command. */
  public static final Path RUNSC = Path.of("../jlink/target/runsc/bin/runsc").toAbsolutePath().normalize();

  private static final AtomicInteger COUNTER = new AtomicInteger();

  private static final String CAPABILITIES =
      Stream.of(
              "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
              "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
              "SYS_CHROOT", "SYS_PTRACE", "SYS_ADMIN", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG",
              "MKNOD", "LEASE", "AUDIT_WRITE", "SETFCAP", "SYSLOG")
          .map(name -> "\"CAP_" + name + "\"")
          .reduce((a, b) -> a + ", " + b)
          .orElseThrow();

  private Image() {}

  /** A container to run; {@code seccomp} is a profile or null. */
  record Container(
      Path rootfs, String cwd, List<String> args, Map<Path, String> binds, boolean readonlyRoot, String seccomp) {
    Container(Path rootfs, String cwd, List<String> args, Map<Path, String> binds, boolean readonlyRoot) {
      this(rootfs, cwd, args, binds, readonlyRoot, null);
    }

    Container(Path rootfs, List<String> args) {
      this(rootfs, "/", args, Map.of(), false);
    }

    Container withSeccomp(String profile) {
      return new Container(rootfs, cwd, args, binds, readonlyRoot, profile);
    }
  }

  /** A profile as engines bring one along: some 320 names that are allowed, a few of them with conditions. */
  static String defaultSeccomp() throws IOException {
    try (InputStream resource = Image.class.getResourceAsStream("seccomp-default.json")) {
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Platforms that work on this machine, as {@code help platforms} says. */
  public static List<String> platforms() throws IOException, InterruptedException {
    List<String> names = new ArrayList<>();
    for (String line : runsc(60, "help", "platforms").out().lines().toList()) {
      String[] words = line.split("\\s+");
      if (words.length > 1 && words[1].matches("available[,:]?")) {
        names.add(words[0]);
      }
    }
    return names;
  }

  /** Runs a command of the image. */
  static Programs.Result runsc(int seconds, String... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(RUNSC.toString()));
    command.addAll(List.of(args));
    return command.contains("create") || command.contains("--detach")
        ? Programs.runLeaving(seconds, command)
        : Programs.run(Path.of("/"), Map.of(), seconds, command);
  }

  /** Runs a container to its end, with {@code options} of the command. Whatever happens, nothing of it stays. */
  static Programs.Result run(String platform, int seconds, Container container, String... options)
      throws IOException, InterruptedException {
    Path bundle = Files.createTempDirectory("bundle");
    String id = "t" + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet();
    String root = bundle.resolve("state").toString();
    try {
      Files.writeString(bundle.resolve("config.json"), config(container));
      List<String> command = new ArrayList<>(List.of("--root", root, "--platform", platform));
      command.addAll(List.of(options));
      command.addAll(List.of("run", "--bundle", bundle.toString(), id));
      Programs.Result result = runsc(seconds, command.toArray(String[]::new));
      if (result.exitCode() == -1) {
        runsc(30, "--root", root, "delete", "--force", id);
      }
      return result;
    } finally {
      delete(bundle);
    }
  }

  static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  static String config(Container container) {
    StringBuilder mounts = new StringBuilder();
    container
        .binds()
        .forEach(
            (source, destination) ->
                mounts.append(
                    ",{\"destination\": %s, \"type\": \"bind\", \"source\": %s, \"options\": [\"rbind\", \"ro\"]}"
                        .formatted(quoted(destination), quoted(source.toString()))));
    String args = container.args().stream().map(Image::quoted).reduce((a, b) -> a + ", " + b).orElse("");
    return """
        {"ociVersion": "1.0.2", "hostname": "sandbox",
         "process": {"terminal": false, "user": {"uid": 0, "gid": 0}, "cwd": %s, "args": [%s],
          "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"],
          "capabilities": {"bounding": [%s], "effective": [%s], "permitted": [%s]}},
         "root": {"path": %s, "readonly": %s},
         "linux": {"seccomp": %s},
         "mounts": [
          {"destination": "/proc", "type": "proc", "source": "proc"},
          {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
          {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]},
          {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["mode=1777"]},
          {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
          {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]}%s]}
        """
        .formatted(
            quoted(container.cwd()), args, CAPABILITIES, CAPABILITIES, CAPABILITIES,
            quoted(container.rootfs().toString()), container.readonlyRoot(), container.seccomp(), mounts);
  }

  private static String quoted(String text) {
    StringBuilder json = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < 0x20) {
        json.append("\\u%04x".formatted((int) c));
      } else {
        json.append(c);
      }
    }
    return json.append('"').toString();
  }
}
