package gvisor.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostMessage;
import gvisor.api.host.HostSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The process that makes sockets, asked by {@link LinuxNetwork}, and by somebody who wants more than it gives. */
@Timeout(60)
class SocketMakerTest {
  private static final int AF_INET = 2, AF_INET6 = 10, STREAM = 1, DATAGRAM = 2, RAW = 3;
  private static final int FLAGS = 02004000;
  private static final int POLLIN = 1, POLLOUT = 4;

  private Path program;
  private ScmSocket connection;
  private Child maker;

  @BeforeEach
  void start() throws Exception {
    Assumptions.assumeTrue(Confinement.isAdministrator(), "needs root to make namespaces");
    program = Files.createTempFile("socketmaker", "");
    Files.write(program, SocketMakerProgram.bytes());
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    ScmSocket[] pair = ScmSocket.pair(ScmSocket.SEQPACKET);
    connection = pair[0];
    try (ScmSocket theirs = pair[1]) {
      maker = SocketMaker.start(program.toString(), "test", theirs.fd(), null, true, false, List.of());
    }
  }

  @AfterEach
  void end() throws Exception {
    if (maker != null) {
      connection.close();
      assertEquals(0, maker.waitFor(), "it ends with its connection");
      Files.delete(program);
    }
  }

  @Test
  void streamsConnectAndCarryData() throws Exception {
    for (int family : new int[] {AF_INET, AF_INET6}) {
      LinuxNetwork network = new LinuxNetwork(connection, 10);
      MemorySegment address = loopback(family, 0);
      try (HostSocket listener = network.socket(family, STREAM, 0);
          HostSocket client = network.socket(family, STREAM, 6)) {
        listener.bind(address, (int) address.byteSize());
        listener.listen(5);
        int length = listener.localAddress(address);
        assertNull(listener.accept(message()));
        long begun = client.connect(address, length);
        assertTrue(begun == 0 || begun == HostSocket.IN_PROGRESS);
        awaitReady(listener, POLLIN);
        HostMessage peer = message();
        try (HostSocket accepted = listener.accept(peer)) {
          assertEquals(length, peer.nameLength);
          awaitReady(client, POLLOUT);
          assertEquals(0, client.count(0x541B));
          assertEquals(5, client.send(bytes("hello"), null, 0));
          awaitReady(accepted, POLLIN);
          MemorySegment in = MemorySegment.ofArray(new byte[64]);
          assertEquals(5, accepted.receive(in, null, 0));
          assertEquals("hello", text(in, 5));
          assertEquals(HostSocket.WOULD_BLOCK, accepted.receive(in, null, 0));
          client.shutdown(1);
          awaitReady(accepted, POLLIN);
          assertEquals(0, accepted.receive(in, null, 0));
        }
      }
    }
  }

  @Test
  void datagramsComeWithTheirSourceAndWhatWasAskedForBesides() throws Exception {
    LinuxNetwork network = new LinuxNetwork(connection, 10);
    MemorySegment address = loopback(AF_INET, 0);
    try (HostSocket one = network.socket(AF_INET, DATAGRAM, 17);
        HostSocket other = network.socket(AF_INET, DATAGRAM, 0)) {
      one.bind(address, 16);
      MemorySegment on = MemorySegment.ofArray(new int[] {1});
      one.setOption(0, 8, on, 4); // IP_PKTINFO
      MemorySegment value = MemorySegment.ofArray(new int[1]);
      assertEquals(4, one.option(0, 8, value, 4));
      assertEquals(1, value.get(JAVA_INT, 0));
      HostMessage to = message();
      to.nameLength = one.localAddress(to.name);
      assertEquals(3, other.send(bytes("one"), to, 0));
      awaitReady(one, POLLIN);
      HostMessage from = message();
      assertEquals(3, one.receive(MemorySegment.ofArray(new byte[2]), from, 0x20)); // MSG_TRUNC
      assertEquals(16, from.nameLength);
      assertEquals(8, from.control.get(JAVA_INT, 12));
      assertEquals(0x20, from.flags & 0x20);
    }
  }

