package gvisor.gofer;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.p9.MessageReader;
import gvisor.api.p9.MessageType;
import gvisor.api.p9.MessageWriter;
import gvisor.api.p9.P9;
import gvisor.host.HostFile;
import gvisor.host.P9Socket;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Fuzz target: input bytes become 9P messages, most of them nearly right. Each is answered with its own tag, by no defect,
 * no descriptor is left behind, and nothing outside the directory that is served changes.
 */
public final class GoferFuzz {
  private static final int[] TYPES = {
    8, 12, 14, 16, 18, 20, 22, 24, 26, 30, 32, 40, 50, 52, 54, 70, 72, 74, 76, 100, 102, 104, 108, 110, 116, 118, 120,
    122, 160, 162, 164, 166, 168, 170, 172, 174, 176, 178, 180, 182, 184, 186, 188,
    190, 200
  };
  private static final String[] NAMES = {"f", "d", "l", "p", "s", "..", ".", "", "a/b", "x", "out", "user.a", "root", "\0"};
  private static final int MAX_MESSAGES = 200;
  private static final int LIFE = 500;

  private static Path directory;
  private static Path outside;
  private static int inputs;

  private final byte[] input;
  private int at;
  private final P9Socket socket;
  private final MemorySegment message;
  private final MessageWriter out;
  private final MessageReader in;

  private GoferFuzz(byte[] input, P9Socket socket) {
    this.input = input;
    this.socket = socket;
    message = socket.newBuffer(P9.MAX_MESSAGE);
    out = new MessageWriter(message);
    in = new MessageReader(message, Errno.EBADMSG);
  }

  /** Runs one input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    if (inputs++ % LIFE == 0) {
      makeDirectory();
    }
    int before = descriptors();
    P9Socket[] pair = P9Socket.pair();
    HostFile root = HostFile.open(directory.toString());
    Session served = new Session(pair[1], List.of(new Gofer.Root("root", root, false)),
        new HostAccess(true, true, true));
    Thread server = Thread.ofPlatform().daemon().start(() -> {
      try (served) {
        served.run();
      }
    });
    try (P9Socket mine = pair[0]) {
      new GoferFuzz(input, mine).run();
    }
    server.join(10_000);
    root.close();
    if (server.isAlive()) {
      throw new IllegalStateException("the server does not end with its peer");
    }
    if (served.defects() > 0) {
      throw new IllegalStateException("a request failed by a defect");
    }
    if (descriptors() > before) {
      throw new IllegalStateException("descriptors are left behind");
    }
    if (!Files.readString(outside.resolve("secret")).equals("secret") || outside.toFile().list().length != 1) {
      throw new IllegalStateException("something outside has changed");
    }
  }

  private void run() throws ErrnoException {
    if (next() % 16 != 0) {
      boolean extended = next() % 4 != 0;
      out.begin(MessageType.T_VERSION, P9.NO_TAG).u32(P9.MAX_MESSAGE)
          .string(extended ? P9.VERSION_EXTENDED : P9.VERSION);
      exchange();
      out.begin(MessageType.T_ATTACH, 1).u32(0).u32(P9.NO_FID).string("").string("root").u32(P9.NO_UID);
      exchange();
    }
    for (int i = 0; i < MAX_MESSAGES && at < input.length; i++) {
      int type = next();
      out.begin(type < 250 ? TYPES[type % TYPES.length] : next(), next());
      for (int fields = next() % 14; fields > 0; fields--) {
        field();
      }
      if (next() == 255) {
        // No message: a wrong size, which ends the connection.
        long length = out.finish();
        message.set(ValueLayout.JAVA_INT_UNALIGNED, 0, next() << 24 | next());
        socket.send(message, Math.max(length, P9.TAG_OFFSET + 2));
        return;
      }
      exchange();
    }
  }

  private void field() throws ErrnoException {
    int kind = next();
    switch (kind % 10) {
      case 0 -> out.u8(next());
      case 1, 2 -> out.u16(next() % 8);
      case 3, 4, 5 -> out.u32(next() % 6);
      case 6 -> out.u32(next() << 24 | next() << 8 | next());
      case 7 -> out.u64((long) next() << 56 | next());
      default -> out.string(NAMES[next() % NAMES.length]);
    }
  }

  private int next() {
    return at < input.length ? input[at++] & 0xff : 0;
  }

  private void exchange() throws ErrnoException {
    int tag = message.get(ValueLayout.JAVA_SHORT_UNALIGNED, P9.TAG_OFFSET) & 0xffff;
    socket.send(message, out.finish());
    if (!in.begin(socket.receive(message)) || in.tag() != tag) {
      throw new IllegalStateException("a message was not answered");
    }
  }

  private static int descriptors() {
    return Path.of("/proc/self/fd").toFile().list().length;
  }

  private static void makeDirectory() throws IOException, InterruptedException {
    if (directory != null) {
      try (Stream<Path> files = Files.walk(directory.getParent())) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      }
    } else {
      Path top = Files.createTempDirectory("gofer-fuzz");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteQuietly(top)));
      directory = top.resolve("served");
      outside = top.resolve("outside");
    }
    Files.createDirectories(directory.resolve("d"));
    Files.createDirectories(outside);
    Files.writeString(outside.resolve("secret"), "secret");
    Files.writeString(directory.resolve("f"), "content");
    Files.createSymbolicLink(directory.resolve("out"), outside);
    ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(directory.resolve("s"))).close();
    if (new ProcessBuilder("mkfifo", directory.resolve("p").toString()).start().waitFor() != 0) {
      throw new IOException("mkfifo");
    }
    Files.createSymbolicLink(directory.resolve("l"), outside.resolve("secret"));
  }

  private static void deleteQuietly(Path top) {
    try (Stream<Path> files = Files.walk(top)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // The system's own cleaning has to do.
    }
  }
}
