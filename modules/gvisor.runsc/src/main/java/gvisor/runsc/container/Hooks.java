package gvisor.runsc.container;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Child;
import gvisor.host.Fd;
import gvisor.host.Spawn;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.json.Json;
import gvisor.runsc.spec.Spec;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Runs the programs that a bundle wants run on the host ({@code config.md}, "POSIX-platform Hooks"); each reads the
 * container's state on standard input. A hook without an environment of its own gets this command's, as with runc.
 */
final class Hooks {
  private static final int SIGKILL = 9;
  private static final int O_RDWR = 2;

  /** How much of what a hook says goes into the message about its failure. */
  private static final int OUTPUT_SHOWN = 1024;

  /** How long a hook's output is waited for when the hook has ended and left it open to others. */
  private static final long OUTPUT_MILLIS = 200;

  private Hooks() {}

  /** Runs them in order; the first failure ends it. */
  static void run(String point, List<Spec.Hook> hooks, ContainerState state) throws CommandFailure {
    for (int i = 0; i < hooks.size(); i++) {
      String failure = run(hooks.get(i), state);
      if (failure != null) {
        throw new CommandFailure(described(point, i, hooks.get(i), failure));
      }
    }
  }

  /** Runs them all; failures are only told, because there is nothing left to undo. */
  static void runAll(String point, List<Spec.Hook> hooks, ContainerState state, Consumer<String> warnings) {
    for (int i = 0; i < hooks.size(); i++) {
      String failure = run(hooks.get(i), state);
      if (failure != null) {
        warnings.accept(described(point, i, hooks.get(i), failure));
      }
    }
  }

  static String described(String point, int index, Spec.Hook hook, String failure) {
    return "hooks." + point + "[" + index + "] (" + hook.path() + "): " + failure;
  }

  /** Why it failed, or null. */
  private static String run(Spec.Hook hook, ContainerState state) {
    byte[] stateJson = Json.write(state.toOci());
    try {
      Fd[] input = Fd.pipe();
      Fd[] output = Fd.pipe();
      Child child;
      try (Fd nothing = Fd.open("/dev/null", O_RDWR, 0)) {
        // The program sees itself under args[0], whatever its path is: Docker's own hook is known by it.
        List<String> argv = hook.args().isEmpty() ? List.of(hook.path()) : hook.args();
        child =
            new Spawn(hook.path(), argv)
                .environment(environment(hook))
                .fd(input[0], 0)
                .fd(nothing, 1)
                .fd(output[1], 2)
                .start();
      } catch (ErrnoException e) {
        input[1].close();
        output[0].close();
        return e.errno().message();
      } finally {
        input[0].close();
        output[1].close();
      }
      startThread(() -> feed(input[1], stateJson));
      ByteArrayOutputStream said = new ByteArrayOutputStream();
      Thread reader = startThread(() -> drain(output[0], said));
      return outcome(hook, child, reader, said);
    } catch (ErrnoException e) {
      return e.errno().message();
    }
  }

  private static String outcome(Spec.Hook hook, Child child, Thread reader, ByteArrayOutputStream said) {
    CountDownLatch ended = new CountDownLatch(1);
    boolean[] late = new boolean[1];
    if (hook.timeoutSeconds() > 0) {
      startThread(
          () -> {
            try {
              if (!ended.await(hook.timeoutSeconds(), TimeUnit.SECONDS)) {
                late[0] = true;
                child.kill(SIGKILL);
              }
            } catch (InterruptedException e) {
              return;
            }
          });
    }
    int code = child.waitFor();
    ended.countDown();
    if (late[0]) {
      return "did not end within " + hook.timeoutSeconds() + " s";
    }
    if (code == 0) {
      return null;
    }
    return failure(code, reader, said);
  }

  /** What is told of a program that has ended with an exit code other than 0. */
  static String failure(int code, Thread reader, ByteArrayOutputStream said) {
    try {
      reader.join(OUTPUT_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    String text;
    synchronized (said) {
      text = said.toString(StandardCharsets.UTF_8).strip().replaceAll("\\s*\\R\\s*", "; ");
    }
    String how = code > 128 ? "killed by signal " + (code - 128) : "exit code " + code;
    return text.isEmpty() ? how : how + ": " + text;
  }

  private static List<String> environment(Spec.Hook hook) {
    if (!hook.env().isEmpty()) {
      return hook.env();
    }
    List<String> own = new ArrayList<>();
    System.getenv().forEach((name, value) -> own.add(name + "=" + value));
    return own;
  }

  static Thread startThread(Runnable work) {
    Thread thread = new Thread(work, "hook");
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  static void feed(Fd input, byte[] text) {
    try {
      for (int done = 0; done < text.length; ) {
        done += Math.toIntExact(input.writeWaiting(MemorySegment.ofArray(text).asSlice(done)));
      }
    } catch (ErrnoException e) {
      return; // A hook need not read its input.
    } finally {
      input.close();
    }
  }

  static void drain(Fd output, ByteArrayOutputStream said) {
    byte[] buffer = new byte[4096];
    try {
      for (long n = output.readWaiting(MemorySegment.ofArray(buffer));
          n > 0;
          n = output.readWaiting(MemorySegment.ofArray(buffer))) {
        synchronized (said) {
          said.write(buffer, 0, Math.min((int) n, OUTPUT_SHOWN - Math.min(said.size(), OUTPUT_SHOWN)));
        }
      }
    } catch (ErrnoException e) {
      return;
    } finally {
      output.close();
    }
  }
}
