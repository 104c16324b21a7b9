package gvisor.host;

import static gvisor.host.libc.Libc.check;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.NetworkSnapshot;
import gvisor.host.libc.FileSys;
import gvisor.host.libc.Libc;
import gvisor.host.libc.Sys;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Looks into, and sets up, a network namespace of the host. Each method does so in a thread of its own, which joins the
 * namespace and ends. For a command of the runtime, which has the privilege that this takes.
 */
public final class NetworkNamespace {
  private static final int AF_INET = 2, AF_NETLINK = 16;
  private static final int SOCK_RAW = 3, SOCK_DGRAM = 2;
  private static final int NR_SENDTO = 44;
  private static final int RTM_NEWLINK = 16, RTM_GETLINK = 18, RTM_NEWADDR = 20, RTM_GETADDR = 22;
  private static final int RTM_NEWROUTE = 24, RTM_GETROUTE = 26;
  private static final int NLMSG_ERROR = 2, NLMSG_DONE = 3;
  private static final int NLM_F_REQUEST_DUMP = 0x301;
  private static final int NLMSG_HEADER = 16;
  private static final int BUFFER = 64 << 10;

  /** What a sandbox is told of, so that an answer to an application fits into a socket's buffer. */
  private static final int MAX_INTERFACES = 256, MAX_ADDRESSES = 1024, MAX_ROUTES = 1024;

  private static final int SIOCGIFFLAGS = 0x8913, SIOCSIFFLAGS = 0x8914, IFREQ_SIZE = 40, IFREQ_FLAGS = 16, IFF_UP = 1;
  private static final int RTM_F_CLONED = 0x200;
  private static final String FIRST_PORT = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

  /** Something done in a namespace. */
  private interface Work<T> {
    T run() throws ErrnoException;
  }

  private NetworkNamespace() {}

  /** What there is in {@code namespace}; null for the caller's own. */
  public static NetworkSnapshot snapshot(Fd namespace) throws ErrnoException {
    return in(namespace, NetworkNamespace::snapshot);
  }

  /** Makes the loopback interface of {@code namespace} usable: a new namespace has it, and down. */
  public static void raiseLoopback(Fd namespace) throws ErrnoException {
    in(namespace, () -> {
      try (Fd socket = Fd.adopt(check(Libc.socket(AF_INET, SOCK_DGRAM | Sys.SOCK_CLOEXEC, 0)));
          Arena arena = Arena.ofConfined()) {
        MemorySegment request = arena.allocate(IFREQ_SIZE, 8);
        request.set(JAVA_BYTE, 0, (byte) 'l');
        request.set(JAVA_BYTE, 1, (byte) 'o');
        check(Libc.ioctl(socket.number(), SIOCGIFFLAGS, request.address()));
        short flags = request.get(JAVA_SHORT_UNALIGNED, IFREQ_FLAGS);
        request.set(JAVA_SHORT_UNALIGNED, IFREQ_FLAGS, (short) (flags | IFF_UP));
        check(Libc.ioctl(socket.number(), SIOCSIFFLAGS, request.address()));
        return null;
      }
    });
  }

  /** Writes {@code value} to {@code path}, which is below {@code /proc/sys/net}, as {@code namespace} has it. */
  public static void setSysctl(Fd namespace, String path, String value) throws ErrnoException {
    in(namespace, () -> {
      try (Fd file = Fd.open(path, FileSys.O_WRONLY, 0)) {
        return file.writeWaiting(MemorySegment.ofArray(value.getBytes(StandardCharsets.UTF_8)));
      }
    });
  }

