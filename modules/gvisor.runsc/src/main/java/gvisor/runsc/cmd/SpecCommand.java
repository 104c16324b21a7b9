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
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code spec}: writes a config.json to start from. */
@CommandLine.Command(name = "spec", description = "Writes a config.json to start from.")
final class SpecCommand extends Command {
  @Option(names = {"--bundle", "-b", "-bundle"}, paramLabel = "DIR", description = "where to write it")
  String bundle = ".";

  @Option(names = {"--cwd", "-cwd"}, paramLabel = "DIR", description = "working directory of the process")
  String cwd = "/";

  @Option(names = "--rootless", hidden = true)
  boolean rootless;

  @Parameters(arity = "0..*", paramLabel = "COMMAND", description = "what the container runs (default: sh)")
  List<String> command = List.of();

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
