package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.container.Stdio;
import gvisor.runsc.spec.Spec;

/** Which terminal a process gets. */
final class Consoles {
  private Consoles() {}

  /** Refuses a console socket without a terminal, and a detached process with a terminal nobody would hold. */
  private static void check(boolean terminal, String consoleSocket, boolean detached) throws CommandFailure {
    if (!terminal && !consoleSocket.isEmpty()) {
      throw new CommandFailure("--console-socket is for a process with a terminal: process.terminal is false");
    }
    if (terminal && detached && consoleSocket.isEmpty()) {
      throw new CommandFailure("process.terminal is true: name who holds the terminal with --console-socket");
    }
  }

  /**
   * The files a process starts with.
   *
   * @param process the object of the specification
   * @param detached nobody waits for it here, so that a terminal must be somebody else's
   * @param preserved how many descriptors from 3 on it gets beside its standard files
   */
  static Stdio open(Spec.Process process, String consoleSocket, boolean detached, int preserved)
      throws CommandFailure {
    boolean terminal = process.terminal();
    check(terminal, consoleSocket, detached);
    Stdio stdio;
    if (!terminal) {
      stdio = Stdio.inherited();
    } else {
      stdio =
          consoleSocket.isEmpty()
              ? Stdio.foregroundTerminal()
              : Stdio.console(consoleSocket, process.consoleHeight(), process.consoleWidth());
    }
    try {
      return stdio.preserving(preserved);
    } catch (CommandFailure e) {
      stdio.close();
      throw e;
    }
  }
}
