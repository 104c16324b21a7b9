package gvisor.host;

import gvisor.api.errno.ErrnoException;
import java.util.List;

/**
 * A process of the host that stands for one in a sandbox: it ends with it and with its exit code, and signals sent to it go
 * on to it. It outlives the command that starts it, and is some hundred bytes of machine code, {@link HolderProgram}.
 */
public final class Holder {
  private Holder() {}

  /**
   * Starts it.
   *
   * @param program file that holds {@link HolderProgram}
   * @param name what the list of processes shows beside the program
   * @param connection to the sandbox, where it is about to be waited for; stays the caller's
   * @param terminal whose changes of size it is to pass on as SIGWINCH, or null; stays the caller's
   */
  public static Child start(String program, String name, Fd connection, Fd terminal) throws ErrnoException {
    Spawn spawn = new Spawn(program, List.of(program, name))
        .newSession()
        .closeStdio()
        .filter(HolderProgram.filter())
        .fd(connection, HolderProgram.CONNECTION_FD);
    if (terminal != null) {
      spawn.fd(terminal, 0).controllingTerminal();
    }
    if (Confinement.isAdministrator()) {
      spawn.capabilities(0);
    }
    return spawn.start();
  }
}
