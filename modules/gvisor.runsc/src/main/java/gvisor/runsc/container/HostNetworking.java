package gvisor.runsc.container;

import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.NetworkSnapshot;
import gvisor.host.Child;
import gvisor.host.Confinement;
import gvisor.host.Fd;
import gvisor.host.NetworkNamespace;
import gvisor.host.ScmSocket;
import gvisor.host.SocketMaker;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.control.NetworkMessage;
import gvisor.runsc.json.Json;
import gvisor.runsc.spec.Spec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * {@code --network=host}: the process that makes a sandbox' sockets, in the network namespace that the bundle names, in
 * that of the sandbox where the bundle wants a new one (which engines then furnish), or else in the caller's. A file in
 * the container's directory says which process that is.
 *
 * @param connection what the sandbox asks it over
 */
public record HostNetworking(Fd connection) implements AutoCloseable {
  private static final String FILE = "network";
  private static final int CAP_NET_BIND_SERVICE = 10, CAP_NET_RAW = 13;
  private static final int O_RDONLY = 0;
  private static final int END_MILLIS = 2000;

  /**
   * Starts it.
   *
   * @param directory the container's
   * @param network the network namespace that {@code spec} names by a path, or null
   * @param sandbox the sandbox' process
   * @param raw whether raw sockets are made for applications that may have them
   */
  static HostNetworking start(
      Path directory, Spec spec, Fd network, int sandbox, boolean raw, List<Fd> controlGroups)
      throws CommandFailure {
    String program = System.getProperty("java.home") + "/lib/socketmaker";
    Spec.Capabilities sets = spec.process().capabilities();
    boolean lowPorts = (sets.bounding() & 1L << CAP_NET_BIND_SERVICE) != 0;
    boolean anyRaw = raw && (sets.bounding() & 1L << CAP_NET_RAW) != 0;
    try (Fd own = network == null ? ownNamespace(spec, sandbox) : null) {
      if (own != null) {
        NetworkNamespace.raiseLoopback(own);
      }
      setSysctls(spec, own == null ? network : own);
      ScmSocket[] pair = ScmSocket.pair(ScmSocket.SEQPACKET);
      try (ScmSocket makerEnd = pair[1]) {
        Fd joined = network == null ? own : network;
        Child maker =
            SocketMaker.start(
                program, directory.toString(), makerEnd.fd(), joined, lowPorts, anyRaw, controlGroups);
        HostProcess process = HostProcess.of(maker.pid());
        Files.writeString(directory.resolve(FILE), process.pid() + " " + process.startTicks());
        return new HostNetworking(pair[0].fd());
      } catch (ErrnoException | IOException e) {
        pair[0].close();
        throw e;
      }
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot start " + program + ": " + e.errno().message());
    } catch (IOException e) {
      throw new CommandFailure("cannot start " + program + ": " + e.getMessage());
    }
  }

  /** The new namespace that the bundle asks for: the sandbox has it, whose process engines know. Null for none. */
  private static Fd ownNamespace(Spec spec, int sandbox) throws CommandFailure, ErrnoException {
    for (Spec.Namespace namespace : spec.linux().namespaces()) {
      if (namespace.type().equals("network")) {
        if (!Confinement.isAdministrator()) {
          throw new CommandFailure(
              "--network=host: only root can put sockets into another network namespace; leave \"network\" out of "
                  + "linux.namespaces for the caller's, or use --network=none");
        }
        return namespaceOf(HostProcess.of(sandbox));
      }
    }
    return null;
  }

  /** Loads what this takes, for a run of the build that need not be root's. */
  public static void prepare() throws CommandFailure {
    try {
      SocketMaker.prepare();
      NetworkMessage.write(NetworkNamespace.snapshot(null), Json.object());
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot look into the network namespace: " + e.errno().message());
    }
  }

  /** Waits for the end of who makes sockets, which comes with the sandbox' own. */
  static void awaitEnd(Path directory) {
    HostProcess maker = process(directory);
    if (maker != null && !maker.awaitEnd(END_MILLIS)) {
      maker.kill();
    }
  }

  /** {@code linux.sysctl}, as far as it is about the network: the host's kernel acts on it. */
  private static void setSysctls(Spec spec, Fd namespace) throws CommandFailure {
    for (Map.Entry<String, String> sysctl : spec.linux().sysctl().entrySet()) {
      String name = sysctl.getKey();
      if (!name.startsWith("net.") && !name.startsWith("net/")) {
        continue;
      }
      if (namespace == null) {
        throw new CommandFailure("linux.sysctl." + name + ": the container has the caller's network namespace");
      }
      String path = "/proc/sys/" + (name.startsWith("net/") ? name : swapped(name));
      try {
        if (path.contains("..")) {
          throw Errno.ENOENT.error();
        }
        NetworkNamespace.setSysctl(namespace, path, sysctl.getValue());
      } catch (ErrnoException e) {
        throw new CommandFailure("linux.sysctl." + name + ": " + e.errno().message());
      }
    }
  }

  /** What is between dots may have dots, which are written as slashes: {@code man 8 sysctl}. */
  private static String swapped(String name) {
    StringBuilder path = new StringBuilder(name);
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      path.setCharAt(i, c == '.' ? '/' : c == '/' ? '.' : c);
    }
    return path.toString();
  }

  /** Tells a sandbox that has the host's network what there is in it: now, when engines have furnished it. */
  static void describe(Path directory, ControlClient client) throws CommandFailure {
    HostProcess maker = process(directory);
    if (maker == null) {
      return;
    }
    NetworkSnapshot snapshot;
    try {
      // Without privileges there is no other namespace than the caller's.
      try (Fd namespace = Confinement.isAdministrator() ? namespaceOf(maker) : null) {
        snapshot = NetworkNamespace.snapshot(namespace);
      }
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot look into the container's network namespace: " + e.errno().message());
    }
    ObjectNode request = client.request("network");
    NetworkMessage.write(snapshot, request);
    client.call(request);
  }

  private static Fd namespaceOf(HostProcess process) throws ErrnoException {
    return Fd.open("/proc/" + process.pid() + "/ns/net", O_RDONLY, 0);
  }

  private static HostProcess process(Path directory) {
    try {
      String[] fields = Files.readString(directory.resolve(FILE), StandardCharsets.US_ASCII).split(" ");
      return new HostProcess(Long.parseLong(fields[0]), Long.parseLong(fields[1]));
    } catch (IOException | NumberFormatException e) {
      return null;
    }
  }

  @Override
  public void close() {
    connection.close();
  }
}
