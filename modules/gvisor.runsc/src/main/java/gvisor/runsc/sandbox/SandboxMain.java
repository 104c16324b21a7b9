package gvisor.runsc.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostNetwork;
import gvisor.api.platform.Platform;
import gvisor.api.platform.PlatformProvider;
import gvisor.host.Fd;
import gvisor.host.LinuxHost;
import gvisor.host.LinuxNetwork;
import gvisor.host.MemFd;
import gvisor.host.OwnProcess;
import gvisor.host.ScmSocket;
import gvisor.runsc.control.ControlConnection;
import gvisor.runsc.control.Message;
import gvisor.runsc.json.Json;
import gvisor.runsc.log.DescriptorStream;
import gvisor.runsc.log.Log;
import gvisor.sentry.boot.Sentry;
import gvisor.sentry.boot.SentryOptions;
import java.io.IOException;
import java.util.List;
import org.apache.logging.log4j.LogManager;

/**
 * Entry point of the sandbox process. Descriptor 3 is the connection to the command that started it; everything else
 * (listening socket, gofers, standard files) arrives over it.
 *
 * <p>The first message is {@code boot}. The process lives until the first container's first process has ended, and
 * exits with that one's status, because what started it may wait for just this.
 */
public final class SandboxMain {
  /** The descriptor a child of {@link SandboxProcess} finds its parent's connection on. */
  static final int PARENT_FD = 3;

  private static final int INTERNAL_ERROR = 128;

  /** Sockets of the host that applications may have at a time. */
  private static final int MAX_HOST_SOCKETS = 32_768;

  private SandboxMain() {}

  /** Runs the sandbox; never returns. */
  public static void main(String[] args) {
    int code;
    try {
      code = run(new ControlConnection(ScmSocket.adopt(Fd.adopt(PARENT_FD))));
    } catch (Throwable e) {
      System.err.println("sandbox: " + e);
      e.printStackTrace();
      code = INTERNAL_ERROR;
    }
    OwnProcess.exit(code);
  }

  private static int run(ControlConnection parent) throws IOException, InterruptedException {
    Message boot = parent.receive();
    if (boot == null) {
      return INTERNAL_ERROR; // Whoever started this gave up before saying what for.
    }
    Sentry sentry;
    MemFd memory;
    List<Fd> listener;
    try {
      JsonNode settings = boot.body();
      boolean debug = settings.path("debug").asBoolean();
      String id = settings.path("id").asText();
      // After the listening socket: with the host's network, the connection to who makes sockets; maybe a log.
      boolean hostNetwork = settings.path("hostNetwork").asBoolean();
      int log = hostNetwork ? 2 : 1;
      if (boot.fds().size() > log) {
        Log.setUp(debug, new DescriptorStream(boot.fds().get(log)), id, "boot");
      } else {
        Log.setUp(debug, settings.path("debugLog").asText(), id, "boot");
      }
      // The first record loads what logging needs, time zones for one, while there still are files.
      LogManager.getLogger(SandboxMain.class).debug("sandbox {} boots", id);
      memory = MemFd.create("sandbox", MemFd.DEFAULT_SIZE);
      PlatformProvider provider = Platforms.choose(settings.path("platform").asText());
      HostNetwork network = hostNetwork ? new LinuxNetwork(ScmSocket.adopt(boot.fds().get(1)), MAX_HOST_SOCKETS) : null;
      sentry = boot(settings, provider, memory, network);
      listener = Privileges.restrictCalls(provider.name(), hostNetwork);
    } catch (ErrnoException e) {
      IOException told = new IOException("cannot make the sandbox's memory: " + e.getMessage());
      parent.send(ControlServer.failure(told), List.of());
      return INTERNAL_ERROR;
    } catch (IOException e) {
      parent.send(ControlServer.failure(e), List.of());
      return INTERNAL_ERROR;
    }
    parent.send(ControlServer.success(), listener);
    listener.forEach(Fd::close);
    ControlServer server = new ControlServer(sentry, memory);
    if (!boot.fds().isEmpty()) {
      server.listen(ScmSocket.adopt(boot.fds().getFirst()), owner(parent));
    }
    server.serveParent(parent);
    // The end of the process frees what a close would; the applications' processes end with it.
    return server.awaitRootContainer();
  }

  /** Who started this process, as its user namespace names them. */
  private static int owner(ControlConnection parent) throws IOException {
    try {
      return parent.socket().peer().uid();
    } catch (ErrnoException e) {
      throw new IOException("cannot tell who started the sandbox: " + e.getMessage());
    }
  }

  private static Sentry boot(JsonNode request, PlatformProvider provider, MemFd memory, HostNetwork network)
      throws IOException {
    try {
      LinuxHost host = new LinuxHost(network);
      Platform platform = provider.opensFiles() ? provider.open(memory) : null;
      Privileges.giveUpFiles(request.path("debug").asBoolean());
      if (platform == null) {
        platform = provider.open(memory);
      }
      SentryOptions options =
          new SentryOptions(
              request.path("strace").asBoolean(),
              request.path("memoryLimitBytes").asLong(0),
              host.processorCount());
      return Sentry.boot(platform, memory, host, options);
    } catch (ErrnoException e) {
      throw new IOException("cannot read the host's clocks: " + e.getMessage());
    }
  }

  /** An empty request of kind {@code op}. */
  static com.fasterxml.jackson.databind.node.ObjectNode request(String op) {
    return Json.object().put("op", op);
  }
}
