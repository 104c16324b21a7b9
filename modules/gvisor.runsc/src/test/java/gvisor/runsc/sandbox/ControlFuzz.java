package gvisor.runsc.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import gvisor.api.host.HostFd;
import gvisor.api.mem.MemoryFile;
import gvisor.host.Fd;
import gvisor.host.ScmSocket;
import gvisor.runsc.control.ControlConnection;
import gvisor.runsc.control.Message;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import gvisor.sentry.boot.ContainerSpec;
import gvisor.sentry.boot.ProcessSpec;
import gvisor.sentry.boot.Sentry;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/**
 * Fuzz target: what a peer of the control socket sends, descriptors with it. The first byte says how many descriptors;
 * with an even second byte the rest chooses a request and changes its text, with an odd one it is the stream itself. The
 * server answers or hangs up, has no internal error, and keeps no descriptor.
 */
public final class ControlFuzz {
  private static final String[] REQUESTS = {
    "{\"op\": \"start\", \"id\": \"c\"}",
    "{\"op\": \"exec\", \"id\": \"c\", \"stdio\": [0, 1, 2], \"process\": {\"args\": [\"x\"], \"cwd\": \"/\"}}",
    "{\"op\": \"wait\", \"id\": \"c\", \"pid\": 3}",
    "{\"op\": \"signal\", \"id\": \"c\", \"pid\": 1, \"signal\": 9, \"all\": true}",
    "{\"op\": \"ps\", \"id\": \"c\"}",
    "{\"op\": \"pause\", \"id\": \"c\"}",
    "{\"op\": \"resume\", \"id\": \"c\"}",
    "{\"op\": \"resize\", \"id\": \"c\", \"pid\": 1, \"rows\": 3, \"columns\": 4}",
    "{\"op\": \"detach\"}",
    "{\"op\": \"create\", \"id\": \"c\", \"stdio\": [0], \"spec\": {\"ociVersion\": \"1.0.2\", \"root\": {\"path\": \"/\"}}}",
    "{\"op\": \"create\", \"id\": \"d\", \"stdio\": [0], \"spec\": {\"ociVersion\": \"1.0.2\", \"root\": {\"path\": \"/\"},"
        + " \"process\": {\"args\": [\"x\"], \"cwd\": \"/\"}}}"
  };

  private static final String[] PIECES = {"", "null", "-1", "[]", "{}", "\"\"", "99999999999", "[0,0]", "true", "\"x\"", "}"};

  private static final int CHANGE = 3;

  private static final MemoryFile MEMORY = fake(MemoryFile.class, (proxy, method, args) -> 0L);

  /** A kernel that does everything at once, and gives back what it gets. */
  private static final Sentry SENTRY =
      fake(
          Sentry.class,
          (proxy, method, args) -> {
            for (Object argument : args == null ? new Object[0] : args) {
              if (argument instanceof ContainerSpec container) {
                container.gofer().close();
                close(container.process().stdio());
              } else if (argument instanceof ProcessSpec process) {
                close(process.stdio());
              }
            }
            return method.getReturnType() == int.class ? 1 : method.getReturnType() == List.class ? List.of() : null;
          });

  private ControlFuzz() {}

  private static <T> T fake(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private static void close(HostFd[] files) {
    for (HostFd file : files) {
      if (file != null) {
        file.close();
      }
    }
  }

  /** Runs one input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    if (input.length < 4) {
      return;
    }
    // What the first input leaves open may be a library's.
    if (leavesDescriptors(input) && leavesDescriptors(input)) {
      throw new IllegalStateException("descriptors are left behind");
    }
  }

  private static boolean leavesDescriptors(byte[] input) throws Exception {
    int before = descriptors();
    ScmSocket[] pair = ScmSocket.pair(ScmSocket.STREAM);
    try (ScmSocket mine = pair[0];
        Fd file = Fd.open("/dev/null", 2, 0)) {
      List<Fd> fds = new ArrayList<>();
      for (int i = input[0] & 7; i > 0; i--) {
        fds.add(file);
      }
      if ((input[1] & 1) != 0) {
        mine.send(MemorySegment.ofArray(input).asSlice(2), fds);
      } else {
        new ControlConnection(mine).send(request(input), fds);
      }
    } catch (MalformedJsonException e) {
      pair[1].close();
      return false;
    }
    int created = 0;
    try (ControlConnection connection = new ControlConnection(pair[1])) {
      ControlServer server = new ControlServer(SENTRY, MEMORY);
      for (Message m = connection.receive(); m != null; m = connection.receive()) {
        JsonNode answer = server.answer(m, new HashSet<>());
        if (answer.path("error").asText().startsWith("internal error")) {
          throw new IllegalStateException(answer + " for " + m.body());
        }
        // The file for the exit code of the first container is kept.
        created = answer.has("ok") && m.body().path("op").asText().equals("create") ? 1 : created;
      }
    } catch (IOException e) {
      // It hung up.
    }
    return descriptors() > before + created;
  }

  private static JsonNode request(byte[] input) throws MalformedJsonException {
    StringBuilder text = new StringBuilder(REQUESTS[(input[2] & 0xff) % REQUESTS.length]);
    for (int at = 3; at + CHANGE <= input.length && at < 40; at += CHANGE) {
      int place = (input[at] & 0xff) % (text.length() + 1);
      text.replace(place, Math.min(text.length(), place + (input[at + 1] & 7)),
          PIECES[(input[at + 2] & 0xff) % PIECES.length]);
    }
    return Json.read(text.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static int descriptors() {
    return Path.of("/proc/self/fd").toFile().list().length;
  }
}
