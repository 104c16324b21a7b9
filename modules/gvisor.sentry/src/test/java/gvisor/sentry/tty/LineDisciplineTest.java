package gvisor.sentry.tty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.KernelBuffer;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LineDisciplineTest implements LineDiscipline.Listener {
  private final ByteRing out = new ByteRing(65536);
  private final InputBuffer input = new InputBuffer();
  private final LineDiscipline discipline = new LineDiscipline(input, new OutputProcessor(out), this);
  private final List<Integer> signals = new ArrayList<>();
  private boolean stopped;

  @Override
  public void signalForeground(int signal) {
    signals.add(signal);
  }

  @Override
  public void flushOutput() {}

  @Override
  public void inputFlushed() {}

  @Override
  public void setStopped(boolean stop) {
    stopped = stop;
  }

  @Override
  public boolean isStopped() {
    return stopped;
  }

  private void type(String text) {
    for (byte b : text.getBytes(StandardCharsets.ISO_8859_1)) {
      discipline.receive(b & 0xff);
    }
  }

  private String readLine(int most) throws ErrnoException {
    byte[] to = new byte[most];
    long n = input.readLine(new KernelBuffer(MemorySegment.ofArray(to)));
    return new String(to, 0, (int) n, StandardCharsets.ISO_8859_1);
  }

  private String shown() throws ErrnoException {
    byte[] to = new byte[65536];
    long n = out.drainTo(new KernelBuffer(MemorySegment.ofArray(to)));
    return new String(to, 0, (int) n, StandardCharsets.ISO_8859_1);
  }

  @Test
  void returnEndsALine() throws ErrnoException {
    type("abc");
    assertFalse(input.hasLine());
    type("\r");
    assertEquals("abc\n", readLine(100));
    assertEquals("abc\r\n", shown());
  }

  @Test
  void eraseTakesOneCharacterFromScreenAndLine() throws ErrnoException {
    type("abx\u007fc\n");
    assertEquals("abc\n", readLine(100));
    assertEquals("abx\b \bc\r\n", shown());
  }

  @Test
  void wordEraseStopsAtTheBlank() throws ErrnoException {
    type("ab cd\027e\n");
    assertEquals("ab e\n", readLine(100));
    assertEquals("ab cd\b \b\b \be\r\n", shown());
  }

  @Test
  void tabIsErasedToWhereItStarted() throws ErrnoException {
    type("ab\t\u007fz\n");
    assertEquals("abz\n", readLine(100));
    assertEquals("ab\t\b\b\b\b\b\bz\r\n", shown());
  }

  @Test
  void literalNextTakesMeaningAway() throws ErrnoException {
    type("\026\003\n");
    assertEquals("\003\n", readLine(100));
    assertEquals("^\b^C\r\n", shown());
    assertTrue(signals.isEmpty());
  }

  @Test
  void endOfFileEndsALineWithoutBeingPartOfIt() throws ErrnoException {
    type("abc\004");
    assertEquals("abc", readLine(3));
    assertFalse(input.hasLine());
    type("\004");
    assertTrue(input.hasLine());
    assertEquals("", readLine(10));
    assertFalse(input.hasLine());
  }

  @Test
  void interruptForgetsTheLineAndSignals() throws ErrnoException {
    type("abc\003d\n");
    assertEquals(List.of(LineDiscipline.SIGINT), signals);
    assertEquals("d\n", readLine(10));
    assertEquals("abc^Cd\r\n", shown());
  }

  @Test
  void aLineThatIsTooLongKeepsItsEnd() throws ErrnoException {
    type("z".repeat(5000) + "\n");
    String line = readLine(6000);
    assertTrue(line.length() > 4000 && line.length() <= InputBuffer.SIZE);
    assertEquals('\n', line.charAt(line.length() - 1));
  }

  @Test
  void utf8CharactersAreErasedWhole() throws ErrnoException {
    Termios d = Termios.DEFAULT;
    discipline.setTermios(new Termios(d.iflag() | Termios.IUTF8, d.oflag(), d.cflag(), d.lflag(), 0, d.cc(), 0, 0));
    type("\u00c3\u00a9\u007fq\n");
    assertEquals("q\n", readLine(10));
    assertEquals("\u00c3\u00a9\b \bq\r\n", shown());
  }
}
