package gvisor.sentry.boot;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.Host;
import gvisor.api.host.HostFd;
import gvisor.api.host.NetworkSnapshot;
import gvisor.api.mem.MemoryFile;
import gvisor.api.platform.Platform;
import gvisor.sentry.syscall.CompatibilityPage;
import gvisor.sentry.syscall.SyscallTable;
import gvisor.sentry.syscall.linux.Amd64;
import java.io.IOException;
import java.util.List;

/**
 * A running kernel, as the runtime sees it. Thread-safe. Containers are named by their OCI id; processes by their pid
 * in the container's PID namespace, or by 0 for a container's first one.
 */
public interface Sentry extends AutoCloseable {
  /** Boots a kernel on {@code platform}. */
  static Sentry boot(Platform platform, MemoryFile memory, Host host, SentryOptions options) throws IOException {
    return new KernelSentry(platform, memory, host, options);
  }

  /** What of Linux's system calls this kernel has, in Markdown: {@code docs/compatibility.md}. */
  static String compatibilityPage() {
    SyscallTable table = new SyscallTable();
    Amd64.fill(table);
    return CompatibilityPage.render(table);
  }

  /** A process of a container, for {@code ps}. */
  record ProcessInfo(int pid, int ppid, int uid, String command, long startRealtimeNanos, long cpuNanos, int threads) {}

  /**
   * Makes a container: mounts, namespaces and its first process, not yet running.
   *
   * @throws IOException whose message names the field, file and reason in one line; a missing or not executable
   *     {@code process.args[0]} is a {@link StartException} with runc's exit code
   */
  void create(ContainerSpec spec) throws IOException;

  /** What applications that use the host's network see of it; without sockets of the host, nothing happens. */
  void setNetwork(NetworkSnapshot snapshot);

  /** Lets the first process run. */
  void start(String container) throws IOException;

  /** Starts one more process in a running container; its pid. */
  int exec(String container, ProcessSpec process) throws IOException;

  /** Starts a process in a container whose first process is there and does not run yet; its pid. */
  int execBeforeStart(String container, ProcessSpec process) throws IOException;

  /** Waits for a process' end: its wait status ({@code man 2 wait}). Any number may wait, before or after the end. */
  int waitFor(String container, int pid) throws IOException, InterruptedException;

  /**
   * Sends a signal to a process, or to all of the container.
   *
   * @throws ErrnoException ESRCH when there is none
   */
  void signal(String container, int pid, int signal, boolean all) throws ErrnoException;

  /**
   * What a container uses.
   *
   * @param memoryLimitBytes 0 for no limit
   * @param oomKills processes that were killed because memory was at its limit
   * @param pids processes and threads
   * @param pidsLimit 0 for no limit
   */
  record Usage(long memoryBytes, long memoryLimitBytes, long oomKills, long userNanos, long systemNanos, int pids,
      long pidsLimit) {}

  /** What a container uses now. */
  Usage usage(String container) throws IOException;

  /** The limits of a container. */
  Limits limits(String container) throws IOException;

  /** Changes the limits of a container. More in use than a new limit allows is as if it were used after. */
  void setLimits(String container, Limits limits) throws IOException;

  /** The processes of a container, in pid order. */
  List<ProcessInfo> processes(String container);

  /** A terminal of a container's process has a new size. */
  void resize(String container, int pid, int rows, int columns);

  /** Stops every task of a container at the next boundary, or lets them run again. */
  void setPaused(String container, boolean paused);

  /** Kills what is left of a container, gives back its mounts, closes the connection to its gofer, and forgets it. */
  void destroy(String container);

  /** Names of {@link HostFd}s and other resources are given back; every task is dead. */
  @Override
  void close();

  /** A process could not be started: what {@code exec} in a shell would exit with. */
  final class StartException extends IOException {
    private static final long serialVersionUID = 1L;
    private final int exitCode;

    /** @param exitCode 126 or 127, as runc and a shell have it */
    public StartException(String message, int exitCode) {
      super(message);
      this.exitCode = exitCode;
    }

    public int exitCode() {
      return exitCode;
    }
  }
}
