package gvisor.host;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.util.ArrayList;
import java.util.List;

/**
 * The process that ends others when they make a system call that their filter does not allow, and writes down which:
 * {@code SECCOMP_RET_USER_NOTIF} of {@code man 2 seccomp}. It outlives the command that starts it, ends with the first
 * process that it watches, and is some hundred bytes of machine code, {@link WatcherProgram}. When there is none, such
 * a call fails with ENOSYS: it is never carried out.
 */
public final class Watcher {
  private static final int CAP_KILL = 5;

  private Watcher() {}

  /**
   * A process to watch.
   *
   * @param process the process
   * @param listener what its filter tells of calls, from {@link Confinement#watchSystemCalls}
   */
  public record Watched(Child process, Fd listener) {}

  /**
   * Starts it.
   *
   * @param program file that holds {@link WatcherProgram}
   * @param sandbox a sandbox, or null
   * @param gofer a gofer, or null
   * @param log what it writes to; stays the caller's, as the listeners do
   */
  public static Child start(String program, Watched sandbox, Watched gofer, Fd log) throws ErrnoException {
    List<Fd> opened = new ArrayList<>();
    Spawn spawn = new Spawn(program, List.of(program))
        .newSession()
        .closeStdio()
        .filter(WatcherProgram.filter())
        .fd(log, WatcherProgram.LOG_FD);
    try {
      add(spawn, sandbox, WatcherProgram.SANDBOX_FD, opened);
      add(spawn, gofer, WatcherProgram.GOFER_FD, opened);
      if (Confinement.isAdministrator()) {
        spawn.capabilities(1L << CAP_KILL); // the sandbox has another user
      }
      return spawn.start();
    } finally {
      opened.forEach(Fd::close);
    }
  }

  private static void add(Spawn spawn, Watched watched, int number, List<Fd> opened) throws ErrnoException {
    if (watched == null) {
      return;
    }
    Fd pidfd;
    try {
      pidfd = watched.process().pidfd();
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ESRCH) {
        return; // It has ended: there is nothing to watch.
      }
      throw e;
    }
    opened.add(pidfd);
    spawn.fd(watched.listener(), number).fd(pidfd, number + 1);
  }
}