  @Test
  void nobodyIsThereIsToldAsTheHostTellsIt() throws Exception {
    LinuxNetwork network = new LinuxNetwork(connection, 10);
    MemorySegment address = loopback(AF_INET, 1);
    try (HostSocket s = network.socket(AF_INET, STREAM, 0)) {
      Errno told = null;
      for (int i = 0; i < 2 && told == null; i++) {
        try {
          s.connect(address, 16);
          awaitReady(s, POLLOUT);
        } catch (ErrnoException e) {
          told = e.errno();
        }
      }
      assertEquals(Errno.ECONNREFUSED, told);
      assertEquals(Errno.EINVAL, fails(() -> s.bind(address, 1)));
      assertEquals(Errno.EINVAL, fails(() -> s.bind(address, 1000)));
    }
  }

  @Test
  void thereAreNoMoreSocketsThanAllowed() throws Exception {
    LinuxNetwork network = new LinuxNetwork(connection, 2);
    HostSocket first = network.socket(AF_INET, STREAM, 0);
    try (HostSocket _ = network.socket(AF_INET6, DATAGRAM, 0)) {
      assertEquals(Errno.ENFILE, fails(() -> network.socket(AF_INET, STREAM, 0)));
      first.close();
      network.socket(AF_INET, STREAM, 0).close();
    }
  }

  @Test
  void otherSocketsAreNotMade() throws Exception {
    int[][] refused = {
      {1, STREAM | FLAGS, 0}, {16, RAW | FLAGS, 0}, {17, RAW | FLAGS, 3}, {40, STREAM | FLAGS, 0}, {-1, 0, 0},
      {AF_INET, STREAM, 0}, {AF_INET, STREAM | 02000000, 6}, {AF_INET, STREAM | FLAGS, 132},
      {AF_INET, STREAM | FLAGS, 262}, {AF_INET, RAW | FLAGS, 1}, {AF_INET, RAW | FLAGS, 255},
      {AF_INET6, RAW | FLAGS, 58}, {AF_INET, DATAGRAM | FLAGS, 33}, {AF_INET, 10 | FLAGS, 0}
    };
    for (int[] s : refused) {
      assertEquals(-Errno.EPERM.number(), ask(0, s[0], s[1], s[2], new byte[0], List.of()), List.of(s[0], s[1]).toString());
    }
  }

  @Test
  void onlyInternetSocketsAreNamedAndOnlyByInternetAddresses() throws Exception {
    byte[] abstractName = {1, 0, 0, 'x'};
    try (ScmSocket unix = ScmSocket.pair(ScmSocket.STREAM)[0];
        Fd inet = Fd.adopt(gvisor.host.libc.Libc.socket(AF_INET, STREAM, 0));
        Fd file = Fd.open("/dev/null", 0, 0)) {
      for (int operation : new int[] {SocketMakerProgram.BIND, SocketMakerProgram.CONNECT, SocketMakerProgram.LISTEN}) {
        assertEquals(-Errno.EAFNOSUPPORT.number(), ask(operation, 0, 0, 4, abstractName, List.of(unix.fd())));
        assertEquals(-Errno.ENOTSOCK.number(), ask(operation, 0, 0, 4, abstractName, List.of(file)));
        assertEquals(-Errno.EBADF.number(), ask(operation, 0, 0, 4, abstractName, List.of()));
      }
      for (int operation : new int[] {SocketMakerProgram.BIND, SocketMakerProgram.CONNECT}) {
        assertEquals(-Errno.EAFNOSUPPORT.number(), ask(operation, 0, 0, 4, abstractName, List.of(inet)));
        assertEquals(-Errno.EINVAL.number(), ask(operation, 0, 0, 129, new byte[] {2, 0}, List.of(inet)));
        assertEquals(-Errno.EINVAL.number(), ask(operation, 0, 0, -1, new byte[] {2, 0}, List.of(inet)));
      }
      assertEquals(-Errno.EINVAL.number(), ask(9, 0, 0, 16, new byte[] {2, 0}, List.of(inet)));
    }
  }

