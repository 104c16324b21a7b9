package gvisor.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScmSocketTest {
  @Test
  void passesDescriptors() throws ErrnoException {
    for (int type : new int[] {ScmSocket.STREAM, ScmSocket.SEQPACKET}) {
      ScmSocket[] pair = ScmSocket.pair(type);
      Fd[] pipe = Fd.pipe();
      MemorySegment buffer = Arena.ofAuto().allocate(64);
      assertEquals(1, pair[0].send(MemorySegment.ofArray(new byte[] {42}), List.of(pipe[1], pipe[0])));
      ScmSocket.Received got = pair[1].receive(buffer);
      assertEquals(1, got.length());
      assertEquals(2, got.fds().length);
      got.fds()[0].write(MemorySegment.ofArray(new byte[] {1, 2, 3}));
      assertEquals(3, pipe[0].read(buffer));
      for (Fd fd : List.of(pipe[0], pipe[1], got.fds()[0], got.fds()[1])) {
        fd.close();
      }
      pair[0].close();
      assertEquals(0, pair[1].receive(buffer).length());
      pair[1].close();
    }
  }

  @Test
  void packetsThatDoNotFitAreAnError() throws ErrnoException {
    ScmSocket[] pair = ScmSocket.pair(ScmSocket.SEQPACKET);
    try (ScmSocket a = pair[0]; ScmSocket b = pair[1]) {
      a.send(MemorySegment.ofArray(new byte[100]), List.of());
      ErrnoException e = assertThrows(
          ErrnoException.class, () -> b.receive(MemorySegment.ofArray(new byte[10])));
      assertEquals(Errno.EMSGSIZE, e.errno());
    }
  }

  @Test
  void aReceiveTimesOut() throws ErrnoException {
    ScmSocket[] pair = ScmSocket.pair(ScmSocket.STREAM);
    try (ScmSocket a = pair[0]; ScmSocket b = pair[1]) {
      a.setTimeout(5);
      ErrnoException e = assertThrows(ErrnoException.class, () -> a.receive(MemorySegment.ofArray(new byte[1])));
      assertEquals(Errno.EAGAIN, e.errno());
      assertEquals(1, b.send(MemorySegment.ofArray(new byte[1]), List.of()));
    }
  }

  @Test
  void connectsByPathAndKnowsItsPeer(@TempDir Path dir) throws ErrnoException {
    String path = dir.resolve("s").toString();
    try (ScmSocket server = ScmSocket.listen(path, ScmSocket.STREAM, 5);
        ScmSocket client = ScmSocket.connect(path, ScmSocket.STREAM);
        ScmSocket accepted = server.accept()) {
      assertEquals(ProcessHandle.current().pid(), accepted.peer().pid());
      client.sendFully(MemorySegment.ofArray(new byte[] {9}));
      assertEquals(1, accepted.receive(MemorySegment.ofArray(new byte[4])).length());
    }
  }
}
