package gvisor.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import gvisor.api.errno.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HolderProgramTest {
  private static final int SIGHUP = 1, SIGKILL = 9, SIGTERM = 15, SIGWINCH = 28, SIGRTMAX = 64;

  @TempDir Path directory;

  private ScmSocket ours;
  private Child holder;

  private void start(Fd terminal) throws Exception {
    Path program = directory.resolve("holder");
    HolderProgram.main(new String[] {program.toString()});
    ScmSocket[] pair = ScmSocket.pair(ScmSocket.STREAM);
    ours = pair[0];
    try (ScmSocket childEnd = pair[1]) {
      holder = Holder.start(program.toString(), "test", childEnd.fd(), terminal);
    }
  }

  @BeforeEach
  void start() throws Exception {
    start(null);
  }

  @AfterEach
  void end() {
    holder.kill(SIGKILL);
    holder.waitFor();
    ours.close();
  }

  /** Until it has blocked signals: one that comes before ends it, as it would end any process. */
  private void awaitReady() throws Exception {
    while (Files.readAllLines(Path.of("/proc/" + holder.pid() + "/status")).contains("SigBlk:\t0000000000000000")) {
      Thread.onSpinWait();
    }
  }

  private void assertPassesOn(int signal) throws ErrnoException {
    byte[] expected = HolderProgram.forwardMessage();
    expected[expected.length - 1] = (byte) signal;
    byte[] got = new byte[expected.length + 8];
    int length = (int) ours.receive(MemorySegment.ofArray(got)).length();
    assertArrayEquals(expected, Arrays.copyOf(got, length));
  }

  @Test
  void passesSignalsOnAndEndsAsItIsTold() throws Exception {
    awaitReady();
    for (int signal : List.of(SIGTERM, SIGHUP, SIGWINCH, SIGRTMAX)) {
      holder.kill(signal);
      assertPassesOn(signal);
    }
    assertEquals(Child.RUNNING, holder.poll());
    byte[] exit = HolderProgram.exitMessage();
    exit[exit.length - 1] = (byte) 203;
    ours.sendFully(MemorySegment.ofArray(exit));
    assertEquals(203, holder.waitFor());
  }

  @Test
  void endsAsKilledWithTheConnection() {
    ours.close();
    assertEquals(HolderProgram.KILLED, holder.waitFor());
  }

  @Test
  void endsAsKilledWhenItHearsAnythingElse() throws Exception {
    ours.sendFully(MemorySegment.ofArray(new byte[] {1, 0, 0, 0, (byte) 0xa0}));
    assertEquals(HolderProgram.KILLED, holder.waitFor());
  }

  @Test
  void passesOnThatItsTerminalHasAnotherSize() throws Exception {
    end();
    Terminal.Pair pair = Terminal.openPair();
    try (Fd primary = pair.primary(); Fd secondary = pair.secondary()) {
      start(secondary);
      awaitReady();
      Terminal.setWindowSize(primary, 12, 34);
      assertPassesOn(SIGWINCH);
    }
  }
}
