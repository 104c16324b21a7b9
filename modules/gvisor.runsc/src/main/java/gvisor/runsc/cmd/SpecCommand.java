package gvisor.runsc.cmd;

import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.host.Confinement;
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
  private boolean rootless;
  private List<String> command = List.of();

  SpecCommand() {
    super("spec", "Writes a config.json to start from.");
    text(v -> bundle = v, "DIR", "where to write it", "--bundle", "-b", "-bundle");
    text(v -> cwd = v, "DIR", "working directory of the process", "--cwd", "-cwd");
    flag(v -> rootless = v, "for a caller who is not root: with a user namespace of his own", "--rootless");
    positionals(v -> command = v, "0..*", "0..*", "COMMAND", "what the container runs (default: sh)");
  }

  @Override
  int run(Config config) throws CommandFailure {
    Path file = Path.of(bundle).resolve("config.json");
    ObjectNode json = DefaultSpec.json(command.isEmpty() ? List.of("sh") : command, cwd);
    if (rootless) {
      DefaultSpec.addUserNamespace(json, Confinement.userId(), Confinement.groupId());
    }
    byte[] text = Json.writeIndented(json);
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
