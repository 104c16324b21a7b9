package gvisor.api.host;

import static gvisor.api.abi.SocketAbi.SOL_ICMPV6;
import static gvisor.api.abi.SocketAbi.SOL_IP;
import static gvisor.api.abi.SocketAbi.SOL_IPV6;
import static gvisor.api.abi.SocketAbi.SOL_RAW;
import static gvisor.api.abi.SocketAbi.SOL_SOCKET;
import static gvisor.api.abi.SocketAbi.SOL_TCP;
import static gvisor.api.abi.SocketAbi.SOL_UDP;

import java.util.List;

/**
 * The options of a {@link HostSocket} that the Sentry passes on; its system call filter knows the same. They are plain
 * data: none that holds a pointer (filters), attaches another protocol (TCP_ULP), maps memory (TCP_ZEROCOPY_RECEIVE),
 * rewrites a connection (TCP_REPAIR) or takes keys (TCP_MD5SIG) is among them.
 */
public final class HostSocketOptions {
  /**
   * The options of one level: {@code man 7 socket}, {@code ip}, {@code ipv6}, {@code tcp}, {@code udp}, {@code raw}.
   *
   * @param name how documents call the level
   * @param settable those that may be set and read
   * @param readable those that may only be read
   */
  public record Level(int number, String name, List<Integer> settable, List<Integer> readable) {}

  /** Every level. */
  public static final List<Level> LEVELS = List.of(
      // REUSEADDR, DONTROUTE, BROADCAST, SNDBUF, RCVBUF, KEEPALIVE, OOBINLINE, NO_CHECK, PRIORITY, LINGER, REUSEPORT,
      // RCVLOWAT, BINDTODEVICE, DETACH_FILTER, TIMESTAMP, SNDBUFFORCE, RCVBUFFORCE, TIMESTAMPNS, MARK, TIMESTAMPING,
      // RXQ_OVFL, SELECT_ERR_QUEUE, BUSY_POLL, MAX_PACING_RATE, INCOMING_CPU;
      // TYPE, ERROR, SNDLOWAT, PEERNAME, ACCEPTCONN, PROTOCOL, DOMAIN, MEMINFO, INCOMING_NAPI_ID, COOKIE
      new Level(SOL_SOCKET, "SOL_SOCKET",
          List.of(2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 18, 25, 27, 29, 32, 33, 35, 36, 37, 40, 45, 46, 47, 49),
          List.of(3, 4, 19, 28, 30, 38, 39, 55, 56, 57)),
      // TOS, TTL, RECVOPTS, RETOPTS, PKTINFO, MTU_DISCOVER, RECVERR, RECVTTL, RECVTOS, FREEBIND, RECVORIGDSTADDR,
      // MINTTL, CHECKSUM, BIND_ADDRESS_NO_PORT, RECVFRAGSIZE, RECVERR_RFC4884, MULTICAST_IF, _TTL, _LOOP,
      // ADD_MEMBERSHIP, DROP_MEMBERSHIP, UNBLOCK_SOURCE, BLOCK_SOURCE, ADD_SOURCE_MEMBERSHIP, DROP_SOURCE_MEMBERSHIP,
      // MCAST_JOIN_GROUP, BLOCK_SOURCE, UNBLOCK_SOURCE, LEAVE_GROUP, JOIN_SOURCE_GROUP, LEAVE_SOURCE_GROUP,
      // MULTICAST_ALL, UNICAST_IF, LOCAL_PORT_RANGE; MTU
      new Level(SOL_IP, "SOL_IP",
          List.of(1, 2, 6, 7, 8, 10, 11, 12, 13, 15, 20, 21, 23, 24, 25, 26, 32, 33, 34, 35, 36, 37, 38, 39, 40, 42, 43,
              44, 45, 46, 47, 49, 50, 51),
          List.of(14)),
      // UNICAST_HOPS, MULTICAST_IF, _HOPS, _LOOP, ADD_MEMBERSHIP, DROP_MEMBERSHIP, MTU_DISCOVER, MTU, RECVERR, V6ONLY,
      // MULTICAST_ALL, RECVERR_RFC4884, FLOWINFO_SEND, MCAST_JOIN_GROUP, BLOCK_SOURCE, UNBLOCK_SOURCE, LEAVE_GROUP,
      // JOIN_SOURCE_GROUP, LEAVE_SOURCE_GROUP, RECVPKTINFO, PKTINFO, RECVHOPLIMIT, HOPLIMIT, RECVPATHMTU, DONTFRAG,
      // RECVTCLASS, TCLASS, AUTOFLOWLABEL, ADDR_PREFERENCES, MINHOPCOUNT, RECVORIGDSTADDR, UNICAST_IF, RECVFRAGSIZE,
      // FREEBIND; PATHMTU
      new Level(SOL_IPV6, "SOL_IPV6",
          List.of(16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 29, 31, 33, 42, 43, 44, 45, 46, 47, 49, 50, 51, 52, 60, 62, 66,
              67, 70, 72, 73, 74, 76, 77, 78),
          List.of(61)),
      // NODELAY, MAXSEG, CORK, KEEPIDLE, KEEPINTVL, KEEPCNT, SYNCNT, LINGER2, DEFER_ACCEPT, WINDOW_CLAMP, QUICKACK,
      // CONGESTION, THIN_LINEAR_TIMEOUTS, THIN_DUPACK, USER_TIMEOUT, FASTOPEN, TIMESTAMP, NOTSENT_LOWAT, SAVE_SYN, INQ;
      // INFO, CC_INFO, SAVED_SYN
      new Level(SOL_TCP, "SOL_TCP",
          List.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 16, 17, 18, 23, 24, 25, 27, 36), List.of(11, 26, 28)),
      // CORK, NO_CHECK6_TX, NO_CHECK6_RX, SEGMENT, GRO
      new Level(SOL_UDP, "SOL_UDP", List.of(1, 101, 102, 103, 104), List.of()),
      // ICMP_FILTER
      new Level(SOL_RAW, "SOL_RAW", List.of(1), List.of()),
      new Level(SOL_ICMPV6, "SOL_ICMPV6", List.of(1), List.of()));

  private HostSocketOptions() {}

  /** Whether it may be set. */
  public static boolean isSettable(int level, int name) {
    Level l = find(level);
    return l != null && l.settable.contains(name);
  }

  /** Whether it may be read. */
  public static boolean isReadable(int level, int name) {
    Level l = find(level);
    return l != null && (l.settable.contains(name) || l.readable.contains(name));
  }

  private static Level find(int number) {
    for (Level level : LEVELS) {
      if (level.number == number) {
        return level;
      }
    }
    return null;
  }
}
