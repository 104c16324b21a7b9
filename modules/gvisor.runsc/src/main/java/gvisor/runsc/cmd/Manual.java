package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.Version;
import gvisor.runsc.config.Config;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * {@code manual}: writes what is packed beside the image, man pages and the completion of commands for bash, from the
 * declarations that the command line is parsed by.
 */
final class Manual extends Command {
  private static final String PROGRAM = "runsc";

  /** Stands in the generated text for what the shell finds out: the containers there are. */
  private static final String CONTAINERS = "@CONTAINERS@";

  private static final Map<String, List<String>> VALUES =
      Map.of("--platform", List.of("ptrace", "kvm"), "--log-format", List.of("text", "json"));

  private String directory;

  Manual() {
    super("manual", "");
    positional(v -> directory = v, "0", "1", "DIR", "");
  }

  @Override
  int run(Config config) throws CommandFailure {
    Path share = Path.of(directory);
    CommandSpec all = shown(new GlobalOptions().spec());
    for (String name : Cli.COMMANDS) {
      all.addSubcommand(name, shown(Cli.command(name).spec()));
    }
    try {
      Path man = Files.createDirectories(share.resolve("man/man1"));
      Files.writeString(man.resolve(PROGRAM + ".1"), new ManPage(Version.NUMBER).of(all));
      for (String name : Cli.COMMANDS) {
        CommandSpec command = all.subcommands().get(name).getCommandSpec();
        Files.writeString(man.resolve(PROGRAM + "-" + name + ".1"), new ManPage(Version.NUMBER).of(command));
      }
      Path completions = Files.createDirectories(share.resolve("bash-completion/completions"));
      String script = AutoComplete.bash(PROGRAM, new CommandLine(all));
      Files.writeString(
          completions.resolve(PROGRAM),
          script.replace("(\"" + CONTAINERS + "\")", "($(" + PROGRAM + " list --quiet 2> /dev/null))"));
    } catch (IOException e) {
      throw new CommandFailure("manual: " + e.getMessage());
    }
    return 0;
  }

  /** The same without what is not shown, such as long options with one dash, and with what values can be. */
  private static CommandSpec shown(CommandSpec spec) {
    CommandSpec copy = CommandSpec.create().name(spec.name());
    copy.usageMessage().description(spec.usageMessage().description()).footer(spec.usageMessage().footer());
    for (OptionSpec option : spec.options()) {
      if (option.hidden()) {
        continue;
      }
      List<String> names = new ArrayList<>();
      for (String name : option.names()) {
        if (name.startsWith("--") || name.length() == 2) {
          names.add(name);
        }
      }
      OptionSpec.Builder builder = option.toBuilder().names(names.toArray(String[]::new));
      List<String> values = VALUES.get(option.longestName());
      if (values != null) {
        builder.completionCandidates(values);
      } else if (List.of("FILE", "DIR", "SOCKET").contains(option.paramLabel())) {
        builder.type(File.class);
      }
      copy.addOption(builder.build());
    }
    for (PositionalParamSpec argument : spec.positionalParameters()) {
      PositionalParamSpec.Builder builder = argument.toBuilder();
      if (argument.paramLabel().equals("ID") && !List.of("create", "run").contains(spec.name())) {
        builder.completionCandidates(List.of(CONTAINERS));
      }
      copy.addPositional(builder.build());
    }
    return copy;
  }
}
