package gvisor.runsc.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import gvisor.gofer.AttachPoint;
import gvisor.gofer.Gofer;
import gvisor.host.Fd;
import gvisor.host.P9Socket;
import gvisor.host.ScmSocket;
import gvisor.runsc.control.ControlConnection;
import gvisor.runsc.control.Message;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Entry point of a gofer process. Descriptor 3 is the connection to the command that started it. The one message says
 * what to serve and brings the connection to the Sentry; the process lives as long as that connection.
 */
public final class GoferMain {
  private GoferMain() {}

  /** Serves; never returns. */
  public static void main(String[] args) {
    int code = 0;
    try {
      run(new ControlConnection(ScmSocket.adopt(Fd.adopt(SandboxMain.PARENT_FD))));
    } catch (Throwable e) {
      System.err.println("gofer: " + e);
      e.printStackTrace();
      code = 1;
    }
    Runtime.getRuntime().halt(code);
  }

  private static void run(ControlConnection parent) throws IOException {
    Message request = parent.receive();
    if (request == null || request.fds().size() != 1) {
      return; // Whoever started this gave up.
    }
    List<AttachPoint> points = new ArrayList<>();
    for (JsonNode point : request.body().path("attach")) {
      points.add(
          new AttachPoint(
              point.path("name").asText(), point.path("path").asText(), point.path("readOnly").asBoolean()));
    }
    String place = request.body().path("emptyDirectory").asText();
    try (Gofer gofer = new Gofer(Privileges.giveUpAllBut(points, place))) {
      Privileges.restrictGoferCalls();
      parent.send(ControlServer.success(), List.of());
      parent.close();
      gofer.serve(new P9Socket(request.fds().getFirst()));
    } catch (IOException e) {
      parent.send(ControlServer.failure(e), List.of());
    }
  }
}
