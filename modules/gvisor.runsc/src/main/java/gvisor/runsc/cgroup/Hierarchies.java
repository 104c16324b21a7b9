package gvisor.runsc.cgroup;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The control group file systems that are mounted on this host, and where the caller is in them. Source:
 * {@code man 7 cgroups}, {@code man 5 proc_pid_mountinfo}.
 *
 * @param unified where version 2 is mounted when it has the controllers, or null
 * @param controllers where each controller of version 1 is mounted
 * @param own the caller's group by controller, "" for version 2
 */
record Hierarchies(Path unified, Map<String, Path> controllers, Map<String, String> own) {
  /** Controllers of version 1 that limits are set in. */
  private static final List<String> CONTROLLERS =
      List.of("cpu", "cpuacct", "cpuset", "memory", "pids", "blkio");

  /** Looks at what is mounted. */
  static Hierarchies find() throws IOException {
    return parse(read("/proc/self/mountinfo"), read("/proc/self/cgroup"));
  }

  private static String read(String path) throws IOException {
    return new String(Files.readAllBytes(Path.of(path)), StandardCharsets.ISO_8859_1);
  }

  static Hierarchies parse(String mountinfo, String membership) {
    Path unified = null;
    Map<String, Path> controllers = new LinkedHashMap<>();
    for (String line : mountinfo.split("\n")) {
      int separator = line.indexOf(" - ");
      String[] before = line.split(" ");
      String[] after = separator < 0 ? new String[0] : line.substring(separator + 3).split(" ");
      if (after.length < 3 || before.length < 5) {
        continue;
      }
      // A mount of a part of the hierarchy shows groups under other names; the whole is what paths are meant in.
      Path place = Path.of(before[4].replace("\\040", " "));
      if (after[0].equals("cgroup2")) {
        unified = unified == null ? place : unified;
      } else if (after[0].equals("cgroup")) {
        for (String option : after[2].split(",")) {
          if (CONTROLLERS.contains(option)) {
            controllers.putIfAbsent(option, place);
          }
        }
      }
    }
    Map<String, String> own = new LinkedHashMap<>();
    for (String line : membership.split("\n")) {
      String[] fields = line.split(":", 3);
      if (fields.length == 3) {
        for (String controller : fields[1].split(",")) {
          own.put(controller, fields[2]);
        }
      }
    }
    // Beside controllers of version 1, version 2 is there for systemd and has none.
    return new Hierarchies(controllers.isEmpty() ? unified : null, controllers, own);
  }
}
