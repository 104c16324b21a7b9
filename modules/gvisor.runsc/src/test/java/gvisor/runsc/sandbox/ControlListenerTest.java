package gvisor.runsc.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.ScmSocket;
import gvisor.runsc.control.ControlConnection;
import gvisor.runsc.control.Message;
import gvisor.runsc.json.Json;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ControlListenerTest {
  /** Long enough for a peer that means well on a busy machine. */
  private static final long MILLIS = 1500;

  @TempDir Path directory;

  private final List<AutoCloseable> open = new ArrayList<>();
  private ScmSocket listener;

  @BeforeEach
  void listen() throws ErrnoException {
    listener = ScmSocket.listen(directory.resolve("s").toString(), ScmSocket.STREAM, 512);
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable c : open) {
      c.close();
    }
    listener.shutdown();
  }

  private void serve(int owner) {
    ControlServer.startThread("accept", new ControlListener(listener, owner, MILLIS, ControlListenerTest::echo)::run);
  }

  /** Answers each message with itself. */
  private static void echo(ControlConnection connection) {
    try {
      for (Message m = connection.receive(); m != null; m = connection.receive()) {
        m.closeFds();
        connection.send(m.body(), List.of());
      }
    } catch (IOException e) {
      // The peer misbehaved; that is what is tested.
    } finally {
      connection.close();
    }
  }

  private ScmSocket connect() throws ErrnoException {
    ScmSocket socket = ScmSocket.connect(directory.resolve("s").toString(), ScmSocket.STREAM);
    open.add(socket);
    return socket;
  }

  private ControlConnection client() throws ErrnoException {
    return new ControlConnection(connect());
  }

  private static int self() throws IOException {
    return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
  }

  @Test
  void theOwnerIsServed() throws Exception {
    serve(self());
    ControlConnection client = client();
    client.send(Json.object().put("n", 1), List.of());
    assertEquals(1, client.receive().body().path("n").asInt());
  }

  @Test
  void strangersAreNot() throws Exception {
    Assumptions.assumeTrue(self() != 0, "root is nobody's stranger; the test of the image has another user");
    serve(self() + 1);
    assertNull(client().receive());
  }

  @Test
  void aMessageThatStopsInTheMiddleIsCutOff() throws Exception {
    serve(self());
    ScmSocket slow = connect();
    slow.sendFully(MemorySegment.ofArray(new byte[] {100, 0, 0, 0, '{'}));
    ControlConnection other = client();
    other.send(Json.object(), List.of());
    assertTrue(other.receive().body().isEmpty());
    assertEquals(0, slow.receive(MemorySegment.ofArray(new byte[1])).length());
  }

  @Test
  void whoSaysNothingIsCutOffAndWhoHasSpokenMayRest() throws Exception {
    serve(self());
    ControlConnection speaker = client();
    speaker.send(Json.object(), List.of());
    speaker.receive();
    ScmSocket silent = connect();
    assertEquals(0, silent.receive(MemorySegment.ofArray(new byte[1])).length());
    speaker.send(Json.object(), List.of());
    assertTrue(speaker.receive().body().isEmpty());
  }

  @Test
  void connectionsAreCounted() throws Exception {
    serve(self());
    for (int i = 0; i < ControlListener.MAX_CONNECTIONS; i++) {
      ControlConnection c = client();
      c.send(Json.object(), List.of());
      c.receive();
    }
    Message refusal = client().receive();
    assertTrue(refusal.body().path("error").asText().contains("control connections"));
    open.removeLast().close();
    open.removeLast().close();
    for (int i = 0; ; i++) {
      ControlConnection c = client();
      c.send(Json.object().put("n", 1), List.of());
      Message m = c.receive();
      if (m != null && m.body().path("n").asInt() == 1) {
        break;
      }
      assertTrue(i < 100, "a place became free");
      Thread.sleep(10);
    }
  }

  @Test
  void descriptorsOfMessagesThatAreRefusedAreClosed() throws Exception {
    serve(self());
    ControlConnection client = client();
    client.send(Json.object(), List.of());
    client.receive();
    long before = descriptors();
    Fd[] pipe = Fd.pipe();
    for (byte[] bad : List.of(new byte[] {1, 0, 0, 0, 'x'}, new byte[] {-1, -1, -1, -1}, new byte[] {9, 0, 0, 0, '{'})) {
      ScmSocket socket = connect();
      socket.send(MemorySegment.ofArray(bad), List.of(pipe[0], pipe[1], pipe[0]));
      assertEquals(0, socket.receive(MemorySegment.ofArray(new byte[1])).length());
      socket.close();
    }
    List<Fd> many = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      many.add(pipe[0]);
    }
    // No message brings more than one call can send; two calls for one message are too many.
    try (ScmSocket socket = connect()) {
      socket.send(MemorySegment.ofArray(new byte[] {2, 0, 0, 0}), many);
      socket.send(MemorySegment.ofArray(new byte[] {'x'}), many);
      assertTrue(endsOrResets(socket));
    }
    pipe[0].close();
    pipe[1].close();
    client.close();
    for (int i = 0; descriptors() > before - 2 && i < 100; i++) {
      Thread.sleep(10);
    }
    assertEquals(before - 2, descriptors(), "all but the first connection's two ends are as they were");
  }

  /** The end of the connection, however the host tells it: data that was left makes a reset of it. */
  private static boolean endsOrResets(ScmSocket socket) {
    try {
      return socket.receive(MemorySegment.ofArray(new byte[1])).length() == 0;
    } catch (ErrnoException e) {
      return e.errno() == Errno.ECONNRESET;
    }
  }

  private static long descriptors() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      return files.count();
    }
  }
}
