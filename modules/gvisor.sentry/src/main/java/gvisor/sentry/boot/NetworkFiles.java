package gvisor.sentry.boot;

import gvisor.api.abi.SocketAbi;
import gvisor.api.host.NetworkSnapshot;
import gvisor.sentry.fs.proc.ProcFiles;
import gvisor.sentry.kernel.Kernel;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ipc.MessageQueue;
import gvisor.sentry.kernel.ipc.MessageTable;
import gvisor.sentry.kernel.ipc.SemaphoreSet;
import gvisor.sentry.kernel.ipc.SemaphoreTable;
import gvisor.sentry.socket.NetDevice;
import gvisor.sentry.socket.Network;
import gvisor.sentry.socket.Socket;
import gvisor.sentry.socket.inet.DatagramEndpoint;
import gvisor.sentry.socket.inet.InetName;
import gvisor.sentry.socket.inet.InetTransport;
import gvisor.sentry.socket.inet.PassthroughSocket;
import gvisor.sentry.socket.inet.StreamEndpoint;
import gvisor.sentry.socket.unix.UnixNames;
import gvisor.sentry.socket.unix.UnixSocket;
import gvisor.sentry.syscall.linux.SocketFiles;
import gvisor.sentry.vfs.Caller;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** Files of {@code /proc/net} and {@code /proc/sysvipc} that list sockets, semaphores and queues ({@code man 5 proc}). */
final class NetworkFiles {
  private static final int TCP_LINE = 149;
  private static final int UDP_LINE = 127;
  private static final int ROUTE_LINE = 127;
  private static final int RT_TABLE_MAIN = 254, SCOPE_LINK = 253;
  private static final int RTF_UP = 1, RTF_GATEWAY = 2, RTF_HOST = 4;

  private NetworkFiles() {}

  static void register(Kernel kernel) {
    ProcFiles files = ProcFiles.of(kernel);
    files.add("net/tcp", (caller, out) -> tcp(caller, out, SocketAbi.AF_INET));
    files.add("net/tcp6", (caller, out) -> tcp(caller, out, SocketAbi.AF_INET6));
    files.add("net/udp", (caller, out) -> udp(caller, out, SocketAbi.AF_INET));
    files.add("net/udp6", (caller, out) -> udp(caller, out, SocketAbi.AF_INET6));
    files.add("net/dev", NetworkFiles::devices);
    files.add("net/if_inet6", NetworkFiles::addresses);
    files.add("net/route", NetworkFiles::routes);
    files.add("net/ipv6_route", NetworkFiles::routes6);
    files.add("net/unix", NetworkFiles::unix);
    files.add("net/sockstat", NetworkFiles::statistics);
    files.add("sysvipc/sem", NetworkFiles::semaphores);
    files.add("sysvipc/msg", NetworkFiles::messages);
  }

  /** What the reader's namespace has, or null for the kernel itself. */
  private static Network network(Caller caller) {
    return caller instanceof Task t && t.netNamespace() != null ? SocketFiles.network(t) : null;
  }

  private static void devices(Caller caller, StringBuilder out) {
    out.append("Inter-|   Receive                                                |  Transmit\n"
        + " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls"
        + " carrier compressed\n");
    Network network = network(caller);
    if (network != null) {
      for (NetDevice d : network.devices()) {
        // What passes is counted by the host, for all who use the interface.
        out.append(String.format("%6s:       0       0    0    0    0     0          0         0        0       0    0"
            + "    0    0     0       0          0\n", d.name()));
      }
    }
  }

  private static void addresses(Caller caller, StringBuilder out) {
    Network network = network(caller);
    if (network != null) {
      for (NetDevice d : network.devices()) {
        for (NetDevice.Address a : d.addresses()) {
          if (a.family() == SocketAbi.AF_INET6) {
            // Linux has its own numbers for scopes here: 10 is a host's, 20 a link's.
            int scope = a.scope() == NetDevice.SCOPE_HOST ? 0x10 : a.scope() == SCOPE_LINK ? 0x20 : 0;
            out.append(String.format("%s %02x %02x %02x %02x %8s\n", HexFormat.of().formatHex(a.bytes()), d.index(),
                a.prefixLength(), scope, a.flags() & 0xff, d.name()));
          }
        }
      }
    }
  }

