package gvisor.runsc.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/**
 * Docker's {@code daemon.json}, as far as it names runtimes. Everything else in it stays as it is. What was there before
 * a change is kept in a file beside it, whose name ends in {@code ~}. One thread.
 */
public final class DockerDaemon {
  private static final long MAX_BYTES = 16 << 20;

  private final Path file;
  private final byte[] before;
  private final ObjectNode json;

  private DockerDaemon(Path file, byte[] before, ObjectNode json) {
    this.file = file;
    this.before = before;
    this.json = json;
  }

  /** Reads {@code file}; one that is absent or empty has no settings. */
  public static DockerDaemon read(Path file) throws CommandFailure {
    byte[] text;
    try {
      if (Files.exists(file) && Files.size(file) > MAX_BYTES) {
        throw new CommandFailure(file + " is larger than " + MAX_BYTES + " bytes");
      }
      text = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      return new DockerDaemon(file, new byte[0], Json.object());
    } catch (IOException e) {
      throw new CommandFailure(file + ": cannot be read: " + e.getMessage());
    }
    if (new String(text, StandardCharsets.UTF_8).isBlank()) {
      return new DockerDaemon(file, text, Json.object());
    }
    try {
      if (Json.read(text) instanceof ObjectNode object) {
        JsonNode runtimes = object.path("runtimes");
        if (!runtimes.isMissingNode() && !runtimes.isObject()) {
          throw new CommandFailure(file + ": runtimes is not an object");
        }
        return new DockerDaemon(file, text, object);
      }
    } catch (MalformedJsonException e) {
      throw new CommandFailure(file + ": " + e.getMessage());
    }
    throw new CommandFailure(file + ": is not a JSON object");
  }

  /** Names a runtime, whatever had its name before. */
  public void addRuntime(String name, Path program, List<String> flags) {
    ObjectNode runtimes = json.path("runtimes") instanceof ObjectNode there ? there : json.putObject("runtimes");
    ObjectNode runtime = runtimes.putObject(name).put("path", program.toString());
    if (!flags.isEmpty()) {
      ArrayNode arguments = runtime.putArray("runtimeArgs");
      flags.forEach(arguments::add);
    }
  }

  /**
   * Forgets a runtime; returns whether it was there.
   *
   * @throws CommandFailure when it is the default runtime, without which the daemon would not start again
   */
  public boolean removeRuntime(String name) throws CommandFailure {
    if (!(json.path("runtimes") instanceof ObjectNode runtimes) || !runtimes.has(name)) {
      return false;
    }
    if (json.path("default-runtime").asText().equals(name)) {
      throw new CommandFailure(file + ": " + name + " is its default-runtime: change that first");
    }
    runtimes.remove(name);
    if (runtimes.isEmpty()) {
      json.remove("runtimes");
    }
    return true;
  }

  /** Writes the settings, whole or not at all, if they differ from what the file has; returns whether they do. */
  public boolean save() throws CommandFailure {
    byte[] text = (new String(Json.writeIndented(json), StandardCharsets.UTF_8).strip() + "\n")
        .getBytes(StandardCharsets.UTF_8);
    try {
      if (before.length > 0 && json.equals(Json.read(before))) {
        return false;
      }
      // A link stays one: what it leads to is what is replaced.
      Path target = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
      Files.createDirectories(target.getParent());
      Path fresh = target.resolveSibling("." + target.getFileName() + ".new");
      Files.deleteIfExists(fresh);
      Files.write(fresh, text);
      Files.setPosixFilePermissions(
          fresh,
          Files.exists(target)
              ? Files.getPosixFilePermissions(target)
              : PosixFilePermissions.fromString("rw-r--r--"));
      if (Files.exists(target)) {
        Files.copy(target, backup(), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
      }
      Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
      return true;
    } catch (MalformedJsonException e) {
      throw new CommandFailure(file + ": " + e.getMessage());
    } catch (IOException e) {
      throw new CommandFailure(file + ": cannot be written: " + e.getMessage());
    }
  }

  private Path backup() {
    return file.toAbsolutePath().resolveSibling(file.getFileName() + "~");
  }
}
