package gvisor.gofer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostFd;
import gvisor.api.p9.FileAttr;
import gvisor.api.p9.P9;
import gvisor.api.p9.P9Client;
import gvisor.api.p9.SetAttr;
import gvisor.host.P9Socket;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class GoferTest {
  private static final int O_RDONLY = 0;
  private static final int O_WRONLY = 1;
  private static final int O_RDWR = 2;
  private static final int S_IFDIR = 0040000;
  private static final int S_IFLNK = 0120000;
  private static final int S_IFIFO = 0010000;
  private static final int S_IFCHR = 0020000;
  private static final int KEEP = -1;

  @TempDir Path directory;
  private Gofer gofer;
  private Thread server;
  private P9Client client;
  private int root;
  private int readOnlyRoot;

  @BeforeEach
  void start() throws Exception {
    Files.writeString(directory.resolve("secret"), "outside");
    Path inside = Files.createDirectory(directory.resolve("inside"));
    Files.writeString(inside.resolve("file"), "hello");
    Files.createDirectory(inside.resolve("sub"));
    Files.writeString(inside.resolve("sub/deep"), "deep");
    Files.createSymbolicLink(inside.resolve("out"), Path.of("../secret"));
    Files.createSymbolicLink(inside.resolve("absolute"), directory.resolve("secret"));
    Files.createSymbolicLink(inside.resolve("outdir"), Path.of(".."));
    P9Socket[] pair = P9Socket.pair();
    gofer = new Gofer(List.of(new AttachPoint("root", inside.toString(), false),
        new AttachPoint("ro", inside.toString(), true),
        new AttachPoint("file", inside.resolve("file").toString(), false)));
    server = Thread.ofPlatform().start(() -> gofer.serve(pair[1]));
    client = new P9Client(pair[0]);
    root = client.newFid();
    client.attach(root, "root");
    readOnlyRoot = client.newFid();
    client.attach(readOnlyRoot, "ro");
  }

  @AfterEach
  void stop() throws Exception {
    client.close();
    server.join(10_000);
    assertFalse(server.isAlive(), "the server ends when its peer does");
    gofer.close();
  }

  @Test
  void walksSeveralNamesInOneRoundTrip() throws Exception {
    FileAttr[] attrs = new FileAttr[3];
    int fid = client.newFid();
    assertEquals(2, client.walk(root, fid, new String[] {"sub", "deep"}, 2, attrs));
    assertTrue(attrs[0].isDirectory());
    assertEquals(4, attrs[1].size);
    assertEquals(4, client.getAttr(fid).size);
  }

  @Test
  void walkStopsAtTheFirstMissingNameAndBindsNothing() throws Exception {
    FileAttr[] attrs = new FileAttr[3];
    int fid = client.newFid();
    assertEquals(1, client.walk(root, fid, new String[] {"sub", "none", "x"}, 3, attrs));
    assertEquals(0, client.walk(root, fid, new String[] {"none"}, 1, attrs));
    assertErrno(Errno.EBADF, () -> client.getAttr(fid));
    assertEquals(1, client.walk(root, fid, new String[] {"file", "x"}, 2, attrs));
    assertErrno(Errno.EBADF, () -> client.getAttr(fid));
  }

  @Test
  void noNameLeadsOut() throws Exception {
    FileAttr[] attrs = new FileAttr[2];
    int fid = client.newFid();
    for (String name : new String[] {"..", ".", "", "sub/deep", "../secret", "/etc/passwd", "a\0b"}) {
      assertErrno(Errno.EINVAL, () -> client.walk(root, fid, new String[] {name}, 1, attrs));
    }
    assertEquals(1, client.walk(root, fid, new String[] {"outdir", "secret"}, 2, attrs));
    assertTrue(attrs[0].isSymlink());
  }

  @Test
  void symbolicLinksAreNeverFollowed() throws Exception {
    for (String name : new String[] {"out", "absolute", "outdir"}) {
      int fid = walk(name);
      assertTrue(client.getAttr(fid).isSymlink());
      assertErrno(Errno.EINVAL, () -> client.open(fid, O_RDONLY));
      SetAttr size = new SetAttr();
      size.valid = P9.SET_SIZE;
      assertErrno(Errno.EINVAL, () -> client.setAttr(fid, size));
      SetAttr mode = new SetAttr();
      mode.valid = P9.SET_MODE;
      mode.mode = 0777;
      assertErrno(Errno.EOPNOTSUPP, () -> client.setAttr(fid, mode));
    }
    assertEquals("../secret", client.readLink(walk("out")));
    assertEquals("outside", Files.readString(directory.resolve("secret")));
  }

  /** A directory that turns into a link between walk and use stays what it was when it was walked to. */
  @Test
  void directorySwappedForALinkDoesNotLeadOut() throws Exception {
    int sub = walk("sub");
    Path inside = directory.resolve("inside");
    Files.move(inside.resolve("sub"), inside.resolve("moved"));
    Files.createSymbolicLink(inside.resolve("sub"), directory);
    FileAttr[] attrs = new FileAttr[1];
    assertEquals(0, client.walk(sub, P9.NO_FID, new String[] {"secret"}, 1, attrs));
    assertEquals(1, client.walk(sub, P9.NO_FID, new String[] {"deep"}, 1, attrs));
    assertEquals(1, client.walk(root, P9.NO_FID, new String[] {"sub", "secret"}, 2, new FileAttr[2]));
  }

  @Test
  void swappingUnderneathNeverShowsWhatIsOutside() throws Exception {
    Path inside = directory.resolve("inside");
    Path a = Files.createDirectory(inside.resolve("a"));
    Files.createSymbolicLink(inside.resolve("b"), directory);
    AtomicReference<Exception> failure = new AtomicReference<>();
    Thread swapper = Thread.ofPlatform().start(() -> {
      try {
        for (int i = 0; i < 2000; i++) {
          Files.move(a, inside.resolve("t"));
          Files.move(inside.resolve("b"), a);
          Files.move(a, inside.resolve("b"));
          Files.move(inside.resolve("t"), a);
        }
      } catch (IOException e) {
        failure.set(e);
      }
    });
    FileAttr[] attrs = new FileAttr[2];
    while (swapper.isAlive()) {
      assertTrue(client.walk(root, P9.NO_FID, new String[] {"a", "secret"}, 2, attrs) < 2);
    }
    swapper.join();
    assertEquals(null, failure.get());
  }

  @Test
  void handsOverDescriptorsOfRegularFiles() throws Exception {
    int fid = walk("file");
    P9Client.Opened o = client.open(fid, O_RDONLY);
    assertEquals(5, o.attr().size);
    try (HostFd fd = o.fd()) {
      assertEquals("hello", read(fd));
      assertErrno(Errno.EBADF, () -> fd.pwrite(MemorySegment.ofArray(new byte[1]), 0));
    }
    try (HostFd fd = client.open(fid, O_RDWR).fd()) {
      fd.pwrite(MemorySegment.ofArray("J".getBytes(StandardCharsets.ISO_8859_1)), 0);
    }
    assertEquals("Jello", Files.readString(directory.resolve("inside/file")));
    assertErrno(Errno.EISDIR, () -> client.open(root, O_RDONLY));
    assertErrno(Errno.EINVAL, () -> client.open(fid, 3));
    assertErrno(Errno.EINVAL, () -> client.open(fid, 0100));
  }

  @Test
  void walksAndOpensInOne() throws Exception {
    int fid = client.newFid();
    P9Client.Opened o = client.walkOpen(root, fid, "file", O_RDONLY);
    try (HostFd fd = o.fd()) {
      assertEquals("hello", read(fd));
    }
    assertEquals(5, client.getAttr(fid).size);
    int other = client.newFid();
    assertErrno(Errno.EBUSY, () -> client.walkOpen(root, fid, "file", O_RDONLY));
    assertErrno(Errno.ENOENT, () -> client.walkOpen(root, other, "none", O_RDONLY));
    assertErrno(Errno.EINVAL, () -> client.walkOpen(root, other, "out", O_RDONLY));
    assertErrno(Errno.EINVAL, () -> client.walkOpen(root, other, "..", O_RDONLY));
    assertErrno(Errno.EISDIR, () -> client.walkOpen(root, other, "sub", O_RDONLY));
    assertErrno(Errno.EROFS, () -> client.walkOpen(readOnlyRoot, other, "file", O_RDWR));
    assertErrno(Errno.EBADF, () -> client.getAttr(other));
  }

  @Test
  void fileByItselfCanBeAnAttachPoint() throws Exception {
    int fid = client.newFid();
    assertTrue(client.attach(fid, "file").isRegular());
    try (HostFd fd = client.open(fid, O_RDONLY).fd()) {
      assertEquals("hello", read(fd));
    }
    assertErrno(Errno.ENOENT, () -> client.attach(client.newFid(), "nothing"));
  }

  @Test
  void createsWithOwnerAndMode() throws Exception {
    boolean isRoot = "root".equals(System.getProperty("user.name"));
    int fid = client.newFid();
    P9Client.Opened o =
        client.create(root, fid, "new", O_RDWR, 04755, isRoot ? 1234 : KEEP, isRoot ? 5678 : KEEP);
    o.fd().close();
    assertEquals(0104755, o.attr().mode);
    if (isRoot) {
      assertEquals(1234, o.attr().uid);
      assertEquals(5678, o.attr().gid);
    }
    assertErrno(Errno.EEXIST, () -> client.create(root, client.newFid(), "new", O_RDWR, 0600, KEEP, KEEP));
    assertErrno(Errno.EEXIST, () -> client.create(root, client.newFid(), "out", O_RDWR, 0600, KEEP, KEEP));
    assertErrno(Errno.EBUSY, () -> client.create(root, fid, "other", O_RDWR, 0600, KEEP, KEEP));
    assertFalse(Files.exists(directory.resolve("inside/other")));
  }

  @Test
  void makesMovesLinksAndRemoves() throws Exception {
    int dir = client.newFid();
    assertEquals(S_IFDIR | 0700, client.make(root, dir, "d", S_IFDIR | 0700, KEEP, KEEP, 0, 0, "").mode);
    int link = client.newFid();
    client.make(dir, link, "l", S_IFLNK | 0777, KEEP, KEEP, 0, 0, "to/where");
    assertEquals("to/where", client.readLink(link));
    int fifo = client.newFid();
    assertEquals(S_IFIFO | 0600, client.make(dir, fifo, "p", S_IFIFO | 0600, KEEP, KEEP, 0, 0, "").mode);
    assertErrno(Errno.EINVAL, () -> client.open(fifo, O_RDONLY));
    client.link(dir, walk("file"), "hard");
    assertEquals(2, client.getAttr(walk("file")).nlink);
    client.rename(dir, "hard", root, "harder", 0);
    assertTrue(Files.exists(directory.resolve("inside/harder")));
    assertErrno(Errno.EEXIST, () -> client.rename(root, "harder", root, "file", 1));
    assertErrno(Errno.ENOTEMPTY, () -> client.unlink(root, "d", 0x200));
    client.unlink(dir, "p", 0);
    client.unlink(dir, "l", 0);
    client.unlink(root, "d", 0x200);
    assertFalse(Files.exists(directory.resolve("inside/d")));
    assertErrno(Errno.EPERM,
        () -> client.make(root, client.newFid(), "null", S_IFCHR | 0666, KEEP, KEEP, 1, 3, ""));
  }

  @Test
  void setsAttributes() throws Exception {
    int fid = walk("file");
    SetAttr c = new SetAttr();
    c.valid = P9.SET_MODE | P9.SET_SIZE | P9.SET_MTIME | P9.SET_MTIME_SET;
    c.mode = 0640;
    c.size = 3;
    c.mtimeSeconds = 1000;
    c.mtimeNanos = 7;
    FileAttr a = client.setAttr(fid, c);
    assertEquals(0100640, a.mode);
    assertEquals(3, a.size);
    assertEquals(1000, a.mtimeSeconds);
    assertEquals(7, a.mtimeNanos);
    c.mtimeNanos = 1_000_000_000;
    assertErrno(Errno.EINVAL, () -> client.setAttr(fid, c));
    c.valid = P9.SET_SIZE;
    c.size = -1;
    assertErrno(Errno.EINVAL, () -> client.setAttr(fid, c));
  }

  @Test
  void readOnlyAttachPointRefusesEveryChange() throws Exception {
    FileAttr[] attrs = new FileAttr[1];
    int fid = client.newFid();
    client.walk(readOnlyRoot, fid, new String[] {"file"}, 1, attrs);
    int spare = client.newFid();
    SetAttr c = new SetAttr();
    c.valid = P9.SET_MODE;
    assertErrno(Errno.EROFS, () -> client.open(fid, O_WRONLY));
    assertErrno(Errno.EROFS, () -> client.open(fid, O_RDWR));
    assertErrno(Errno.EROFS, () -> client.open(fid, 01000));
    assertErrno(Errno.EROFS, () -> client.create(readOnlyRoot, spare, "x", O_RDWR, 0600, KEEP, KEEP));
    assertErrno(Errno.EROFS, () -> client.make(readOnlyRoot, spare, "x", S_IFDIR | 0700, KEEP, KEEP, 0, 0, ""));
    assertErrno(Errno.EROFS, () -> client.link(readOnlyRoot, fid, "x"));
    assertErrno(Errno.EROFS, () -> client.unlink(readOnlyRoot, "file", 0));
    assertErrno(Errno.EROFS, () -> client.rename(readOnlyRoot, "file", readOnlyRoot, "x", 0));
    assertErrno(Errno.EROFS, () -> client.setAttr(fid, c));
    assertErrno(Errno.EROFS, () -> client.setXattr(fid, "user.x", new byte[1], 1, 0));
    assertErrno(Errno.EROFS, () -> client.removeXattr(fid, "user.x"));
    assertErrno(Errno.EXDEV, () -> client.link(root, fid, "x"));
    assertErrno(Errno.EXDEV, () -> client.rename(root, "file", readOnlyRoot, "x", 0));
    try (HostFd fd = client.open(fid, O_RDONLY).fd()) {
      assertEquals("hello", read(fd));
    }
  }

  @Test
  void listsDirectoriesOverSeveralReplies() throws Exception {
    Path big = Files.createDirectory(directory.resolve("inside/big"));
    TreeSet<String> expected = new TreeSet<>();
    for (int i = 0; i < 1500; i++) {
      String name = "entry-with-quite-a-long-name-" + i;
      Files.createFile(big.resolve(name));
      expected.add(name);
    }
    int fid = walk("big");
    List<String> got = new ArrayList<>();
    long[] next = new long[1];
    int calls = 0;
    while (client.readDirectory(fid, next[0], (name, attr, n) -> {
      assertTrue(attr.isRegular());
      got.add(name);
      next[0] = n;
    }) > 0) {
      calls++;
    }
    assertTrue(calls > 1);
    assertEquals(expected, new TreeSet<>(got));
    assertEquals(expected.size(), got.size());
  }

  @Test
  void extendedAttributes() throws Exception {
    int fid = walk("file");
    try {
      client.setXattr(fid, "user.a", new byte[] {1, 2, 3}, 3, 0);
    } catch (ErrnoException e) {
      assumeTrue(false, "the test directory's file system has no user extended attributes");
    }
    byte[] value = new byte[10];
    assertEquals(3, client.getXattr(fid, "user.a", new byte[0]));
    assertEquals(3, client.getXattr(fid, "user.a", value));
    assertArrayEquals(new byte[] {1, 2, 3, 0, 0, 0, 0, 0, 0, 0}, value);
    assertErrno(Errno.ERANGE, () -> client.getXattr(fid, "user.a", new byte[2]));
    int n = client.listXattr(fid, value);
    assertEquals("user.a\0", new String(value, 0, n, StandardCharsets.ISO_8859_1));
    assertErrno(Errno.EEXIST, () -> client.setXattr(fid, "user.a", new byte[0], 0, 1));
    client.removeXattr(fid, "user.a");
    assertErrno(Errno.ENODATA, () -> client.getXattr(fid, "user.a", value));
    assertErrno(Errno.EOPNOTSUPP, () -> client.setXattr(fid, "trusted.x", value, 1, 0));
    assertErrno(Errno.EOPNOTSUPP, () -> client.setXattr(fid, "security.capability", value, 1, 0));
  }

  @Test
  void manyThreadsShareTheConnection() throws Exception {
    List<Thread> threads = new ArrayList<>();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    for (int t = 0; t < 40; t++) {
      String name = t % 2 == 0 ? "file" : "sub";
      threads.add(Thread.ofPlatform().start(() -> {
        try {
          FileAttr[] attrs = new FileAttr[1];
          for (int i = 0; i < 200; i++) {
            int fid = client.newFid();
            assertEquals(1, client.walk(root, fid, new String[] {name}, 1, attrs));
            assertEquals(name.equals("sub"), attrs[0].isDirectory());
            if (i % 10 == 0 && !attrs[0].isDirectory()) {
              client.open(fid, O_RDONLY).fd().close();
            }
            client.clunk(fid);
          }
        } catch (Throwable e) {
          failure.set(e);
        }
      }));
    }
    for (Thread t : threads) {
      t.join();
    }
    assertEquals(null, failure.get());
  }

  @Test
  void callsFailWithEioOnceTheServerIsGone() throws Exception {
    P9Socket[] pair = P9Socket.pair();
    Thread other = Thread.ofPlatform().start(() -> gofer.serve(pair[1]));
    P9Client c = new P9Client(pair[0]);
    int fid = c.newFid();
    c.attach(fid, "root");
    pair[1].close();
    other.join();
    assertErrno(Errno.EIO, () -> c.getAttr(fid));
    assertErrno(Errno.EIO, () -> c.getAttr(fid));
    assertTrue(c.isBroken());
    c.close();
  }

  private int walk(String name) throws ErrnoException {
    int fid = client.newFid();
    assertEquals(1, client.walk(root, fid, new String[] {name}, 1, new FileAttr[1]));
    return fid;
  }

  private static String read(HostFd fd) throws ErrnoException {
    byte[] bytes = new byte[100];
    long n = fd.pread(MemorySegment.ofArray(bytes), 0);
    return new String(bytes, 0, (int) n, StandardCharsets.ISO_8859_1);
  }

  private interface Call {
    void run() throws ErrnoException;
  }

  private static void assertErrno(Errno errno, Call call) {
    assertEquals(errno, assertThrows(ErrnoException.class, call::run).errno());
  }
}
