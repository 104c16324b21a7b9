package gvisor.runsc.container;

import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.api.errno.ErrnoException;
import gvisor.host.Child;
import gvisor.host.Fd;
import gvisor.host.ScmSocket;
import gvisor.host.Spawn;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.control.ControlConnection;
import gvisor.runsc.control.Message;
import gvisor.runsc.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code exec --detach} leaves a host process behind that ends with the process in the sandbox and with its exit code:
 * containerd knows an exec'ed process by such a number and waits for it. The holder is this same command, told by its
 * environment which descriptor is the connection to who started it.
 */
public final class ExecHolder {
  private static final String VARIABLE = "GVISOR_EXEC_HOLDER";
  private static final int FIRST_PRESERVED = 3;
  private static final int O_RDWR = 2;

  private ExecHolder() {}

  /** Whether this process is the holder. */
  public static boolean isHolder() {
    return System.getenv(VARIABLE) != null;
  }

  /**
   * Starts this same command as a holder and waits until its process runs; the holder's process id.
   *
   * @param terminal the process has a terminal, so the holder has no use for this command's standard files
   * @param preserved how many descriptors from 3 on are for the process
   */
  public static long start(boolean terminal, int preserved) throws CommandFailure {
    try {
      List<String> command = ownCommandLine();
      List<String> environment = new ArrayList<>();
      System.getenv().forEach((name, value) -> environment.add(name + "=" + value));
      int parent = FIRST_PRESERVED + preserved;
      environment.add(VARIABLE + "=" + parent);
      ScmSocket[] pair = ScmSocket.pair(ScmSocket.STREAM);
      Child holder;
      try (ScmSocket childEnd = pair[1];
          Fd nothing = Fd.open("/dev/null", O_RDWR, 0)) {
        Spawn spawn =
            new Spawn(System.getProperty("java.home") + "/bin/java", command)
                .environment(environment)
                .newSession()
                .fd(childEnd.fd(), parent);
        for (int number = FIRST_PRESERVED; number < parent; number++) {
          spawn.fd(Fd.adopt(number), number);
        }
        if (terminal) {
          spawn.fd(nothing, 0).fd(nothing, 1).fd(nothing, 2);
        }
        holder = spawn.start();
      }
      try (ControlConnection connection = new ControlConnection(pair[0])) {
        Message message = connection.receive();
        if (message == null) {
          throw new CommandFailure("the process could not be started", holder.waitFor());
        }
        if (message.body().has("error")) {
          holder.waitFor();
          throw new CommandFailure(
              message.body().path("error").asText(), message.body().path("exitCode").asInt(CommandFailure.FAILED));
        }
        return holder.pid();
      }
    } catch (ErrnoException | IOException e) {
      throw new CommandFailure("cannot start a process to wait for the new one: " + e.getMessage());
    }
  }

  /** In a holder: tells that the process runs. */
  public static void reportStarted() {
    report(Json.object().put("ok", true));
  }

  /** In a holder: tells that the process could not be started. */
  public static void reportFailure(CommandFailure failure) {
    report(Json.object().put("error", failure.getMessage()).put("exitCode", failure.exitCode()));
  }

  private static int parent() {
    return Integer.parseInt(System.getenv(VARIABLE));
  }

  private static void report(ObjectNode message) {
    if (!isHolder()) {
      return;
    }
    try (ControlConnection connection = new ControlConnection(ScmSocket.adopt(Fd.adopt(parent())))) {
      connection.send(message, List.of());
    } catch (IOException e) {
      System.err.println("runsc: " + e.getMessage()); // Who asked has gone; the process runs all the same.
    }
  }

  private static List<String> ownCommandLine() throws IOException {
    String text = new String(Files.readAllBytes(Path.of("/proc/self/cmdline")), StandardCharsets.UTF_8);
    return List.of(text.split("\0"));
  }
}
