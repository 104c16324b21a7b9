package gvisor.runsc.container;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.json.Json;
import gvisor.runsc.spec.Spec;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs the programs that a bundle wants run in the container before its first process ({@code config.md},
 * "StartContainer Hooks"). As under runc each has the rights, directory and limits of that process, its environment
 * unless the hook has one, and the container's state on standard input, in which the process id is that of the container.
 */
final class InnerHooks {
  private static final int SIGKILL = 9;

  /** The first process' id, as it and its hooks see it. */
  private static final int INIT_PID = 1;

  private final ContainerState state;
  private final JsonNode process;
  private final Connector sandbox;

  /** Makes connections to the sandbox. */
  interface Connector {
    ControlClient connect() throws CommandFailure;
  }

  /** @param process the bundle's {@code process} */
  InnerHooks(ContainerState state, JsonNode process, Connector sandbox) {
    this.state = state;
    this.process = process;
    this.sandbox = sandbox;
  }

  /** Runs them in order; the first failure ends it. */
  void run(String point, List<Spec.Hook> hooks) throws CommandFailure {
    for (int i = 0; i < hooks.size(); i++) {
      String failure;
      try {
        failure = run(hooks.get(i));
      } catch (CommandFailure e) {
        failure = e.getMessage();
      } catch (ErrnoException e) {
        failure = e.errno().message();
      }
      if (failure != null) {
        throw new CommandFailure(Hooks.described(point, i, hooks.get(i), failure));
      }
    }
  }

  /** Why it failed, or null. */
  private String run(Spec.Hook hook) throws CommandFailure, ErrnoException {
    byte[] text = Json.write(state.toOci().put("pid", INIT_PID));
    Fd[] input = Fd.pipe();
    Fd[] output;
    try {
      output = Fd.pipe();
    } catch (ErrnoException e) {
      input[0].close();
      input[1].close();
      throw e;
    }
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    try (ControlClient client = sandbox.connect()) {
      try (Fd theirInput = input[0];
          Fd theirOutput = output[1]) {
        client.send(request(client, hook), List.of(theirInput, theirOutput, theirOutput));
      }
      Hooks.startThread(() -> Hooks.feed(input[1], text));
      Thread reader = Hooks.startThread(() -> Hooks.drain(output[0], said));
      int pid = client.answer().path("pid").asInt();
      return outcome(hook, client, pid, reader, said);
    }
  }

  private ObjectNode request(ControlClient client, Spec.Hook hook) {
    ObjectNode request = client.request("hook").put("file", hook.path());
    ObjectNode changed = process.deepCopy();
    changed.put("terminal", false);
    changed.remove("consoleSize");
    strings(changed.putArray("args"), hook.args().isEmpty() ? List.of(hook.path()) : hook.args());
    if (!hook.env().isEmpty()) {
      strings(changed.putArray("env"), hook.env());
    }
    request.set("process", changed);
    request.putArray("stdio").add(0).add(1).add(2);
    return request;
  }

  private static void strings(ArrayNode array, List<String> texts) {
    texts.forEach(array::add);
  }

  private String outcome(Spec.Hook hook, ControlClient client, int pid, Thread reader, ByteArrayOutputStream said)
      throws CommandFailure {
    long timeoutMillis = TimeUnit.SECONDS.toMillis(hook.timeoutSeconds());
    if (timeoutMillis > 0) {
      client.within(timeoutMillis);
    }
    long start = System.nanoTime();
    JsonNode answer;
    try {
      answer = client.call(client.request("wait").put("pid", pid));
    } catch (CommandFailure e) {
      if (timeoutMillis == 0 || TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start) < timeoutMillis) {
        throw e;
      }
      try (ControlClient other = sandbox.connect()) {
        other.call(other.request("signal").put("pid", pid).put("signal", SIGKILL));
      }
      return "did not end within " + hook.timeoutSeconds() + " s";
    }
    int code = Containers.exitCode(answer);
    return code == 0 ? null : Hooks.failure(code, reader, said);
  }
}
