package gvisor.runsc.sandbox;

import gvisor.gofer.AttachPoint;
import gvisor.gofer.HostAccess;
import gvisor.host.Fd;
import gvisor.host.HostFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * What {@link EscapeTest} runs in the place of a gofer: one that has been taken over. It serves two directories,
 * {@code /0} read-only and {@code /1}, and has a secret beside them on the host.
 */
final class HostileGofer {
  private static final long AT_FDCWD = -100;
  private static final int O_WRONLY = 1, O_RDWR = 2, O_DIRECTORY = 0200000;

  /** SOCK_CLOEXEC and SOCK_NONBLOCK. */
  private static final int SOCK_FLAGS = 0x80800;

  private HostileGofer() {}

  /** Calls that must end the process, by their names. */
  static Map<String, LongSupplier> deadly() {
    Map<String, LongSupplier> calls = new LinkedHashMap<>();
    long memory = HostKernel.memory(4096).address();
    long setuid = HostKernel.text("/1/setuid");
    put(calls, "execve: a set-user-ID program", 59, setuid, memory, memory);
    put(calls, "execveat", 322, AT_FDCWD, setuid, memory, memory, 0);
    put(calls, "fork", 57);
    put(calls, "kill", 62, 1, 9);
    put(calls, "ptrace", 101, 0x4206, 1, 0, 0);
    put(calls, "setns", 308, 3, 0);
    put(calls, "unshare", 272, 0x20000);
    put(calls, "mount", 165, HostKernel.text("proc"), HostKernel.text("/1"), HostKernel.text("proc"), 0, 0);
    put(calls, "umount2", 166, HostKernel.text("/0"), 2);
    put(calls, "pivot_root", 155, HostKernel.text("/1"), HostKernel.text("/1"));
    put(calls, "chroot", 161, HostKernel.text("/1"));
    put(calls, "fchdir", 81, 3);
    put(calls, "name_to_handle_at", 303, AT_FDCWD, HostKernel.text("/1"), memory, memory, 0);
    put(calls, "open_by_handle_at", 304, AT_FDCWD, memory, 0);
    put(calls, "mknodat: a disk", 259, AT_FDCWD, HostKernel.text("/1/sda"), 0060600, 0x800);
    put(calls, "mknodat: a character device", 259, AT_FDCWD, HostKernel.text("/1/mem"), 0020600, 0x101);
    put(calls, "linkat: a name that is walked", 265, AT_FDCWD, HostKernel.text("/1/file"), AT_FDCWD, memory, 0);
    put(calls, "fchmodat: a name that is walked", 268, AT_FDCWD, HostKernel.text("/1/file"), 06755);
    put(calls, "socket", 41, 1, 1, 0);
    put(calls, "connect", 42, 3, memory, 16);
    put(calls, "bind", 49, 3, memory, 16);
    put(calls, "setresuid", 117, 0, 0, 0);
    put(calls, "capset", 126, memory, memory);
    put(calls, "prctl: ambient capabilities", 157, 47, 2, 0, 0, 0);
    put(calls, "fanotify_init", 300, 0, 0);
    put(calls, "io_uring_setup", 425, 1, memory);
    put(calls, "mmap: executable memory", 9, 0, 4096, 7, 0x22, -1, 0);
    put(calls, "seccomp", 317, 0, 0, 0);
    return calls;
  }

  private static void put(Map<String, LongSupplier> calls, String name, long number, long... arguments) {
    calls.put(name, () -> HostKernel.call(number, arguments));
  }

  /** Calls that fail and leave the process alive, with what they must give. */
  private static Map<String, long[]> refused(long descriptors, long served) {
    Map<String, long[]> calls = new LinkedHashMap<>();
    calls.put("a name", new long[] {HostKernel.ENOENT, 257, AT_FDCWD, HostKernel.text("/etc/passwd"), 0, 0});
    open(calls, HostKernel.ENOENT, AT_FDCWD, "/etc/passwd", 0);
    open(calls, HostKernel.ENOENT, AT_FDCWD, "/proc/self/root/etc/passwd", 0);
    open(calls, HostKernel.ENOENT, AT_FDCWD, "/fd/../../../etc/passwd", 0);
    open(calls, HostKernel.ENOENT, served, "../../../../../../etc/passwd", 0);
    open(calls, HostKernel.ENOENT, served, "../secret", 0);
    open(calls, HostKernel.ENOENT, served, "absolute-link", 0);
    open(calls, HostKernel.ENOENT, served, "relative-link", 0);
    open(calls, HostKernel.EACCES, served, "device", O_RDWR);
    open(calls, HostKernel.EROFS, AT_FDCWD, "/0/file", O_WRONLY);
    open(calls, HostKernel.EROFS, AT_FDCWD, "/new", 0100 | O_WRONLY);
    calls.put("out of the descriptors", new long[] {
        HostKernel.ENOENT, 257, descriptors, HostKernel.text("../../../etc/passwd"), 0, 0});
    calls.put("another process's files", new long[] {
        HostKernel.ENOENT, 257, descriptors, HostKernel.text("../../1/root/etc/passwd"), 0, 0});
    calls.put("unlink", new long[] {HostKernel.EROFS, 263, AT_FDCWD, HostKernel.text("/0/file"), 0});
    calls.put("mkdir", new long[] {HostKernel.EROFS, 258, AT_FDCWD, HostKernel.text("/new"), 0755});
    calls.put("tgkill", new long[] {HostKernel.ESRCH, 234, 99999, 99999, 9});
    return calls;
  }

