package gvisor.runsc.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import gvisor.api.errno.ErrnoException;
import gvisor.gofer.AttachPoint;
import gvisor.gofer.Gofer;
import gvisor.gofer.HostAccess;
import gvisor.host.Fd;
import gvisor.host.OwnProcess;
import gvisor.host.P9Socket;
import gvisor.host.ScmSocket;
import gvisor.runsc.control.ControlConnection;
import gvisor.runsc.control.Message;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Entry point of a gofer process. Descriptor 3 is the connection to the command that started it. The one message says
 * what to serve and brings the connection to the Sentry and the file with the container's exit code.
 *
 * <p>The process lives as long as the Sentry's connection, which the Sentry closes when the container is over, and exits
 * with the container's exit code: for a container in the sandbox of another it is what managers know that one by and
 * wait for.
 */
public final class GoferMain {
  /** What is told of a container whose end nobody has written down: it went with its sandbox, as by SIGKILL. */
  private static final int KILLED = 137;

  private static final int MAX_DIGITS = 8;

  private GoferMain() {}

  /** Serves; never returns. */
  public static void main(String[] args) {
    int code;
    try {
      code = run(new ControlConnection(ScmSocket.adopt(Fd.adopt(SandboxMain.PARENT_FD))));
    } catch (Throwable e) {
      System.err.println("gofer: " + e);
      e.printStackTrace();
      code = 1;
    }
    OwnProcess.exit(code);
  }

  private static int run(ControlConnection parent) throws IOException {
    Message request = parent.receive();
    if (request == null || request.fds().size() != 2) {
      return 1; // Whoever started this gave up.
    }
    List<AttachPoint> points = new ArrayList<>();
    for (JsonNode point : request.body().path("attach")) {
      points.add(
          new AttachPoint(
              point.path("name").asText(), point.path("path").asText(), point.path("readOnly").asBoolean()));
    }
    exitCode(request.fds().get(1)); // There is nothing yet, but the classes for it cannot be found later.
    String place = request.body().path("emptyDirectory").asText();
    JsonNode reach = request.body().path("hostAccess");
    HostAccess access =
        new HostAccess(
            reach.path("connects").asBoolean(), reach.path("binds").asBoolean(), reach.path("fifos").asBoolean());
    try (Gofer gofer = new Gofer(Privileges.giveUpAllBut(points, place), access)) {
      List<Fd> listener = Privileges.restrictGoferCalls(access);
      parent.send(ControlServer.success(), listener);
      listener.forEach(Fd::close);
      parent.close();
      gofer.serve(new P9Socket(request.fds().getFirst()));
      return exitCode(request.fds().get(1));
    } catch (IOException e) {
      parent.send(ControlServer.failure(e), List.of());
      return 1;
    }
  }

  /** What the sandbox has written into {@code file} at the end of the container. */
  private static int exitCode(Fd file) {
    byte[] text = new byte[MAX_DIGITS];
    try {
      int length = (int) file.pread(MemorySegment.ofArray(text), 0);
      int code = 0;
      for (int i = 0; i < length; i++) {
        code = code * 10 + text[i] - '0';
      }
      return length <= 0 ? KILLED : code & 0xff;
    } catch (ErrnoException e) {
      return KILLED;
    }
  }
}
