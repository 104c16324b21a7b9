package gvisor.runsc.cgroup;

import gvisor.runsc.CommandFailure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Reads and writes the files of a control group. */
final class ControlFile {
  private ControlFile() {}

  /** Writes {@code value}; what cannot be is told with the field of the specification that asked for it. */
  static void write(Path file, String value, String field) throws CommandFailure {
    try {
      Files.write(file, value.getBytes(StandardCharsets.US_ASCII), StandardOpenOption.WRITE);
    } catch (NoSuchFileException e) {
      throw new CommandFailure(field + ": this host has no " + file + ", so it cannot be limited; see --ignore-cgroups");
    } catch (IOException e) {
      throw new CommandFailure(field + ": cannot write " + value.strip() + " to " + file + ": " + reason(e));
    }
  }

  /** Writes if the host allows; returns whether it did. */
  static boolean tryWrite(Path file, String value) {
    try {
      Files.write(file, value.getBytes(StandardCharsets.US_ASCII), StandardOpenOption.WRITE);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** The text without its end of line, or "". */
  static String read(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.US_ASCII).strip();
    } catch (IOException e) {
      return "";
    }
  }

  static String reason(IOException e) {
    return e instanceof FileSystemException f && f.getReason() != null ? f.getReason() : e.getMessage();
  }
}
