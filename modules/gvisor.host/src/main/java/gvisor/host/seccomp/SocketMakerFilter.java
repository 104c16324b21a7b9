package gvisor.host.seccomp;

import static gvisor.api.errno.Errno.EPERM;
import static gvisor.host.seccomp.Rule.allow;
import static gvisor.host.seccomp.Rule.is;

import java.util.List;

/**
 * What a socket maker may ask of the host: internet sockets that do not wait, names for them, and nothing of files,
 * processes or memory. Whatever is not listed here ends the process.
 */
public final class SocketMakerFilter {
  private static final int AF_INET = 2, AF_INET6 = 10;

  /** SOCK_NONBLOCK and SOCK_CLOEXEC: no operation on what it makes can wait, here or in the Sentry. */
  private static final int FLAGS = 02004000;

  private static final int STREAM = 1 | FLAGS, DATAGRAM = 2 | FLAGS, RAW = 3 | FLAGS;
  private static final int ICMP = 1, TCP = 6, UDP = 17, ICMPV6 = 58, UDPLITE = 136;

  private SocketMakerFilter() {}

  /**
   * The list.
   *
   * @param raw whether raw sockets for ICMP are made
   */
  public static List<Rule> rules(boolean raw) {
    Rule socket =
        allow("socket", 41, "sockets for applications")
            .when("a TCP socket that does not wait", is(0, AF_INET, AF_INET6), is(1, STREAM), is(2, 0, TCP))
            .when(
                "one for UDP, UDP-Lite or ICMP echoes",
                is(0, AF_INET, AF_INET6), is(1, DATAGRAM), is(2, 0, UDP, UDPLITE, ICMP, ICMPV6));
    if (raw) {
      socket = socket.when("with `--net-raw`, a raw one for ICMP", is(0, AF_INET, AF_INET6), is(1, RAW), is(2, ICMP, ICMPV6));
    }
    return List.of(
        allow("recvmsg", 47, "requests, and sockets beside them"),
        allow("sendmsg", 46, "answers, and sockets beside them"),
        socket.orFail(EPERM),
        allow("bind", 49, "names, after a look at the socket's family"),
        allow("connect", 42, "as above"),
        allow("listen", 50, "as above"),
        allow("getsockopt", 55, "the family of a socket").when("SO_DOMAIN", is(1, 1), is(2, 39)),
        allow("close", 3, "sockets that are given away"),
        allow("execveat", 322, "its start"),
        allow("prctl", 157, "nobody looks into it").when("PR_SET_DUMPABLE with 0", is(0, 4), is(1, 0)),
        allow("exit_group", 231, "its end"));
  }

  /** The filter. */
  public static Bpf program(boolean raw) {
    return Rule.compile(rules(raw), Bpf.KILL_PROCESS);
  }
}
