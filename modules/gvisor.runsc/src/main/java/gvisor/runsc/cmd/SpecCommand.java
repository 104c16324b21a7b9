package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.json.Json;
import gvisor.runsc.spec.DefaultSpec;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** {@code spec}: writes a config.json to start from. */
final class SpecCommand extends Command {
  private String bundle = ".";
  private String cwd = "/";
  private List<String> command = List.of();

  SpecCommand() {
    super("spec", "Writes a config.json to start from.");
    text(v -> bundle = v, "DIR", "where to write it", "--bundle", "-b", "-bundle");
    text(v -> cwd = v, "DIR", "working directory of the process", "--cwd", "-cwd");
    flag(v -> {}, "", "--rootless");
    positionals(v -> command = v, "0..*", "0..*", "COMMAND", "what the container runs (default: sh)");
  }

  @Override
  int run(Config config) throws CommandFailure {
    Path file = Path.of(bundle).resolve("config.json");
    byte[] text = Json.writeIndented(DefaultSpec.json(command.isEmpty() ? List.of("sh") : command, cwd));
    try {
      Files.write(file, text, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    } catch (FileAlreadyExistsException e) {
      throw new CommandFailure("file " + file + " exists: remove it first");
    } catch (IOException e) {
      throw new CommandFailure("cannot write " + file + ": " + e.getMessage());
    }
    return 0;
  }
}
