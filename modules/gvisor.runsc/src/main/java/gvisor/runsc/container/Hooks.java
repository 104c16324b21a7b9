package gvisor.runsc.container;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Child;
import gvisor.host.Fd;
import gvisor.host.Spawn;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.json.Json;
import gvisor.runsc.spec.Spec;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs the programs that a bundle wants run on the host; each reads the container's state on standard input. Source:
 * OCI Runtime Specification 1.2, config.md, "POSIX-platform Hooks".
 */
final class Hooks {
  private static final int SIGKILL = 9;
  private static final int OUTPUT_BUFFER = 4096;

  /** How long output may still come when the program itself has ended: it may have left children behind. */
  private static final long LAST_WORDS_MILLIS = 200;

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

  /** Null, or why it failed. */
  private static String run(Spec.Hook hook, ContainerState state) {
    // args[0] is the name that the program sees itself under, and some, Docker for one, do what that name says.
    List<String> argv = hook.args().isEmpty() ? List.of(hook.path()) : hook.args();
    try {
      Fd[] output = Fd.pipe();
      try (Fd outputEnd = output[0]) {
        Child child = start(hook, argv, state, output[1]);
        return end(hook, child, Output.of(outputEnd));
      }
    } catch (ErrnoException e) {
      return e.errno().message();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted";
    }
  }

  /** Starts it and hands it the state; {@code output} is closed. */
  private static Child start(Spec.Hook hook, List<String> argv, ContainerState state, Fd output)
      throws ErrnoException {
    Fd[] input = Fd.pipe();
    try (Fd inputEnd = input[1]) {
      Child child;
      try (Fd standardInput = input[0];
          Fd standardOutput = output) {
        child =
            new Spawn(hook.path(), argv)
                .environment(hook.env())
                .fd(standardInput, 0)
                .fd(standardOutput, 1)
                .fd(standardOutput, 2)
                .start();
      }
      try {
        inputEnd.writeWaiting(MemorySegment.ofArray(Json.write(state.toOci())));
      } catch (ErrnoException e) {
        // A hook need not read its input.
      }
      return child;
    }
  }

  private static String end(Spec.Hook hook, Child child, Output told) throws InterruptedException {
    Thread waiter = new Thread(child::waitFor, "hook");
    waiter.setDaemon(true);
    waiter.start();
    waiter.join(TimeUnit.SECONDS.toMillis(hook.timeoutSeconds())); // 0 is for ever, here as in the specification.
    if (waiter.isAlive()) {
      child.kill(SIGKILL);
      waiter.join();
      return "did not end within " + hook.timeoutSeconds() + " s";
    }
    int code = child.waitFor();
    if (code == 0) {
      return null;
    }
    told.reader().join(LAST_WORDS_MILLIS);
    String words = told.firstLine();
    return "exit code " + code + (words.isEmpty() ? "" : ": " + words);
  }

  /** What the program writes: read to the end so that it never waits for room, and the beginning kept. */
  private record Output(Thread reader, StringBuffer text) {
    static Output of(Fd from) {
      StringBuffer text = new StringBuffer();
      Thread reader = new Thread(() -> read(from, text), "hook-output");
      reader.setDaemon(true);
      reader.start();
      return new Output(reader, text);
    }

    private static void read(Fd from, StringBuffer text) {
      byte[] buffer = new byte[OUTPUT_BUFFER];
      try {
        for (long n = from.readWaiting(MemorySegment.ofArray(buffer));
            n > 0;
            n = from.readWaiting(MemorySegment.ofArray(buffer))) {
          if (text.length() < OUTPUT_BUFFER) {
            text.append(new String(buffer, 0, (int) n, StandardCharsets.UTF_8));
          }
        }
      } catch (ErrnoException e) {
        return; // Closed: nobody wants to know any more.
      }
    }

    String firstLine() {
      return text.toString().lines().map(String::strip).filter(line -> !line.isEmpty()).findFirst().orElse("");
    }
  }
}
