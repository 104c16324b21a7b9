package gvisor.host.seccomp;

import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.host.seccomp.Rule.allow;
import static gvisor.host.seccomp.Rule.bits;
import static gvisor.host.seccomp.Rule.is;
import static gvisor.host.seccomp.Rule.isNull;

import java.util.ArrayList;
import java.util.List;

/**
 * What a gofer may ask of the host once it serves: acting on the files below the directories it has, and answering over
 * the connection it has. Which names there are is decided by its root directory, which holds nothing else. Whatever is
 * not listed here ends the process.
 */
public final class GoferFilter {
  private static final int AF_UNIX = 1;

  /** SOCK_CLOEXEC and SOCK_NONBLOCK. */
  private static final int SOCK_FLAGS = 0x80800;

  private static final int S_IFMT = 0xf000, S_IFSOCK = 0xc000, S_IFREG = 0x8000, S_IFCHR = 0x2000, S_IFIFO = 0x1000;

  private GoferFilter() {}

  /** What is listed in addition where applications may connect to sockets of the host, or bind some. */
  public static List<Rule> sockets(boolean connect, boolean bind) {
    List<Rule> rules = new ArrayList<>();
    if (connect || bind) {
      rules.add(
          allow("socket", 41, "a socket that is connected or bound for an application, and handed over")
              .when("it is of AF_UNIX, and a stream, for datagrams or for packets, and does not wait",
                  is(0, AF_UNIX), is(1, SOCK_FLAGS | 1, SOCK_FLAGS | 2, SOCK_FLAGS | 5), is(2, 0)));
    }
    if (connect) {
      rules.add(allow("connect", 42, "to a socket below the container's mounts: there are no others in its root"));
    }
    if (bind) {
      rules.add(allow("bind", 49, "to a new name below the container's mounts"));
      rules.add(allow("listen", 50, "on such a socket; the Sentry accepts"));
    }
    return rules;
  }

  /**
   * The list.
   *
   * @param descriptors the descriptor of the directory of its own descriptors
   */
  public static List<Rule> rules(int descriptors) {
    List<Rule> rules = new ArrayList<>(List.of(
        allow("recvmsg", 47, "requests"),
        allow("sendmsg", 46, "replies, and descriptors beside them"),
        allow("recvfrom", 45, "requests").when("no address is asked for", isNull(4)),
        allow("sendto", 44, "replies").when("no address is given", isNull(4)),
        allow("poll", 7, "waiting for a request"),
        allow("shutdown", 48, "the end of the connection"),
        allow("getsockopt", 55, "what a descriptor is").when("SO_TYPE or SO_ERROR", is(1, 1), is(2, 3, 4)),
        allow("close", 3, "files that are not needed any more"),
        allow("openat2", 437, "every name of a peer, with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS"),
        allow("openat", 257, "a file that is held is opened; the VM looks for files, in vain")
            .when("the directory is that of its own descriptors", is(0, descriptors))
            .orFail(ENOENT),
        allow("newfstatat", 262, "attributes"),
        allow("fstat", 5, "attributes"),
        allow("fstatfs", 138, "statfs of applications"),
        allow("getdents64", 217, "listing directories"),
        allow("lseek", 8, "listing directories from a position"),
        allow("readlinkat", 267, "reading symbolic links, which only the Sentry follows"),
        allow("read", 0, "files"),
        allow("write", 1, "files, and the log"),
        allow("pread64", 17, "files"),
        allow("pwrite64", 18, "files"),
        allow("ftruncate", 77, "setting a size"),
        allow("fsync", 74, "fsync of applications"),
        allow("fdatasync", 75, "as above"),
        allow("fcntl", 72, "duplicates; locks that applications of other containers and the host see")
            .when("F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_OFD_GETLK or F_OFD_SETLK", is(1, 1030, 1, 3, 36, 37)),
        allow("mkdirat", 258, "new directories"),
        allow("mknodat", 259, "new fifos, sockets and files; and marks of an overlay, which are no devices")
            .when("it is a regular file", bits(2, S_IFMT, S_IFREG))
            .when("a fifo", bits(2, S_IFMT, S_IFIFO))
            .when("a socket", bits(2, S_IFMT, S_IFSOCK))
            .when("character device 0:0", bits(2, S_IFMT, S_IFCHR), isNull(3)),
        allow("symlinkat", 266, "new symbolic links"),
        allow("linkat", 265, "new names")
            .when("the file is named by a descriptor of its own", is(0, descriptors)),
        allow("unlinkat", 263, "removing names"),
        allow("renameat2", 316, "moving names"),
        allow("fchmodat", 268, "permissions")
            .when("the file is named by a descriptor of its own", is(0, descriptors)),
        allow("fchownat", 260, "owners"),
        allow("utimensat", 280, "times"),
        allow("fgetxattr", 193, "extended attributes"),
        allow("flistxattr", 196, "as above"),
        allow("fsetxattr", 190, "as above"),
        allow("fremovexattr", 199, "as above")));
    rules.addAll(VirtualMachineRules.rules());
    return List.copyOf(rules);
  }

  /**
   * The filter.
   *
   * @param descriptors as of {@link #rules}
   * @param connect as of {@link #sockets}
   * @param otherwise what becomes of calls that are not listed
   */
  public static Bpf program(int descriptors, boolean connect, boolean bind, int otherwise) {
    List<Rule> rules = new ArrayList<>(rules(descriptors));
    rules.addAll(sockets(connect, bind));
    return Rule.compile(rules, otherwise);
  }
}
