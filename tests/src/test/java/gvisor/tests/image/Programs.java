package gvisor.tests.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs programs of the host for tests. */
final class Programs {
  /**
   * How a program ended.
   *
   * @param exitCode its exit code, or -1 when it was ended for taking too long
   */
  record Result(int exitCode, String out, String err) {}

  private Programs() {}

  /** Runs {@code command} in {@code directory}; a program that takes longer than {@code seconds} is ended. */
  static Result run(Path directory, Map<String, String> environment, int seconds, List<String> command)
      throws IOException, InterruptedException {
    Path out = Files.createTempFile("out", null);
    Path err = Files.createTempFile("err", null);
    try {
      ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
      builder.environment().putAll(environment);
      builder.redirectInput(new java.io.File("/dev/null"));
      builder.redirectOutput(out.toFile());
      builder.redirectError(err.toFile());
      Process process = builder.start();
      int code = -1;
      if (process.waitFor(seconds, TimeUnit.SECONDS)) {
        code = process.exitValue();
      } else {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
      }
      return new Result(code, text(out), text(err));
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }

  private static String text(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }
}
