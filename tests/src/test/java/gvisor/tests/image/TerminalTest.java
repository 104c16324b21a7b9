package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A shell on a terminal in a container, as a person at the keyboard has it. {@code script(1)} is the terminal. */
class TerminalTest {
  private static final long SECONDS = 60;

  /**
   * What the shell shows when it reads the next line itself. An end of file typed before that is for nobody: as Linux has
   * it, it is a null byte once the shell has left canonical mode. So a test ends at the prompt.
   */
  private static final String PROMPT = "# ";

  @TempDir Path directory;

  private Process terminal;
  private Thread reader;

  /** What is on the screen; guarded by itself. */
  private final StringBuilder screen = new StringBuilder();

  @BeforeEach
  void startShell() throws Exception {
    Path bundle = Files.createDirectory(directory.resolve("bundle"));
    Image.Container container = new Image.Container(RootFileSystems.get("busybox"), List.of("/bin/sh"));
    Files.writeString(
        bundle.resolve("config.json"), Image.config(container).replace("\"terminal\": false", "\"terminal\": true"));
    String command =
        "stty rows 30 cols 90; exec " + Image.RUNSC + " --root " + directory.resolve("state") + " run --bundle " + bundle
            + " t" + ProcessHandle.current().pid();
    terminal =
        new ProcessBuilder("script", "-qefc", command, "/dev/null").redirectErrorStream(true).start();
    reader = new Thread(this::read);
    reader.start();
    await(PROMPT);
  }

  @AfterEach
  void stop() throws Exception {
    if (terminal == null) {
      // There was no root file system to start it in.
      return;
    }
    terminal.getOutputStream().close();
    boolean ended = terminal.waitFor(SECONDS, TimeUnit.SECONDS);
    terminal.destroyForcibly();
    reader.join();
    assertTrue(ended, () -> "the shell outlives its terminal's input; it shows \"" + screen + "\"");
  }

  private void read() {
    byte[] bytes = new byte[4096];
    try (InputStream in = terminal.getInputStream()) {
      int n = in.read(bytes);
      while (n >= 0) {
        synchronized (screen) {
          screen.append(new String(bytes, 0, n, StandardCharsets.ISO_8859_1));
          screen.notifyAll();
        }
        n = in.read(bytes);
      }
    } catch (IOException e) {
      // The terminal is gone, and so is what it would have shown.
      return;
    }
  }

  private void type(String keys) throws IOException {
    synchronized (screen) {
      screen.setLength(0);
    }
    terminal.getOutputStream().write(keys.getBytes(StandardCharsets.ISO_8859_1));
    terminal.getOutputStream().flush();
  }

  /** Waits until the screen shows {@code text} since something was last typed. */
  private void await(String text) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    synchronized (screen) {
      while (screen.indexOf(text) < 0) {
        long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        assertTrue(left > 0, () -> "never saw \"" + text + "\" in \"" + screen + "\"");
        screen.wait(left);
      }
    }
  }

  @Test
  void theTerminalHasANameAndASize() throws Exception {
    type("tty; stty size\r");
    await("/dev/pts/0");
    await("30 90");
    await(PROMPT);
  }

  @Test
  void controlCEndsTheJobAndNotTheShell() throws Exception {
    type("sleep 1000; echo code $((100 + $?))\r");
    await("sleep 1000");
    // The shell takes a moment to put the job into the foreground.
    Thread.sleep(500);
    type("\003");
    await("^C");
    type("echo alive\r");
    await("\nalive");
    await(PROMPT);
  }

  @Test
  void controlZStopsTheJob() throws Exception {
    type("sleep 1000\r");
    Thread.sleep(500);
    type("\032");
    await("Stopped");
    // The shell does not wait for a stopped job, and does not end while it believes that it has one.
    type("kill -9 %1; while jobs > /tmp/jobs; grep -q Stopped /tmp/jobs; do :; done; echo $((40 + 2))\r");
    await("42");
    await(PROMPT);
  }

  @Test
  void whatIsTypedCanBeEdited() throws Exception {
    type("cat\r");
    Thread.sleep(500);
    type("abx\177c\r");
    await("\nabc");
    type("\004");
    await(PROMPT);
  }

  @Test
  void theShellsExitCodeIsTheCommands() throws Exception {
    type("exit 5\r");
    assertTrue(terminal.waitFor(SECONDS, TimeUnit.SECONDS));
    assertEquals(5, terminal.exitValue());
  }
}