  private static void routes(Caller caller, StringBuilder out) {
    endLine(out, new StringBuilder("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"),
        ROUTE_LINE);
    Network network = network(caller);
    if (network == null || network.routes() == null) {
      return;
    }
    for (NetworkSnapshot.Route r : network.routes()) {
      if (r.family() != SocketAbi.AF_INET || r.table() != RT_TABLE_MAIN) {
        continue;
      }
      NetDevice device = network.device(r.device());
      StringBuilder line = new StringBuilder(device == null ? "*" : device.name()).append('\t');
      word(line, number(r.destination()));
      line.append('\t');
      word(line, number(r.gateway()));
      int flags = RTF_UP | (r.gateway().length > 0 ? RTF_GATEWAY : 0) | (r.prefixLength() == 32 ? RTF_HOST : 0);
      line.append(String.format("\t%04X\t0\t0\t%d\t", flags, r.priority()));
      word(line, r.prefixLength() == 0 ? 0 : -1 << 32 - r.prefixLength());
      line.append("\t0\t0\t0");
      endLine(out, line, ROUTE_LINE);
    }
  }

  private static void routes6(Caller caller, StringBuilder out) {
    Network network = network(caller);
    if (network == null || network.routes() == null) {
      return;
    }
    for (NetworkSnapshot.Route r : network.routes()) {
      if (r.family() == SocketAbi.AF_INET6) {
        NetDevice device = network.device(r.device());
        int flags = RTF_UP | (r.gateway().length > 0 ? RTF_GATEWAY : 0) | (r.prefixLength() == 128 ? RTF_HOST : 0);
        out.append(String.format("%s %02x %s 00 %s %08x 00000001 00000000 %08x %8s\n", sixteen(r.destination()),
            r.prefixLength(), sixteen(new byte[0]), sixteen(r.gateway()), r.priority(), flags,
            device == null ? "" : device.name()));
      }
    }
  }

  private static String sixteen(byte[] address) {
    return HexFormat.of().formatHex(Arrays.copyOf(address, 16));
  }

  private static int number(byte[] address) {
    byte[] four = Arrays.copyOf(address, 4);
    return (four[0] & 0xff) << 24 | (four[1] & 0xff) << 16 | (four[2] & 0xff) << 8 | four[3] & 0xff;
  }

  private static void header(StringBuilder out, int family, String more, int width) {
    StringBuilder line = new StringBuilder(family == SocketAbi.AF_INET
        ? "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
        : "  sl  local_address                         remote_address                        st tx_queue rx_queue"
            + " tr tm->when retrnsmt   uid  timeout inode").append(more);
    endLine(out, line, family == SocketAbi.AF_INET ? width : 0);
  }

  private static void endLine(StringBuilder out, StringBuilder line, int width) {
    while (line.length() < width) {
      line.append(' ');
    }
    out.append(line).append('\n');
  }

  private static void address(StringBuilder line, InetName name, int family) {
    if (family == SocketAbi.AF_INET6) {
      word(line, (int) (name.high >>> 32));
      word(line, (int) name.high);
      word(line, (int) (name.low >>> 32));
    }
    word(line, (int) name.low);
    line.append(String.format(":%04X ", name.port));
  }

  /** 32 bits of an address as a little-endian machine prints them. */
  private static void word(StringBuilder line, int bits) {
    line.append(String.format("%08X", Integer.reverseBytes(bits)));
  }

  private static void tcp(Caller caller, StringBuilder out, int family) {
    header(out, family, "", TCP_LINE);
    Network network = network(caller);
    if (network == null) {
      return;
    }
    int row = 0;
    InetName name = new InetName();
    for (StreamEndpoint e : ((InetTransport) network.state(SocketAbi.AF_INET)).streams()) {
      if (e.owner().family() != family) {
        continue;
      }
      StringBuilder line = new StringBuilder(String.format("%4d: ", row++));
      e.local(name);
      address(line, name, family);
      e.remote(name);
      address(line, name, family);
      line.append(String.format("%02X %08X:%08X 00:00000000 00000000 %5d        0 %d 1 0000000000000000 100 0 0 10 0",
          e.state(), e.unsentBytes(), e.readableBytes(), e.owner().uid(), e.owner().inode()));
      endLine(out, line, family == SocketAbi.AF_INET ? TCP_LINE : 0);
    }
    for (PassthroughSocket s : passed(network, family, SocketAbi.IPPROTO_TCP)) {
      PassthroughSocket.Description d = s.describe();
      if (d != null) {
        StringBuilder line = new StringBuilder(String.format("%4d: ", row++));
        address(line, d.local(), family);
        address(line, d.remote(), family);
        line.append(String.format("%02X 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 0000000000000000 100 0 0"
            + " 10 0", d.state(), s.uid(), s.inode()));
        endLine(out, line, family == SocketAbi.AF_INET ? TCP_LINE : 0);
      }
    }
  }

  /** Sockets of the host that applications have: of the host's others nothing is told. */
  private static List<PassthroughSocket> passed(Network network, int family, int protocol) {
    List<PassthroughSocket> found = new ArrayList<>();
    for (Socket s : network.passed()) {
      if (s.family() == family && s.protocol() == protocol) {
        found.add((PassthroughSocket) s);
      }
    }
    return found;
  }

