package gvisor.runsc.container;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.ScmSocket;
import gvisor.host.Terminal;
import gvisor.runsc.CommandFailure;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The standard files of a process that is about to start in a sandbox: this command's own, or a terminal. With a
 * terminal the sandbox gets one descriptor, in raw mode, because line editing and signals are its own terminal's work.
 * Closing puts the caller's terminal back to what it was.
 */
public final class Stdio implements AutoCloseable {
  private static final int STREAM_BUFFER = 16 << 10;
  private static final int FIRST_PRESERVED = 3;

  /** More would not fit into one message to the sandbox. */
  private static final int MAX_PRESERVED = 48;

  private final List<Fd> files = new ArrayList<>();
  private final List<Integer> numbers = new ArrayList<>();

  /** The descriptor whose window size is the user's, or null. */
  private Fd window;

  private Fd rawTerminal;
  private byte[] modeBefore;
  private Fd primary;
  private Thread outputCopier;

  private Stdio() {}

  /** This command's standard files, those that are open. */
  public static Stdio inherited() {
    Stdio stdio = new Stdio();
    stdio.addInherited(0, FIRST_PRESERVED - 1);
    return stdio;
  }

  /**
   * Adds {@code count} descriptors from 3 on, as {@code --preserve-fds} has it.
   *
   * @throws CommandFailure when one is not open: it would be taken by something that nobody meant
   */
  public Stdio preserving(int count) throws CommandFailure {
    if (count < 0 || count > MAX_PRESERVED) {
      throw new CommandFailure("--preserve-fds=" + count + " is not from 0 to " + MAX_PRESERVED);
    }
    for (int number = FIRST_PRESERVED; number < FIRST_PRESERVED + count; number++) {
      if (!isInherited(number)) {
        throw new CommandFailure("--preserve-fds=" + count + ": descriptor " + number + " is not open");
      }
    }
    addInherited(FIRST_PRESERVED, FIRST_PRESERVED + count - 1);
    return this;
  }

  /** Whether the caller left it open; the VM has files of its own image open, too. */
  private static boolean isInherited(int number) {
    try {
      return !Files.readSymbolicLink(Path.of("/proc/self/fd/" + number)).startsWith(System.getProperty("java.home"));
    } catch (IOException e) {
      return false;
    }
  }

  private void addInherited(int first, int last) {
    for (int number = first; number <= last; number++) {
      Fd own = Fd.adopt(number);
      try {
        Fd copy = own.duplicate();
        files.add(copy);
        numbers.add(number);
      } catch (ErrnoException e) {
        continue; // Closed here, closed there.
      }
    }
  }

  /**
   * A new terminal whose other side goes to who listens on {@code consoleSocket}, as containerd wants it.
   *
   * @param rows its height from the start, and {@code columns} its width; 0 for unknown
   */
  public static Stdio console(String consoleSocket, int rows, int columns) throws CommandFailure {
    Stdio stdio = new Stdio();
    try {
      Terminal.Pair pair = Terminal.openPair();
      try (ScmSocket socket = ScmSocket.connect(consoleSocket, ScmSocket.STREAM);
          Fd ours = pair.primary()) {
        Terminal.makeRaw(pair.secondary());
        if (rows > 0 && columns > 0) {
          Terminal.setWindowSize(pair.secondary(), rows, columns);
        }
        socket.send(MemorySegment.ofArray("/dev/ptmx".getBytes(StandardCharsets.US_ASCII)), List.of(ours));
      }
      stdio.window = pair.secondary().duplicate();
      stdio.addTerminal(pair.secondary());
      return stdio;
    } catch (ErrnoException e) {
      throw new CommandFailure("console socket " + consoleSocket + ": " + e.errno().message());
    }
  }

  /**
   * The terminal of whoever started this command; if standard input is none, a new terminal that is fed from standard
   * input and drained to standard output.
   */
  public static Stdio foregroundTerminal() throws CommandFailure {
    Stdio stdio = new Stdio();
    Fd input = Fd.adopt(0);
    try {
      if (input.isTerminal()) {
        Fd copy = input.duplicate();
        stdio.rawTerminal = copy;
        stdio.window = copy;
        stdio.modeBefore = Terminal.makeRaw(copy);
        stdio.addTerminal(copy);
      } else {
        Terminal.Pair pair = Terminal.openPair();
        Terminal.makeRaw(pair.secondary());
        stdio.primary = pair.primary();
        stdio.addTerminal(pair.secondary());
        stdio.startCopying();
      }
      return stdio;
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot set up the terminal: " + e.errno().message());
    }
  }

  private void addTerminal(Fd terminal) {
    files.add(terminal);
    numbers.add(0);
  }

  /** Descriptors to send. */
  public List<Fd> files() {
    return files;
  }

  /** Tells in {@code request} which descriptors these are. */
  public void describe(ObjectNode request) {
    ArrayNode list = request.putArray("stdio");
    numbers.forEach(list::add);
  }

  /** The terminal whose window size is the user's, or null; stays this object's. */
  public Fd window() {
    return window;
  }

  /** Whether there is a terminal whose size is to be followed. */
  public boolean hasWindow() {
    return window != null;
  }

  /** Rows in the upper and columns in the lower 16 bits; 0 when there is no terminal or it does not say. */
  public int windowSize() {
    try {
      return window == null ? 0 : Terminal.windowSize(window);
    } catch (ErrnoException e) {
      return 0;
    }
  }

  /** Called when the sandbox has the descriptors: copies kept here would hold pipes open. */
  public void handedOver() {
    for (Fd file : files) {
      if (file != rawTerminal) {
        file.close();
      }
    }
    files.clear();
  }

  private void startCopying() {
    Thread inputCopier = new Thread(() -> copy(Fd.adopt(0), primary), "terminal-input");
    inputCopier.setDaemon(true);
    inputCopier.start();
    outputCopier = new Thread(() -> copy(primary, Fd.adopt(1)), "terminal-output");
    outputCopier.setDaemon(true);
    outputCopier.start();
  }

  /** Copies until the end or an error: a terminal whose other side is gone gives EIO. */
  private static void copy(Fd from, Fd to) {
    byte[] buffer = new byte[STREAM_BUFFER];
    MemorySegment segment = MemorySegment.ofArray(buffer);
    try {
      for (long n = from.readWaiting(segment); n > 0; n = from.readWaiting(segment)) {
        for (long done = 0; done < n; ) {
          done += to.writeWaiting(segment.asSlice(done, n - done));
        }
      }
    } catch (ErrnoException e) {
      return;
    }
  }

  @Override
  public void close() {
    handedOver();
    if (outputCopier != null) {
      try {
        outputCopier.join(1000); // Ends when the sandbox's side is closed and everything is copied.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    if (modeBefore != null) {
      try {
        Terminal.restore(rawTerminal, modeBefore);
      } catch (ErrnoException e) {
        System.err.println("runsc: cannot restore the terminal: " + e.getMessage());
      }
      rawTerminal.close();
    }
  }
}
