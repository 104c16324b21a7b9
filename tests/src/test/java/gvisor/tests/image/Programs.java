package gvisor.tests.image;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs programs of the host for tests. */
public final class Programs {
  /**
   * How a program ended.
   *
   * @param exitCode its exit code, or -1 when it was ended for taking too long
   */
  public record Result(int exitCode, String out, String err) {}

  private Programs() {}

  /**
   * Runs {@code command}, which leaves processes behind that keep its standard output and error: these are files, for a
   * pipe would be waited for until they end.
   */
  static Result runLeaving(int seconds, List<String> command) throws IOException, InterruptedException {
    Path out = Files.createTempFile("out", "");
    Path err = Files.createTempFile("err", "");
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(new File("/"))
              .redirectInput(new File("/dev/null"))
              .redirectOutput(ProcessBuilder.Redirect.appendTo(out.toFile()))
              .redirectError(ProcessBuilder.Redirect.appendTo(err.toFile()))
              .start();
      int code = -1;
      if (process.waitFor(seconds, TimeUnit.SECONDS)) {
        code = process.exitValue();
      } else {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
      }
      return new Result(code, Files.readString(out), Files.readString(err));
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }

  /** Runs {@code command} in {@code directory}; a program that takes longer than {@code seconds} is ended. */
  public static Result run(Path directory, Map<String, String> environment, int seconds, List<String> command)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().putAll(environment);
    builder.redirectInput(new File("/dev/null"));
    // Pipes, not files: a program that opens its standard output once more would truncate a file.
    Process process = builder.start();
    Collector out = new Collector(process.getInputStream());
    Collector err = new Collector(process.getErrorStream());
    int code = -1;
    if (process.waitFor(seconds, TimeUnit.SECONDS)) {
      code = process.exitValue();
    } else {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
    }
    return new Result(code, out.text(), err.text());
  }

  /** Reads a stream to its end on a thread of its own. */
  private static final class Collector {
    /** What a child left behind may hold the pipe; its output is not waited for longer. */
    private static final long PATIENCE_MILLIS = 5000;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final Thread thread;

    Collector(InputStream stream) {
      thread =
          Thread.ofPlatform()
              .daemon()
              .start(
                  () -> {
                    try {
                      stream.transferTo(bytes);
                    } catch (IOException e) {
                      return; // The process was ended.
                    }
                  });
    }

    String text() throws InterruptedException {
      thread.join(PATIENCE_MILLIS);
      return bytes.toString(StandardCharsets.UTF_8);
    }
  }
}
