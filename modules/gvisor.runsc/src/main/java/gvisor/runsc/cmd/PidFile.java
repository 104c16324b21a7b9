package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The file of {@code --pid-file}. */
final class PidFile {
  private PidFile() {}

  /** Writes {@code pid} to {@code file}, whole or not at all; nothing if {@code file} is "". */
  static void write(String file, long pid) throws CommandFailure {
    if (file.isEmpty()) {
      return;
    }
    Path path = Path.of(file).toAbsolutePath();
    Path fresh = path.resolveSibling("." + path.getFileName() + ".new");
    try {
      Files.writeString(fresh, Long.toString(pid));
      Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new CommandFailure("--pid-file " + file + ": " + e.getMessage());
    }
  }
}
