package gvisor.host;

import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.FileSys;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Sys;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;

/**
 * Which users and groups there are in a new user namespace: {@code man 7 user_namespaces}, "Defining user and group ID
 * mappings".
 *
 * @param users lines of {@code /proc/pid/uid_map}
 * @param groups lines of {@code /proc/pid/gid_map}
 * @param keepsGroups whether processes in it may not change their supplementary groups, as an ordinary user's may not
 */
public record IdMaps(String users, String groups, boolean keepsGroups) {
  /** The kernel's own bound on a map is a page. */
  private static final int MAX_LENGTH = 4096;

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
    for (String[] fields : read("/proc/self/uid_map")) {
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
    for (String[] fields : read(file)) {
      lines.append(fields[0]).append(' ').append(fields[0]).append(' ').append(fields[2]).append('\n');
    }
    return lines.toString();
  }

  /** The three fields of each line. Every sandbox starts with this: without channels and patterns it takes no time. */
  private static List<String[]> read(String file) throws IOException {
    List<String[]> lines = new ArrayList<>();
    byte[] text = new byte[MAX_LENGTH];
    try (Fd fd = Fd.open(file, Sys.O_RDONLY, 0)) {
      int length = (int) fd.readWaiting(MemorySegment.ofArray(text));
      StringTokenizer fields = new StringTokenizer(new String(text, 0, length, StandardCharsets.US_ASCII));
      while (fields.countTokens() >= 3) {
        lines.add(new String[] {fields.nextToken(), fields.nextToken(), fields.nextToken()});
      }
      return lines;
    } catch (ErrnoException e) {
      throw new IOException(file + ": " + e.errno().message());
    }
  }

  private static void write(String file, String text) throws ErrnoException {
    try (Fd fd = Fd.open(file, FileSys.O_WRONLY, 0)) {
      // The kernel takes a map in one piece or not at all.
      fd.writeWaiting(MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII)));
    }
  }
}
