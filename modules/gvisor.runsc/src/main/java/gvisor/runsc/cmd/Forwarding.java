package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.container.Containers;
import gvisor.runsc.container.ControlClient;
import gvisor.runsc.container.Stdio;
import java.util.List;
import sun.misc.Signal;

/**
 * While a command waits in the foreground: signals it gets go on to the process it waits for, and a new size of its
 * terminal to that one's terminal.
 */
final class Forwarding {
  /** What a supervisor or a shell sends. QUIT is the VM's own, and the rest ends the VM or cannot be caught. */
  private static final List<String> SIGNALS = List.of("TERM", "INT", "HUP", "USR2", "ALRM", "CONT");

  private final Containers containers;
  private final String id;
  private final int pid;
  private final Stdio stdio;
  private volatile boolean stopped;

  Forwarding(Containers containers, String id, int pid, Stdio stdio) {
    this.containers = containers;
    this.id = id;
    this.pid = pid;
    this.stdio = stdio;
    for (String name : SIGNALS) {
      try {
        Signal.handle(new Signal(name), signal -> forward(signal.getNumber()));
      } catch (IllegalArgumentException e) {
        continue; // The VM keeps it for itself.
      }
    }
    if (stdio.hasWindow()) {
      // Who holds the terminal may give it its first size only now.
      Signal.handle(new Signal("WINCH"), signal -> resize());
      resize(); // It may have changed since the container was made.
    }
  }

  /** Signals do nothing from now on. */
  void stop() {
    stopped = true;
  }

  private void forward(int signal) {
    if (stopped) {
      return;
    }
    try (ControlClient client = containers.connectDirectly(id)) {
      client.call(client.request("signal").put("pid", pid).put("signal", signal).put("all", false));
    } catch (CommandFailure e) {
      // It has just ended; the command is about to notice.
    }
  }

  private void resize() {
    int size = stdio.windowSize();
    if (stopped || size == 0) {
      return;
    }
    try (ControlClient client = containers.connectDirectly(id)) {
      client.call(client.request("resize").put("pid", pid).put("rows", size >>> 16).put("columns", size & 0xffff));
    } catch (CommandFailure e) {
      // It has just ended; the command is about to notice.
    }
  }
}
