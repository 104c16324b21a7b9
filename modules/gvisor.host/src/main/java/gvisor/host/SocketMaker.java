package gvisor.host;

import gvisor.api.errno.ErrnoException;
import gvisor.host.libc.FileSys;
import gvisor.host.seccomp.SocketMakerFilter;
import java.io.IOException;
import java.util.List;

/**
 * The process that makes a sandbox' sockets in a network namespace of the host, and binds and connects them: {@link
 * SocketMakerProgram}, a page of machine code. The Sentry reaches it through {@link LinuxNetwork}; it ends when that
 * connection does.
 */
public final class SocketMaker {
  private static final int CAP_NET_BIND_SERVICE = 10, CAP_NET_RAW = 13;
  private static final int RLIMIT_CORE = 4, RLIMIT_NOFILE = 7;

  /** What is on its way to the Sentry counts for all processes of a user together, and is compared with this. */
  private static final long MAX_DESCRIPTORS = 1 << 20;

  private SocketMaker() {}

  /** Loads what starting it takes. */
  public static void prepare() {
    SocketMakerFilter.program(false);
  }

  /**
   * Starts it.
   *
   * @param program file that holds {@link SocketMakerProgram}
   * @param label a second argument, for people who look at the list of processes
   * @param connection its end of a pair of {@link ScmSocket#SEQPACKET}; stays the caller's
   * @param network the network namespace to make sockets in, or null for the caller's; stays the caller's
   * @param lowPorts whether it may bind ports below 1024
   * @param raw whether it makes raw sockets for ICMP
   * @param controlGroups what it is born into, for whose memory sockets count: {@link Spawn#controlGroups}
   */
  public static Child start(String program, String label, Fd connection, Fd network, boolean lowPorts, boolean raw,
      List<Fd> controlGroups) throws ErrnoException, IOException {
    boolean isAdministrator = Confinement.isAdministrator();
    long capabilities = isAdministrator ? (lowPorts ? 1L << CAP_NET_BIND_SERVICE : 0) | (raw ? 1L << CAP_NET_RAW : 0) : 0;
    try (Fd file = Fd.open(program, FileSys.O_PATH, 0)) {
      Spawn spawn = new Spawn(program, List.of(program, label))
          .namespaces(Confinement.NAMESPACES & ~Spawn.CLONE_NEWNET)
          .controlGroups(controlGroups)
          .newSession()
          .closeStdio()
          .limit(RLIMIT_CORE, 0)
          .limit(RLIMIT_NOFILE, Math.min(Confinement.hardLimit(RLIMIT_NOFILE), MAX_DESCRIPTORS))
          .capabilities(capabilities)
          .filter(SocketMakerFilter.program(raw))
          .fd(connection, SocketMakerProgram.CONNECTION_FD)
          .fd(file, Seclusion.PROGRAM_FD);
      if (!isAdministrator) {
        spawn.userNamespace(IdMaps.callerAsRoot());
      }
      if (network != null) {
        spawn.joinNetwork(network);
      }
      // Not the owner of the sandbox' user namespace, to whom the kernel would give every capability over its network.
      boolean canBeNobody = isAdministrator && IdMaps.isUser(Confinement.NOBODY);
      return spawn.secluded(canBeNobody ? Confinement.NOBODY : -1, capabilities).start();
    }
  }
}
