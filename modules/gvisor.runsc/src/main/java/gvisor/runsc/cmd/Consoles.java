package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.container.Stdio;

/** Which terminal a process gets. */
final class Consoles {
  private Consoles() {}

  /** Refuses a console socket without a terminal, and a detached process with a terminal nobody would hold. */
  static void check(boolean terminal, String consoleSocket, boolean detached) throws CommandFailure {
    if (!terminal && !consoleSocket.isEmpty()) {
      throw new CommandFailure("--console-socket is for a process with a terminal: process.terminal is false");
    }
    if (terminal && detached && consoleSocket.isEmpty()) {
      throw new CommandFailure("process.terminal is true: name who holds the terminal with --console-socket");
    }
  }

  /** The standard files of a process that this command waits for, or detaches from. */
  static Stdio open(boolean terminal, String consoleSocket) throws CommandFailure {
    if (!terminal) {
      return Stdio.inherited();
    }
    return consoleSocket.isEmpty() ? Stdio.foregroundTerminal() : Stdio.console(consoleSocket);
  }
}
