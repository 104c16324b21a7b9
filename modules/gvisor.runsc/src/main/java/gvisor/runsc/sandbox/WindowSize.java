package gvisor.runsc.sandbox;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.Terminal;
import java.util.function.BooleanSupplier;
import sun.misc.Signal;

/** Tells of changes of the size of terminals. */
final class WindowSize {
  /** Takes a new size. */
  interface Listener {
    void resized(int rows, int columns);
  }

  private static final long POLL_MILLIS = 500;

  private WindowSize() {}

  /**
   * Looks at the size of {@code terminal} every now and then, until it cannot be asked any more or {@code isOver}: a
   * process is told of changes of one terminal only, and {@link #follow} has taken that.
   */
  static void poll(Fd terminal, BooleanSupplier isOver, Listener listener) {
    try {
      int known = Terminal.windowSize(terminal);
      while (!isOver.getAsBoolean()) {
        Thread.sleep(POLL_MILLIS);
        int size = Terminal.windowSize(terminal);
        if (size != known) {
          known = size;
          listener.resized(size >>> 16, size & 0xffff);
        }
      }
    } catch (ErrnoException e) {
      // It has been closed: there is nobody left to tell.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Makes {@code terminal} this process' controlling terminal, if nobody controls it yet, and follows its size. Whoever
   * does control it has to tell of changes then.
   */
  static void follow(Fd terminal, Listener listener) {
    // A terminal that hangs up is for the application to notice, not for this process to die of.
    Signal.handle(new Signal("HUP"), signal -> {});
    try {
      Terminal.makeControlling(terminal);
    } catch (ErrnoException e) {
      return;
    }
    Signal.handle(
        new Signal("WINCH"),
        signal -> {
          try {
            int size = Terminal.windowSize(terminal);
            listener.resized(size >>> 16, size & 0xffff);
          } catch (ErrnoException e) {
            // It has been closed: there is nobody left to tell.
          }
        });
  }
}