  private static void udp(Caller caller, StringBuilder out, int family) {
    header(out, family, " ref pointer drops", UDP_LINE);
    Network network = network(caller);
    if (network == null) {
      return;
    }
    int row = 0;
    InetName name = new InetName();
    for (DatagramEndpoint e : ((InetTransport) network.state(SocketAbi.AF_INET)).datagrams()) {
      if (e.owner().family() != family) {
        continue;
      }
      StringBuilder line = new StringBuilder(String.format("%5d: ", row++));
      e.local(name);
      address(line, name, family);
      if (e.isConnected()) {
        e.remote(name);
      } else {
        name.setAny(family == SocketAbi.AF_INET);
        name.port = 0;
      }
      address(line, name, family);
      line.append(String.format("%02X 00000000:%08X 00:00000000 00000000 %5d        0 %d 2 0000000000000000 0",
          e.isConnected() ? StreamEndpoint.ESTABLISHED : StreamEndpoint.CLOSE, e.readableBytes(), e.owner().uid(),
          e.owner().inode()));
      endLine(out, line, family == SocketAbi.AF_INET ? UDP_LINE : 0);
    }
    for (PassthroughSocket s : passed(network, family, SocketAbi.IPPROTO_UDP)) {
      PassthroughSocket.Description d = s.describe();
      if (d != null) {
        StringBuilder line = new StringBuilder(String.format("%5d: ", row++));
        address(line, d.local(), family);
        address(line, d.remote(), family);
        line.append(String.format("%02X 00000000:00000000 00:00000000 00000000 %5d        0 %d 2 0000000000000000 0",
            d.state(), s.uid(), s.inode()));
        endLine(out, line, family == SocketAbi.AF_INET ? UDP_LINE : 0);
      }
    }
  }

  private static void unix(Caller caller, StringBuilder out) {
    out.append("Num       RefCount Protocol Flags    Type St Inode Path\n");
    Network network = network(caller);
    if (network == null) {
      return;
    }
    for (UnixSocket s : ((UnixNames) network.state(SocketAbi.AF_UNIX)).sockets()) {
      out.append(String.format("0000000000000000: 00000002 00000000 %08X %04X %02X %5d", s.isListening() ? 0x10000 : 0,
          s.type(), s.hasPeer() ? 3 : 1, s.inode()));
      byte[] name = s.name();
      if (name != null) {
        String path = new String(name, 2, name.length - 2, StandardCharsets.ISO_8859_1);
        boolean isAbstract = path.charAt(0) == 0;
        out.append(' ').append(isAbstract ? "@" + path.substring(1).replace('\0', '@') : path.replace("\0", ""));
      }
      out.append('\n');
    }
  }

  private static void statistics(Caller caller, StringBuilder out) {
    Network network = network(caller);
    int tcp = 0;
    int udp = 0;
    int unix = 0;
    if (network != null) {
      InetTransport transport = (InetTransport) network.state(SocketAbi.AF_INET);
      tcp = transport.streams().size();
      udp = transport.datagrams().size();
      for (Socket s : network.passed()) {
        tcp += s.protocol() == SocketAbi.IPPROTO_TCP ? 1 : 0;
        udp += s.protocol() == SocketAbi.IPPROTO_UDP ? 1 : 0;
      }
      unix = ((UnixNames) network.state(SocketAbi.AF_UNIX)).sockets().size();
    }
    out.append(String.format("sockets: used %d\nTCP: inuse %d orphan 0 tw 0 alloc %d mem 0\nUDP: inuse %d mem 0\n"
        + "UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n", tcp + udp + unix, tcp, tcp, udp));
  }

  private static void semaphores(Caller caller, StringBuilder out) {
    out.append("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    if (caller instanceof Task t) {
      for (SemaphoreSet s : t.ipc().registry(SemaphoreTable.class, SemaphoreTable::new).all()) {
        out.append(String.format("%10d %10d  %4o %10d %5d %5d %5d %5d %10d %10d\n", s.key(), s.id(), s.mode(), s.size(),
            s.uid(), s.gid(), s.cuid(), s.cgid(), s.operationSeconds(), s.changeSeconds()));
      }
    }
  }

  private static void messages(Caller caller, StringBuilder out) {
    out.append("       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime"
        + "      rtime      ctime\n");
    if (caller instanceof Task t) {
      for (MessageQueue q : t.ipc().registry(MessageTable.class, MessageTable::new).all()) {
        out.append(String.format("%10d %10d  %4o  %10d %10d %5d %5d %5d %5d %5d %5d %10d %10d %10d\n", q.key(), q.id(),
            q.mode(), q.bytes(), q.count(), q.lastSender(), q.lastReceiver(), q.uid(), q.gid(), q.cuid(), q.cgid(),
            q.sendSeconds(), q.receiveSeconds(), q.changeSeconds()));
      }
    }
  }
}
