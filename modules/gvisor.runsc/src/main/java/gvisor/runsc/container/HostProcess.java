package gvisor.runsc.container;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.host.Pidfd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A process of the host, told apart from a later one with the same number by when it started.
 *
 * @param pid its number, or 0 for none
 * @param startTicks clock ticks from boot to its start: field 22 of {@code man 5 proc_pid_stat}
 */
public record HostProcess(long pid, long startTicks) {
  /** No process. */
  public static final HostProcess NONE = new HostProcess(0, 0);

  private static final int SIGKILL = 9;

  /** The process that has number {@code pid} now. */
  public static HostProcess of(long pid) {
    String[] stat = readStat(pid);
    return stat == null ? NONE : new HostProcess(pid, Long.parseLong(stat[19]));
  }

  /** Whether it still runs; a zombie does not. */
  public boolean isAlive() {
    if (pid == 0) {
      return false;
    }
    String[] stat = readStat(pid);
    return stat != null
        && !stat[0].equals("Z")
        && !stat[0].equals("X")
        && Long.parseLong(stat[19]) == startTicks;
  }

  /** Sends SIGKILL if it still runs. */
  public void kill() {
    try (Pidfd process = open()) {
      if (process != null) {
        process.kill(SIGKILL);
      }
    } catch (ErrnoException e) {
      // It has just ended, or is somebody's whom this user may not kill: awaitEnd tells.
    }
  }

  /** Waits until it no longer runs, at most {@code timeoutMillis}; returns whether it is gone. */
  public boolean awaitEnd(int timeoutMillis) {
    try (Pidfd process = open()) {
      return process == null || process.awaitEnd(timeoutMillis);
    } catch (ErrnoException e) {
      return !isAlive();
    }
  }

  /** The process, or null if it is gone. What has its number was looked at after it was opened, so it is this one. */
  private Pidfd open() throws ErrnoException {
    if (pid == 0) {
      return null;
    }
    Pidfd process;
    try {
      process = Pidfd.open(Math.toIntExact(pid));
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ESRCH) {
        return null;
      }
      throw e;
    }
    String[] stat = readStat(pid);
    if (stat != null && Long.parseLong(stat[19]) == startTicks) {
      return process;
    }
    process.close();
    return null;
  }

  /** The fields from the third on (state is the first), or null if there is no such process. */
  private static String[] readStat(long pid) {
    try {
      String text = new String(Files.readAllBytes(Path.of("/proc/" + pid + "/stat")), StandardCharsets.ISO_8859_1);
      // The name in parentheses may hold spaces and parentheses of its own.
      return text.substring(text.lastIndexOf(')') + 2).split(" ");
    } catch (IOException e) {
      return null;
    }
  }
}
