package gvisor.gofer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.p9.FileAttr;
import gvisor.api.p9.P9;
import gvisor.api.p9.P9Client;
import gvisor.host.P9Socket;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.function.Executable;

/** Sockets and fifos of the host: reached where that is allowed, below the attach point, and nowhere else. */
@Timeout(60)
class SocketMessagesTest {
  private static final int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2;
  private static final int STREAM = 1, DGRAM = 2, RAW = 3, SEQPACKET = 5;
  private static final HostAccess ALL = new HostAccess(true, true, true);

  @TempDir Path directory;
  private final List<AutoCloseable> toClose = new ArrayList<>();
  private Path inside;

  @BeforeEach
  void makeTree() throws Exception {
    inside = Files.createDirectory(directory.resolve("inside"));
    Files.createDirectory(inside.resolve("sub"));
    Files.createSymbolicLink(inside.resolve("out"), Path.of("../secret"));
    Files.createSymbolicLink(inside.resolve("in"), Path.of("socket"));
    listen(inside.resolve("socket"));
    listen(directory.resolve("secret"));
    assertEquals(0, new ProcessBuilder("mkfifo", inside.resolve("fifo").toString()).start().waitFor());
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable c : toClose.reversed()) {
      c.close();
    }
  }

  private ServerSocketChannel listen(Path path) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    toClose.add(server);
    server.configureBlocking(false);
    return server.bind(UnixDomainSocketAddress.of(path));
  }

  /** A connection to a gofer, and the fids of its roots. */
  private record Peer(P9Client client, int root, int readOnlyRoot) {
    int walk(String... names) throws ErrnoException {
      int fid = client.newFid();
      assertEquals(names.length, client.walk(root, fid, names, names.length, new FileAttr[names.length]));
      return fid;
    }
  }

  private Peer serve(HostAccess access) throws Exception {
    P9Socket[] pair = P9Socket.pair();
    Gofer gofer =
        new Gofer(
            List.of(new AttachPoint("root", inside.toString(), false), new AttachPoint("ro", inside.toString(), true)),
            access);
    Thread server = Thread.ofPlatform().start(() -> gofer.serve(pair[1]));
    P9Client client = new P9Client(pair[0]);
    toClose.add(gofer);
    toClose.add(() -> assertTrue(server.join(java.time.Duration.ofSeconds(10))));
    toClose.add(client);
    int root = client.newFid();
    client.attach(root, "root");
    int readOnly = client.newFid();
    client.attach(readOnly, "ro");
    return new Peer(client, root, readOnly);
  }

  private static void assertErrno(Errno expected, Executable call) {
    assertEquals(expected, assertThrows(ErrnoException.class, call).errno());
  }

  private static MemorySegment text(String text) {
    return MemorySegment.ofArray(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  @Test
  void nothingIsReachedUnlessItIsAllowed() throws Exception {
    Peer none = serve(HostAccess.NONE);
    int socket = none.walk("socket");
    int fifo = none.walk("fifo");
    assertErrno(Errno.ECONNREFUSED, () -> none.client.connect(socket, STREAM));
    assertErrno(Errno.EOPNOTSUPP, () -> none.client.bind(none.root, none.client.newFid(), "new", STREAM, 0777, 0, 0));
    assertErrno(Errno.EINVAL, () -> none.client.open(fifo, O_RDONLY));
    assertFalse(Files.exists(inside.resolve("new")));
    Peer create = serve(new HostAccess(false, true, false));
    int same = create.walk("socket");
    assertErrno(Errno.ECONNREFUSED, () -> create.client.connect(same, STREAM));
    Peer open = serve(new HostAccess(true, false, false));
    assertErrno(Errno.EOPNOTSUPP, () -> open.client.bind(open.root, open.client.newFid(), "new", STREAM, 0777, 0, 0));
  }

  @Test
  void connectsToWhoListens() throws Exception {
    ServerSocketChannel server = listen(inside.resolve("sub/deep"));
    Peer peer = serve(ALL);
    try (HostFd fd = peer.client.connect(peer.walk("sub", "deep"), STREAM); SocketChannel other = server.accept()) {
      assertEquals(5, fd.socket().send(text("hello")));
      ByteBuffer got = ByteBuffer.allocate(10);
      assertEquals(5, other.read(got));
      assertEquals(HostFd.WOULD_BLOCK, fd.socket().receive(text("     "), false));
      other.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
      MemorySegment back = text("     ");
      assertEquals(3, fd.socket().receive(back, true));
      assertEquals(3, fd.socket().receive(back, false));
      other.shutdownOutput();
      assertEquals(0, fd.socket().receive(back, false));
    }
  }

  @Test
  void connectingIsRefusedWhereNobodyListensAndToWhatIsNoSocket() throws Exception {
    Peer peer = serve(ALL);
    int socket = peer.walk("socket");
    assertErrno(Errno.EPROTOTYPE, () -> peer.client.connect(socket, SEQPACKET));
    assertErrno(Errno.EPROTOTYPE, () -> peer.client.connect(socket, RAW));
    assertErrno(Errno.EPROTOTYPE, () -> peer.client.connect(socket, -1));
    for (String name : List.of("out", "in", "sub", "fifo")) {
      int fid = peer.walk(name);
      assertErrno(Errno.ECONNREFUSED, () -> peer.client.connect(fid, STREAM));
    }
    toClose.getFirst().close();
    assertErrno(Errno.ECONNREFUSED, () -> peer.client.connect(socket, STREAM));
  }

  @Test
  void aFullQueueDoesNotHoldTheGoferUp() throws Exception {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    toClose.add(server);
    server.bind(UnixDomainSocketAddress.of(inside.resolve("full")), 1);
    Peer peer = serve(ALL);
    int fid = peer.walk("full");
    assertErrno(Errno.EAGAIN, () -> {
      for (int i = 0; i < 10; i++) {
        toClose.add(peer.client.connect(fid, STREAM));
      }
    });
    assertNotNull(peer.client.getAttr(fid));
  }

  /** What a name was when it was walked to is what is connected to: a name that others swap leads nowhere else. */
  @Test
  void aSocketSwappedForALinkDoesNotLeadOut() throws Exception {
    Peer peer = serve(ALL);
    int sub = peer.walk("sub");
    int socket = peer.walk("socket");
    ServerSocketChannel secret = (ServerSocketChannel) toClose.get(1);
    Files.move(inside.resolve("sub"), inside.resolve("moved"));
    Files.createSymbolicLink(inside.resolve("sub"), directory);
    Files.delete(inside.resolve("socket"));
    Files.createSymbolicLink(inside.resolve("socket"), directory.resolve("secret"));
    assertEquals(0, peer.client.walk(sub, P9.NO_FID, new String[] {"secret"}, 1, new FileAttr[1]));
    peer.client.connect(socket, STREAM).close();
    assertNull(secret.accept());
    P9Client.Opened bound = peer.client.bind(sub, peer.client.newFid(), "new", STREAM, 0700, -1, -1);
    bound.fd().close();
    assertTrue(Files.exists(inside.resolve("moved/new")));
    assertFalse(Files.exists(directory.resolve("new")));
  }

  @Test
  void bindsWhatTheHostConnectsTo() throws Exception {
    Peer peer = serve(ALL);
    int fid = peer.client.newFid();
    P9Client.Opened bound = peer.client.bind(peer.walk("sub"), fid, "new", STREAM, 0640, -1, 7);
    assertEquals(0140640, bound.attr().mode);
    assertEquals(7, Files.getAttribute(inside.resolve("sub/new"), "unix:gid"));
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(inside.resolve("sub/new"));
    assertThrows(IOException.class, () -> SocketChannel.open(address));
    assertErrno(Errno.EINVAL, () -> peer.client.listen(peer.root, 5));
    assertErrno(Errno.EINVAL, () -> peer.client.listen(fid, -1));
    peer.client.listen(fid, 5);
    assertNull(bound.fd().socket().accept());
    try (SocketChannel other = SocketChannel.open(address); HostFd accepted = bound.fd().socket().accept()) {
      other.write(ByteBuffer.wrap(new byte[3]));
      assertEquals(3, accepted.socket().receive(text("    "), false));
      assertEquals(ProcessHandle.current().pid(), accepted.socket().peer().pid());
    }
    bound.fd().close();
    peer.client.clunkNow(fid);
    assertThrows(IOException.class, () -> SocketChannel.open(address));
  }

  @Test
  void bindingTakesNoNameThatLeadsElsewhere() throws Exception {
    Peer peer = serve(ALL);
    int fid = peer.client.newFid();
    for (String name : List.of("..", ".", "", "sub/x", "../x", "/x", "a\0b")) {
      assertErrno(Errno.EINVAL, () -> peer.client.bind(peer.root, fid, name, STREAM, 0700, -1, -1));
    }
    for (String name : List.of("socket", "out", "in", "sub", "fifo")) {
      assertErrno(Errno.EADDRINUSE, () -> peer.client.bind(peer.root, fid, name, STREAM, 0700, -1, -1));
    }
    assertErrno(Errno.EROFS, () -> peer.client.bind(peer.readOnlyRoot, fid, "new", STREAM, 0700, -1, -1));
    assertErrno(Errno.ENAMETOOLONG, () -> peer.client.bind(peer.root, fid, "n".repeat(108), STREAM, 0700, -1, -1));
    assertErrno(Errno.ENOTDIR, () -> peer.client.bind(peer.walk("socket"), fid, "x", STREAM, 0700, -1, -1));
    assertErrno(Errno.EPROTOTYPE, () -> peer.client.bind(peer.root, fid, "new", RAW, 0700, -1, -1));
    assertFalse(Files.exists(inside.resolve("new")));
    assertErrno(Errno.EBADF, () -> peer.client.getAttr(fid));
  }

  @Test
  void messagesKeepTheirBounds() throws Exception {
    Peer peer = serve(ALL);
    for (int type : new int[] {DGRAM, SEQPACKET}) {
      int fid = peer.client.newFid();
      String name = "packets" + type;
      HostFd bound = peer.client.bind(peer.root, fid, name, type, 0700, -1, -1).fd();
      HostFd in = bound;
      if (type == SEQPACKET) {
        peer.client.listen(fid, 5);
      }
      HostFd out = peer.client.connect(peer.walk(name), type);
      if (type == SEQPACKET) {
        in = bound.socket().accept();
      }
      assertEquals(5, out.socket().send(text("hello")));
      assertEquals(3, out.socket().send(text("abc")));
      MemorySegment small = text("  ");
      assertEquals(5, in.socket().receive(small, false));
      assertEquals("he", new String(small.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8));
      assertEquals(3, in.socket().receive(text("        "), false));
      byte[] large = new byte[100_000];
      assertEquals(large.length, out.socket().send(MemorySegment.ofArray(large)));
      assertEquals(large.length, in.socket().receive(MemorySegment.ofArray(new byte[200_000]), false));
      out.close();
      in.close();
      bound.close();
    }
  }

  @Test
  void aFifoIsOpenedWithoutWaiting() throws Exception {
    Peer peer = serve(ALL);
    int fifo = peer.walk("fifo");
    assertErrno(Errno.ENXIO, () -> peer.client.open(fifo, O_WRONLY));
    assertErrno(Errno.EINVAL, () -> peer.client.open(fifo, 3));
    try (HostFd reader = peer.client.open(fifo, O_RDONLY).fd()) {
      assertFalse(reader.hasWriter());
      assertEquals(0, reader.read(text("  ")));
      try (HostFd writer = peer.client.open(fifo, O_WRONLY).fd()) {
        assertTrue(reader.hasWriter());
        assertEquals(HostFd.WOULD_BLOCK, reader.read(text("  ")));
        assertEquals(3, writer.write(text("abc")));
        assertTrue(reader.hasWriter());
        assertEquals(3, reader.read(text("     ")));
      }
      assertTrue(reader.hasWriter(), "there was one");
    }
    try (HostFd both = peer.client.open(fifo, O_RDWR).fd()) {
      assertEquals(1, both.write(text("x")));
    }
    int readOnly = peer.client.newFid();
    peer.client.walk(peer.readOnlyRoot, readOnly, new String[] {"fifo"}, 1, new FileAttr[1]);
    peer.client.open(readOnly, O_RDWR).fd().close();
  }
}