  @Test
  void descriptorsThatAreNotWantedAreClosed() throws Exception {
    try (Fd file = Fd.open("/dev/null", 0, 0)) {
      for (int i = 0; i < 5; i++) {
        ask(SocketMakerProgram.SOCKET, AF_INET, STREAM | FLAGS, 0, new byte[0], List.of(file, file, file));
        ask(SocketMakerProgram.BIND, 0, 0, 4, new byte[4], List.of(file, file));
      }
    }
    try (Stream<Path> fds = Files.list(Path.of("/proc/" + maker.pid() + "/fd"))) {
      assertEquals(List.of("3"), fds.map(p -> p.getFileName().toString()).toList());
    }
  }

  @Test
  void itHasNothingToGiveAway() throws Exception {
    ask(SocketMakerProgram.LISTEN, 0, 0, 0, new byte[0], List.of()); // It runs now.
    Path process = Path.of("/proc/" + maker.pid());
    Map<String, String> status =
        Files.readAllLines(process.resolve("status")).stream()
            .map(line -> line.split(":\\s*", 2))
            .collect(Collectors.toMap(p -> p[0], p -> p[1]));
    assertEquals("65534\t65534\t65534\t65534", status.get("Uid"));
    assertEquals("65534\t65534\t65534\t65534", status.get("Gid"));
    assertEquals("", status.get("Groups").strip());
    for (String set : List.of("CapEff", "CapPrm", "CapBnd")) {
      assertEquals(1L << 10, Long.parseLong(status.get(set), 16), set);
    }
    assertEquals("2", status.get("Seccomp"));
    assertEquals("1", status.get("NoNewPrivs"));
    try (Stream<Path> files = Files.list(process.resolve("root"))) {
      assertEquals(List.of(), files.toList());
    }
  }

  @Test
  void aPacketOfAnotherSizeEndsIt() throws Exception {
    connection.send(MemorySegment.ofArray(new byte[20]), List.of());
    assertEquals(0, maker.waitFor());
    assertEquals(Errno.ENETDOWN, fails(() -> new LinuxNetwork(connection, 1).socket(AF_INET, STREAM, 0)));
  }

  private interface Call {
    void run() throws ErrnoException;
  }

  private static Errno fails(Call call) {
    return assertThrows(ErrnoException.class, call::run).errno();
  }

  /** One request, made by hand; a socket that comes with the answer is closed. */
  private long ask(int operation, int a, int b, int c, byte[] address, List<Fd> fds) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(SocketMakerProgram.REQUEST_SIZE, 8);
      request.set(JAVA_INT, 0, operation);
      request.set(JAVA_INT, 4, a);
      request.set(JAVA_INT, 8, b);
      request.set(JAVA_INT, 12, c);
      MemorySegment.copy(MemorySegment.ofArray(address), 0, request, SocketMakerProgram.ADDRESS, address.length);
      connection.send(request, fds);
      MemorySegment answer = arena.allocate(SocketMakerProgram.ANSWER_SIZE, 8);
      ScmSocket.Received received = connection.receive(answer);
      assertEquals(SocketMakerProgram.ANSWER_SIZE, received.length());
      for (Fd fd : received.fds()) {
        fd.close();
      }
      return answer.get(JAVA_LONG, 0);
    }
  }

  private static MemorySegment loopback(int family, int port) {
    MemorySegment a = MemorySegment.ofArray(new long[16]).asSlice(0, family == AF_INET ? 16 : 28);
    a.set(JAVA_SHORT, 0, (short) family);
    a.set(JAVA_SHORT, 2, Short.reverseBytes((short) port));
    if (family == AF_INET) {
      a.set(JAVA_BYTE, 4, (byte) 127);
      a.set(JAVA_BYTE, 7, (byte) 1);
    } else {
      a.set(JAVA_BYTE, 23, (byte) 1);
    }
    return MemorySegment.ofArray(new long[16]).asSlice(0, a.byteSize()).copyFrom(a);
  }

  private static HostMessage message() {
    return new HostMessage(MemorySegment.ofArray(new long[16]), MemorySegment.ofArray(new long[64]));
  }

  private static MemorySegment bytes(String text) {
    return MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static String text(MemorySegment segment, int length) {
    return new String(segment.asSlice(0, length).toArray(JAVA_BYTE), StandardCharsets.US_ASCII);
  }

  private static void awaitReady(HostSocket s, int mask) throws InterruptedException {
    while (s.readiness(mask) == 0) {
      Thread.sleep(1);
    }
  }
}
