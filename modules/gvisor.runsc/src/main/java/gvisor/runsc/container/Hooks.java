package gvisor.runsc.container;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.json.Json;
import gvisor.runsc.spec.Spec;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs the programs that a bundle wants run on the host; each reads the container's state on standard input. */
final class Hooks {
  private Hooks() {}

  /** Runs them in order; the first failure ends it. */
  static void run(String point, List<Spec.Hook> hooks, ContainerState state) throws CommandFailure {
    for (int i = 0; i < hooks.size(); i++) {
      String failure = run(hooks.get(i), state);
      if (failure != null) {
        throw new CommandFailure("hooks." + point + "[" + i + "] (" + hooks.get(i).path() + "): " + failure);
      }
    }
  }

  /** Runs them all; failures are only told, because there is nothing left to undo. */
  static void runAll(String point, List<Spec.Hook> hooks, ContainerState state) {
    for (int i = 0; i < hooks.size(); i++) {
      String failure = run(hooks.get(i), state);
      if (failure != null) {
        System.err.println("runsc: hooks." + point + "[" + i + "] (" + hooks.get(i).path() + "): " + failure);
      }
    }
  }

  private static String run(Spec.Hook hook, ContainerState state) {
    List<String> command = new ArrayList<>();
    command.add(hook.path());
    // args[0] is the name the program would see itself under; ProcessBuilder gives it its path.
    command.addAll(hook.args().isEmpty() ? List.of() : hook.args().subList(1, hook.args().size()));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.to(new java.io.File("/dev/null")));
    builder.environment().clear();
    for (String variable : hook.env()) {
      int equals = variable.indexOf('=');
      if (equals > 0) {
        builder.environment().put(variable.substring(0, equals), variable.substring(equals + 1));
      }
    }
    try {
      Process process = builder.start();
      try (OutputStream input = process.getOutputStream()) {
        input.write(Json.write(state.toOci()));
      } catch (IOException e) {
        // A hook need not read its input.
      }
      if (hook.timeoutSeconds() > 0 && !process.waitFor(hook.timeoutSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return "did not end within " + hook.timeoutSeconds() + " s";
      }
      int code = process.waitFor();
      return code == 0 ? null : "exit code " + code;
    } catch (IOException e) {
      return e.getMessage();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted";
    }
  }
}
