package gvisor.runsc.sandbox;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.host.Terminal;
import sun.misc.Signal;

/** Tells of changes of the size of the one terminal that this process controls. */
final class WindowSize {
  /** Takes a new size. */
  interface Listener {
    void resized(int rows, int columns);
  }

  private WindowSize() {}

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
