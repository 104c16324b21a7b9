package gvisor.runsc.log;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.message.Message;
import org.apache.logging.log4j.message.SimpleMessage;

/**
 * Where records go and from which level on. Set up once, before the process gives up its files; without that, warnings
 * and worse go to standard error.
 */
public final class Log {
  private static volatile Level level = Level.WARN;
  private static volatile OutputStream target;

  private Log() {}

  /**
   * Sets what is logged.
   *
   * @param debug whether debug records are written
   * @param file a file, or with a slash at its end a directory; {@code %ID%}, {@code %COMMAND%} and {@code
   *     %TIMESTAMP%} in it are replaced; "" for standard error
   */
  public static void setUp(boolean debug, String file, String id, String command) throws IOException {
    OutputStream stream = null;
    if (!file.isEmpty()) {
      Path path = fileName(file, id, command);
      if (path.getParent() != null) {
        Files.createDirectories(path.getParent());
      }
      stream = new FileOutputStream(path.toFile(), true);
    }
    setUp(debug, stream, id, command);
  }

  /** Sets what is logged, to {@code stream}, or to standard error if that is null. */
  public static void setUp(boolean debug, OutputStream stream, String id, String command) {
    if (debug) {
      level = Level.DEBUG;
    }
    target = stream;
    if (debug || target != null) {
      // What the log itself reads from files, it has to read before there are none.
      Core.write(Log.class.getName(), Level.DEBUG, new SimpleMessage("log of " + command + " of container " + id), null);
    }
  }

  static Path fileName(String file, String id, String command) {
    String time = LocalDateTime.now().format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss.SSSSSS"));
    String pattern = file.endsWith("/") ? file + "runsc.log.%TIMESTAMP%.%COMMAND%.txt" : file;
    return Path.of(pattern.replace("%ID%", id).replace("%COMMAND%", command).replace("%TIMESTAMP%", time));
  }

  /** The least severe level that is written. */
  static Level level() {
    return level;
  }

  /** Writes a record. */
  static void write(String logger, Level level, Message message, Throwable thrown) {
    if (Log.level == Level.DEBUG || target != null) {
      Core.write(logger, level, message, thrown);
      return;
    }
    // The rare warning of a process that nobody debugs is not worth log4j's core.
    System.err.println(level + " " + logger + ": " + message.getFormattedMessage());
    if (thrown != null) {
      thrown.printStackTrace();
    }
  }

  static OutputStream target() {
    OutputStream set = target;
    return set != null ? set : System.err;
  }
}
