package gvisor.host;

import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.FileSys;
import gvisor.host.libc.Libc;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Which users and groups there are in a new user namespace: {@code man 7 user_namespaces}, "Defining user and group ID
 * mappings".
 *
 * @param users lines of {@code /proc/pid/uid_map}
 * @param groups lines of {@code /proc/pid/gid_map}
 * @param keepsGroups whether processes in it may not change their supplementary groups, as an ordinary user's may not
 */
public record IdMaps(String users, String groups, boolean keepsGroups) {
  private static final int NR_GETEUID = 107;
  private static final int NR_GETEGID = 108;

  /**
   * Everybody as they are here. Needs CAP_SETUID and CAP_SETGID.
   *
   * @throws IOException without a /proc
   */
  public static IdMaps identity() throws IOException {
    return new IdMaps(identity("/proc/self/uid_map"), identity("/proc/self/gid_map"), false);
  }

  /** The caller alone, who is root there: what an ordinary user may have. */
  public static IdMaps callerAsRoot() {
    long uid = Libc.syscall(NR_GETEUID, 0, 0, 0, 0, 0, 0);
    long gid = Libc.syscall(NR_GETEGID, 0, 0, 0, 0, 0, 0);
    return new IdMaps("0 " + uid + " 1\n", "0 " + gid + " 1\n", true);
  }

  /** Whether there is user {@code id} in this process's user namespace. */
  public static boolean isUser(int id) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/uid_map"))) {
      String[] fields = line.strip().split("\\s+");
      long first = Long.parseLong(fields[0]);
      if (id >= first && id - first < Long.parseLong(fields[2])) {
        return true;
      }
    }
    return false;
  }

  /** Makes them the maps of process {@code pid}, which has a user namespace without any yet. */
  void writeFor(int pid) throws ErrnoException {
    String directory = "/proc/" + pid;
    if (keepsGroups) {
      write(directory + "/setgroups", "deny");
    }
    write(directory + "/uid_map", users);
    write(directory + "/gid_map", groups);
  }

  /** Each range of the own map onto itself; one that spans two of them would be refused. */
  private static String identity(String file) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (String line : Files.readAllLines(Path.of(file))) {
      List<String> fields = List.of(line.strip().split("\\s+"));
      lines.append(fields.get(0)).append(' ').append(fields.get(0)).append(' ').append(fields.get(2)).append('\n');
    }
    return lines.toString();
  }

  private static void write(String file, String text) throws ErrnoException {
    try (Fd fd = Fd.open(file, FileSys.O_WRONLY, 0)) {
      // The kernel takes a map in one piece or not at all.
      fd.writeWaiting(MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII)));
    }
  }
}
