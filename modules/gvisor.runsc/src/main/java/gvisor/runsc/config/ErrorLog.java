package gvisor.runsc.config;

import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.runsc.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * The file of {@code --log}: Docker, containerd and podman take the last line of level error from it to say why a
 * command failed. Lines have the fields of runc's log.
 */
public final class ErrorLog {
  /** Level of what ends a command. */
  public static final String ERROR = "error";

  /** Level of what a command goes on with. */
  public static final String WARNING = "warning";

  private ErrorLog() {}

  /** Appends one error to {@code file}. A log that cannot be written must not hide the error it was about. */
  public static void append(String file, Config.LogFormat format, String message) {
    append(file, format, ERROR, message);
  }

  /** Tells of what does not stop a command: in the log if there is one, where programs read it, else to people. */
  public static void warn(Config config, String message) {
    if (config.log().isEmpty()) {
      System.err.println("runsc: warning: " + message);
    } else {
      append(config.log(), config.logFormat(), WARNING, message);
    }
  }

  /** Appends a line of level {@link #ERROR} or {@link #WARNING}. */
  public static void append(String file, Config.LogFormat format, String level, String message) {
    String time = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
    byte[] line =
        switch (format) {
          case JSON -> {
            ObjectNode record = Json.object();
            record.put("level", level).put("msg", message).put("time", time);
            yield (new String(Json.write(record), StandardCharsets.UTF_8) + "\n").getBytes(StandardCharsets.UTF_8);
          }
          case TEXT ->
              ("time=\"" + time + "\" level=" + level + " msg=" + quoted(message) + "\n").getBytes(StandardCharsets.UTF_8);
        };
    try {
      Files.write(Path.of(file), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      System.err.println("runsc: cannot write the log " + file + ": " + e.getMessage());
    }
  }

  private static String quoted(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
  }
}