  private static void open(Map<String, long[]> calls, long result, long directory, String name, long flags) {
    MemorySegment how = HostKernel.memory(24); // no RESOLVE_* at all
    how.set(ValueLayout.JAVA_LONG, 0, flags);
    how.set(ValueLayout.JAVA_LONG, 8, (flags & 0100) == 0 ? 0 : 0600);
    String what = "openat2 " + directory + " " + name;
    calls.put(what, new long[] {result, 437, directory, HostKernel.text(name), how.address(), 24});
  }

  /** As {@link #deadly}, of a gofer that may have sockets of the host. */
  static Map<String, LongSupplier> deadlyWithSockets() {
    Map<String, LongSupplier> calls = new LinkedHashMap<>();
    long memory = HostKernel.memory(4096).address();
    put(calls, "socket: internet", 41, 2, SOCK_FLAGS | 1, 0);
    put(calls, "socket: netlink", 41, 16, SOCK_FLAGS | 2, 0);
    put(calls, "socket: packets of a device", 41, 17, SOCK_FLAGS | 2, 0);
    put(calls, "socket: one that waits", 41, 1, 1, 0);
    put(calls, "socketpair", 53, 1, 1, 0, memory);
    put(calls, "accept4", 288, 3, memory, memory, 0);
    put(calls, "setsockopt", 54, 3, 1, 2, memory, 4);
    put(calls, "sendto: an address", 44, 3, memory, 1, 0, memory, 16);
    return calls;
  }

  /** What sockets must not lead to, with what connecting gives. */
  private static String reached(long served) {
    StringBuilder wrong = new StringBuilder();
    Map<String, Long> names = new LinkedHashMap<>();
    names.put("\0gvisor-test", HostKernel.ECONNREFUSED); // abstract names are another network namespace's
    names.put("/run/docker.sock", HostKernel.ENOENT);
    names.put("/fd/" + served + "/../../secret-socket", HostKernel.ENOENT);
    names.put("/1/socket-link", HostKernel.ENOENT);
    names.put("/fd/../root/secret-socket", HostKernel.ENOENT);
    for (Map.Entry<String, Long> e : names.entrySet()) {
      long socket = HostKernel.call(41, 1, SOCK_FLAGS | 1, 0);
      long result = HostKernel.call(42, socket, HostKernel.text("\1\0" + e.getKey()), 3 + e.getKey().length());
      if (result != e.getValue()) {
        wrong.append("connect ").append(e.getKey()).append(": ").append(result).append('\n');
      }
    }
    return wrong.toString();
  }

  /** Arguments: two directories, an empty one, "sockets" or "files", and a call that must end it, if any. */
  public static void main(String[] args) throws Exception {
    ConfinedProcess.openClassPath();
    HostKernel.call(39);
    boolean sockets = args[3].equals("sockets");
    Map<String, LongSupplier> deadly = sockets ? deadlyWithSockets() : deadly();
    List<AttachPoint> moved = Privileges.giveUpAllBut(
        List.of(new AttachPoint("root", args[0], true), new AttachPoint("mount-0", args[1], false)), args[2]);
    List<Fd> listener = Privileges.restrictGoferCalls(new HostAccess(sockets, sockets, false));
    ConfinedProcess.confined(listener);
    if (args.length > 4) {
      System.out.println("lives: " + deadly.get(args[4]).getAsLong());
      Runtime.getRuntime().halt(0);
    }
    MemorySegment how = HostKernel.memory(24);
    how.set(ValueLayout.JAVA_LONG, 0, O_DIRECTORY);
    long served = HostKernel.call(437, AT_FDCWD, HostKernel.text(moved.get(1).path()), how.address(), 24);
    StringBuilder wrong = new StringBuilder(served < 0 ? "cannot open what it serves: " + served : "");
    for (Map.Entry<String, long[]> e : refused(HostFile.descriptorsNumber(), served).entrySet()) {
      long[] call = e.getValue();
      long result = HostKernel.call(call[1], Arrays.copyOfRange(call, 2, call.length));
      if (result != call[0]) {
        wrong.append(e.getKey()).append(": ").append(result).append('\n');
      }
    }
    if (sockets) {
      wrong.append(reached(served));
    }
    System.out.println(wrong.isEmpty() ? "all refused" : wrong);
    Runtime.getRuntime().halt(0);
  }
}
