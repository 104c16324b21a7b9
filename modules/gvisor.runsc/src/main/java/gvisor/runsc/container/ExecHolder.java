package gvisor.runsc.container;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Child;
import gvisor.host.Fd;
import gvisor.host.Holder;
import gvisor.runsc.CommandFailure;
import java.util.List;

/**
 * {@code exec --detach} leaves a host process behind that ends with the process in the sandbox and with its exit code:
 * containerd knows an exec'ed process by such a number and waits for it.
 */
public final class ExecHolder {
  private ExecHolder() {}

  /**
   * Starts a holder for a process that was started over {@code client}, which it takes over; returns its process id.
   *
   * @param pid the process' id in its container
   * @param terminal the process' terminal, or null
   */
  public static long start(ControlClient client, String id, int pid, Fd terminal) throws CommandFailure {
    String program = System.getProperty("java.home") + "/lib/holder";
    Child holder;
    try {
      holder = Holder.start(program, id, client.socket(), terminal);
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot start " + program + ": " + e.errno().message());
    }
    // Whose end is the process' end, from now on; the answer is for the holder.
    client.send(client.request("wait").put("pid", pid).put("owner", holder.pid()), List.of());
    return holder.pid();
  }
}
