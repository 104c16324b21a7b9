package gvisor.runsc.container;

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
    if (isAlive()) {
      ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  /** Waits until it no longer runs, at most {@code timeoutMillis}; returns whether it is gone. */
  public boolean awaitEnd(long timeoutMillis) {
    long deadline = System.nanoTime() + timeoutMillis * 1_000_000;
    while (isAlive()) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      try {
        // It need not be a child of ours, so there is nothing to wait on.
        Thread.sleep(2);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return true;
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
