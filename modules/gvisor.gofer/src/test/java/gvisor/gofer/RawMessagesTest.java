package gvisor.gofer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.p9.MessageReader;
import gvisor.api.p9.MessageType;
import gvisor.api.p9.MessageWriter;
import gvisor.api.p9.P9;
import gvisor.host.P9Socket;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a peer gets that does not keep to the protocol, and messages our own client does not send. */
@Timeout(60)
final class RawMessagesTest {
  @TempDir Path directory;
  private Gofer gofer;
  private Thread server;
  private P9Socket socket;
  private MemorySegment message;
  private MessageWriter out;
  private MessageReader in;

  @BeforeEach
  void start() throws Exception {
    Files.writeString(directory.resolve("file"), "hello");
    gofer = new Gofer(List.of(new AttachPoint("root", directory.toString(), false)));
    P9Socket[] pair = P9Socket.pair();
    socket = pair[0];
    server = Thread.ofPlatform().start(() -> gofer.serve(pair[1]));
    message = socket.newBuffer(P9.MAX_MESSAGE);
    out = new MessageWriter(message);
    in = new MessageReader(message, Errno.EBADMSG);
  }

  @AfterEach
  void stop() throws Exception {
    socket.close();
    server.join(10_000);
    assertFalse(server.isAlive());
    gofer.close();
  }

  @Test
  void nothingBeforeTheVersion() throws Exception {
    assertEquals(Errno.EPROTO, failure(out.begin(MessageType.T_CLUNK, 5).u32(0)));
  }

  @Test
  void plainVersionHasNoExtensions() throws Exception {
    call(out.begin(MessageType.T_VERSION, P9.NO_TAG).u32(8192).string("9P2000.L"));
    assertEquals(8192, in.u32());
    assertEquals("9P2000.L", in.string(50));
    assertEquals(Errno.EOPNOTSUPP, failure(out.begin(MessageType.T_OPENFD, 1).u32(0).u32(0)));
    call(out.begin(MessageType.T_VERSION, P9.NO_TAG).u32(8192).string("9P2000.u"));
    in.u32();
    assertEquals("unknown", in.string(50));
  }

  @Test
  void standardMessages() throws Exception {
    version();
    attach(0);
    call(out.begin(MessageType.T_WALK, 1).u32(0).u32(1).u16(1).string("file"));
    assertEquals(1, in.u16());
    call(out.begin(MessageType.T_LOPEN, 1).u32(1).u32(2));
    call(out.begin(MessageType.T_READ, 1).u32(1).u64(1).u32(100));
    assertEquals(4, in.u32());
    assertEquals('e', in.u8());
    call(out.begin(MessageType.T_WRITE, 1).u32(1).u64(0).u32(2).u8('H').u8('E'));
    assertEquals(2, in.u32());
    call(out.begin(MessageType.T_FSYNC, 1).u32(1).u32(0));
    call(out.begin(MessageType.T_LOCK, 1).u32(1).u8(1).u32(0).u64(0).u64(0).u32(1).string("c"));
    assertEquals(P9.LOCK_SUCCESS, in.u8());
    call(out.begin(MessageType.T_GETLOCK, 1).u32(1).u8(1).u64(0).u64(0).u32(1).string("c"));
    assertEquals(P9.LOCK_UNLOCK, in.u8());
    assertEquals("HEllo", Files.readString(directory.resolve("file")));
    call(out.begin(MessageType.T_WALK, 1).u32(0).u32(2).u16(0));
    call(out.begin(MessageType.T_LOPEN, 1).u32(2).u32(0));
    call(out.begin(MessageType.T_READDIR, 1).u32(2).u64(0).u32(1000));
    assertEquals(13 + 8 + 1 + 2 + 4, in.u32());
    call(out.begin(MessageType.T_MKDIR, 1).u32(0).string("d").u32(0755).u32(P9.NO_UID));
    assertTrue(Files.isDirectory(directory.resolve("d")));
    call(out.begin(MessageType.T_FLUSH, 1).u16(77));
    call(out.begin(MessageType.T_STATFS, 1).u32(0));
    call(out.begin(MessageType.T_CLUNK, 1).u32(1));
    assertEquals(Errno.EBADF, failure(out.begin(MessageType.T_CLUNK, 1).u32(1)));
  }