  private static <T> T in(Fd namespace, Work<T> work) throws ErrnoException {
    List<T> result = new ArrayList<>(1);
    List<ErrnoException> failure = new ArrayList<>(1);
    Thread thread = Thread.ofPlatform().name("network-namespace").start(() -> {
      try {
        if (namespace != null) {
          check(Libc.syscall(Sys.NR_SETNS, namespace.number(), Spawn.CLONE_NEWNET, 0, 0, 0, 0));
        }
        result.add(work.run());
      } catch (ErrnoException e) {
        failure.add(e);
      }
    });
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Errno.EINTR.error();
    }
    if (!failure.isEmpty()) {
      throw failure.getFirst();
    }
    return result.getFirst();
  }

  private static NetworkSnapshot snapshot() throws ErrnoException {
    Map<Integer, Link> links = new LinkedHashMap<>();
    List<NetworkSnapshot.Route> routes = new ArrayList<>();
    try (Fd socket = Fd.adopt(check(Libc.socket(AF_NETLINK, SOCK_RAW | Sys.SOCK_CLOEXEC, 0)));
        Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(BUFFER, 8);
      dump(socket, buffer, RTM_GETLINK, 16, (type, m) -> addLink(links, type, m));
      dump(socket, buffer, RTM_GETADDR, 8, (type, m) -> addAddress(links, type, m));
      dump(socket, buffer, RTM_GETROUTE, 12, (type, m) -> addRoute(routes, type, m));
    }
    List<NetworkSnapshot.Interface> interfaces = new ArrayList<>();
    for (Link l : links.values()) {
      interfaces.add(l.toInterface());
    }
    return new NetworkSnapshot(interfaces, routes, firstPort());
  }

  private static int firstPort() {
    byte[] text = new byte[16];
    try (Fd file = Fd.open(FIRST_PORT, Sys.O_RDONLY, 0)) {
      int length = (int) file.readWaiting(MemorySegment.ofArray(text));
      return Integer.parseInt(new String(text, 0, length, StandardCharsets.US_ASCII).strip());
    } catch (ErrnoException | NumberFormatException e) {
      return 1024; // Linux before 4.11
    }
  }

  /** What is done with each message of an answer: without its header. */
  private interface Sink {
    void take(int type, MemorySegment message);
  }

  private static void dump(Fd socket, MemorySegment buffer, int request, int bodyLength, Sink sink)
      throws ErrnoException {
    int length = NLMSG_HEADER + bodyLength;
    buffer.asSlice(0, length).fill((byte) 0);
    buffer.set(JAVA_INT_UNALIGNED, 0, length);
    buffer.set(JAVA_SHORT_UNALIGNED, 4, (short) request);
    buffer.set(JAVA_SHORT_UNALIGNED, 6, (short) NLM_F_REQUEST_DUMP);
    check(Libc.syscall(NR_SENDTO, socket.number(), buffer.address(), length, 0, 0, 0));
    while (true) {
      long got = check(Libc.recv(socket.number(), buffer.address(), BUFFER, 0));
      long at = 0;
      while (got - at >= NLMSG_HEADER) {
        int size = buffer.get(JAVA_INT_UNALIGNED, at);
        int type = buffer.get(JAVA_SHORT_UNALIGNED, at + 4) & 0xffff;
        if (size < NLMSG_HEADER || size > got - at || type == NLMSG_DONE) {
          return;
        }
        if (type == NLMSG_ERROR) {
          throw Errno.of(-buffer.get(JAVA_INT_UNALIGNED, at + NLMSG_HEADER)).error();
        }
        if (size >= length) {
          sink.take(type, buffer.asSlice(at + NLMSG_HEADER, size - NLMSG_HEADER));
        }
        at += size + 3 & ~3;
      }
    }
  }

  private static final class Link {
    private int index;
    private String name;
    private int type;
    private int flags;
    private int mtu;
    private int queueLength;
    private int state;
    private byte[] hardware;
    private byte[] broadcast;
    private final List<NetworkSnapshot.Address> addresses = new ArrayList<>();

    NetworkSnapshot.Interface toInterface() {
      return new NetworkSnapshot.Interface(
          index, name, type, flags, mtu, queueLength, state, hardware, broadcast, addresses);
    }
  }

  private static void addLink(Map<Integer, Link> links, int type, MemorySegment m) {
    if (type != RTM_NEWLINK || links.size() == MAX_INTERFACES) {
      return;
    }
    Link l = new Link();
    l.type = m.get(JAVA_SHORT_UNALIGNED, 2) & 0xffff;
    l.index = m.get(JAVA_INT_UNALIGNED, 4);
    l.flags = m.get(JAVA_INT_UNALIGNED, 8);
    l.name = text(attribute(m, 16, 3)); // IFLA_IFNAME
    l.mtu = number(attribute(m, 16, 4)); // IFLA_MTU
    l.queueLength = number(attribute(m, 16, 13)); // IFLA_TXQLEN
    byte[] state = attribute(m, 16, 16); // IFLA_OPERSTATE
    l.state = state.length == 0 ? 0 : state[0];
    l.hardware = attribute(m, 16, 1); // IFLA_ADDRESS
    l.broadcast = attribute(m, 16, 2); // IFLA_BROADCAST
    links.put(l.index, l);
  }

  private static void addAddress(Map<Integer, Link> links, int type, MemorySegment m) {
    Link l = type == RTM_NEWADDR ? links.get(m.get(JAVA_INT_UNALIGNED, 4)) : null;
    if (l == null || links.values().stream().mapToInt(each -> each.addresses.size()).sum() == MAX_ADDRESSES) {
      return;
    }
    byte[] peer = attribute(m, 8, 1); // IFA_ADDRESS
    byte[] local = attribute(m, 8, 2); // IFA_LOCAL
    byte[] flags = attribute(m, 8, 8); // IFA_FLAGS
    l.addresses.add(
        new NetworkSnapshot.Address(
            m.get(JAVA_BYTE, 0) & 0xff,
            m.get(JAVA_BYTE, 1) & 0xff,
            flags.length == 4 ? number(flags) : m.get(JAVA_BYTE, 2) & 0xff,
            m.get(JAVA_BYTE, 3) & 0xff,
            local.length == 0 ? peer : local,
            peer.length == 0 ? local : peer,
            attribute(m, 8, 4), // IFA_BROADCAST
            text(attribute(m, 8, 3)))); // IFA_LABEL
  }

  private static void addRoute(List<NetworkSnapshot.Route> routes, int type, MemorySegment m) {
    int flags = m.get(JAVA_INT_UNALIGNED, 8);
    if (type != RTM_NEWROUTE || (flags & RTM_F_CLONED) != 0 || routes.size() == MAX_ROUTES) {
      return;
    }
    byte[] table = attribute(m, 12, 15); // RTA_TABLE
    routes.add(
        new NetworkSnapshot.Route(
            m.get(JAVA_BYTE, 0) & 0xff,
            m.get(JAVA_BYTE, 1) & 0xff,
            table.length == 4 ? number(table) : m.get(JAVA_BYTE, 4) & 0xff,
            m.get(JAVA_BYTE, 5) & 0xff,
            m.get(JAVA_BYTE, 6) & 0xff,
            m.get(JAVA_BYTE, 7) & 0xff,
            flags,
            attribute(m, 12, 1), // RTA_DST
            attribute(m, 12, 5), // RTA_GATEWAY
            attribute(m, 12, 7), // RTA_PREFSRC
            number(attribute(m, 12, 4)), // RTA_OIF
            number(attribute(m, 12, 6)))); // RTA_PRIORITY
  }

  /** The value of attribute {@code wanted} of a message whose attributes begin at {@code from}; empty for none. */
  private static byte[] attribute(MemorySegment m, int from, int wanted) {
    long at = from;
    while (m.byteSize() - at >= 4) {
      int length = m.get(JAVA_SHORT_UNALIGNED, at) & 0xffff;
      if (length < 4 || length > m.byteSize() - at) {
        break;
      }
      if ((m.get(JAVA_SHORT_UNALIGNED, at + 2) & 0x3fff) == wanted) {
        return m.asSlice(at + 4, length - 4).toArray(JAVA_BYTE);
      }
      at += length + 3 & ~3;
    }
    return new byte[0];
  }

  private static int number(byte[] value) {
    return value.length < 4 ? 0 : MemorySegment.ofArray(value).get(JAVA_INT_UNALIGNED, 0);
  }

  private static String text(byte[] value) {
    int length = 0;
    while (length < value.length && value[length] != 0) {
      length++;
    }
    return new String(value, 0, length, StandardCharsets.ISO_8859_1);
  }
}