  @Test
  void unknownThingsAreErrors() throws Exception {
    version();
    assertEquals(Errno.ENOSYS, failure(out.begin(255, 1)));
    assertEquals(Errno.ENOSYS, failure(out.begin(0, 1)));
    assertEquals(Errno.EBADF, failure(out.begin(MessageType.T_GETATTR, 1).u32(99).u64(0)));
    attach(0);
    assertEquals(Errno.EBADMSG, failure(out.begin(MessageType.T_GETATTR, 1).u32(0)));
    assertEquals(Errno.EBADMSG, failure(out.begin(MessageType.T_GETATTR, 1).u32(0).u64(0).u8(0)));
    assertEquals(Errno.EINVAL, failure(out.begin(MessageType.T_WALK, 1).u32(0).u32(1).u16(17)));
    assertEquals(Errno.EINVAL, failure(out.begin(MessageType.T_CLUNKS, 1).u16(0xffff)));
    assertEquals(Errno.EBADMSG, failure(out.begin(MessageType.T_CLUNKS, 1).u16(3).u32(7)));
    assertEquals(Errno.EBADMSG, failure(out.begin(MessageType.T_WRITE, 1).u32(0).u64(0).u32(-1)));
  }

  @Test
  void tooManyFidsAreEmfile() throws Exception {
    version();
    attach(0);
    int bound = 0;
    for (int i = 1; i <= FidTable.MAX + 1; i++) {
      out.begin(MessageType.T_WALK, 1).u32(0).u32(i).u16(0);
      exchange();
      if (in.type() == MessageType.R_LERROR) {
        assertEquals(Errno.EMFILE, Errno.of(in.u32()));
        break;
      }
      bound++;
    }
    assertTrue(bound < FidTable.MAX);
    call(out.begin(MessageType.T_CLUNK, 1).u32(1));
    call(out.begin(MessageType.T_GETATTR, 1).u32(0).u64(0));
  }

  @Test
  void whatIsNoMessageEndsTheConnection() throws Exception {
    message.set(ValueLayout.JAVA_INT_UNALIGNED, 0, 1 << 30);
    socket.send(message, 20);
    assertEquals(0, socket.receive(message));
  }

  /** Random bytes behind a well-formed header: every one is answered. */
  @Test
  void noiseIsSurvived() throws Exception {
    version();
    attach(0);
    Random random = new Random(42);
    int[] types = {8, 12, 14, 16, 18, 20, 22, 24, 26, 30, 32, 40, 50, 52, 54, 70, 72, 74, 76, 104, 108, 110, 116, 118,
        120, 122, 160, 162, 164, 166, 168, 170, 172, 174, 176, 178, 180, 182, 184, 200};
    for (int i = 0; i < 20_000; i++) {
      out.begin(types[random.nextInt(types.length)], random.nextInt(0x10000));
      int fields = random.nextInt(12);
      for (int f = 0; f < fields; f++) {
        switch (random.nextInt(5)) {
          case 0 -> out.u8(random.nextInt());
          case 1 -> out.u16(random.nextInt(8));
          case 2 -> out.u32(random.nextInt(4));
          case 3 -> out.u32(random.nextInt());
          default -> out.string("n" + random.nextInt(5));
        }
      }
      exchange();
    }
    version();
    attach(0);
    call(out.begin(MessageType.T_GETATTR, 1).u32(0).u64(0));
  }

  private void version() throws ErrnoException {
    call(out.begin(MessageType.T_VERSION, P9.NO_TAG).u32(P9.MAX_MESSAGE).string(P9.VERSION_EXTENDED));
  }

  private void attach(int fid) throws ErrnoException {
    call(out.begin(MessageType.T_ATTACH, 1).u32(fid).u32(P9.NO_FID).string("").string("root").u32(P9.NO_UID));
  }

  private void call(MessageWriter request) throws ErrnoException {
    int type = message.get(ValueLayout.JAVA_BYTE, P9.TYPE_OFFSET) & 0xff;
    exchange();
    if (in.type() == MessageType.R_LERROR) {
      throw Errno.of(in.u32()).error();
    }
    assertEquals(type + 1, in.type());
  }

  private Errno failure(MessageWriter request) throws ErrnoException {
    exchange();
    assertEquals(MessageType.R_LERROR, in.type());
    return Errno.of(in.u32());
  }

  private void exchange() throws ErrnoException {
    int tag = message.get(ValueLayout.JAVA_SHORT_UNALIGNED, P9.TAG_OFFSET);
    socket.send(message, out.finish());
    assertTrue(in.begin(socket.receive(message)));
    assertEquals(tag & 0xffff, in.tag());
  }
}
