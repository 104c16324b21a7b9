package gvisor.runsc.cmd;

import gvisor.api.platform.PlatformProvider;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import java.io.PrintWriter;
import java.util.List;
import java.util.ServiceLoader;
import picocli.CommandLine;
import picocli.CommandLine.Parameters;

/** {@code help}: the commands, one command, or the platforms. */
@CommandLine.Command(name = "help", description = "Explains the commands.")
final class Help extends Command {
  @Parameters(arity = "0..1", paramLabel = "TOPIC", description = "a command, or platforms")
  String topic = "";

  @Override
  int run(Config config) throws CommandFailure {
    PrintWriter out = new PrintWriter(System.out, true);
    switch (topic) {
      case "" -> print(out);
      case "platforms" -> printPlatforms(out);
      default -> {
        Object command = Cli.command(topic);
        if (command == null) {
          throw new CommandFailure("no help on " + topic + ": it is neither a command nor \"platforms\"");
        }
        CommandLine line = new CommandLine(new GlobalOptions());
        line.addSubcommand(topic, command);
        line.getSubcommands().get(topic).usage(out);
      }
    }
    return 0;
  }

  /** Prints global options and commands. */
  static void print(PrintWriter out) {
    new CommandLine(new GlobalOptions()).usage(out);
    out.println("Commands:");
    for (String name : Cli.COMMANDS) {
      String[] description = new CommandLine(Cli.command(name)).getCommandSpec().usageMessage().description();
      out.printf("  %-10s %s%n", name, description.length == 0 ? "" : description[0]);
    }
    out.flush();
  }

  private static void printPlatforms(PrintWriter out) {
    List<PlatformProvider> providers =
        ServiceLoader.load(PlatformProvider.class).stream().map(ServiceLoader.Provider::get).toList();
    for (PlatformProvider provider : providers) {
      String reason = provider.unavailableReason();
      out.printf("%-8s %s%n", provider.name(), reason == null ? "available" : "not available: " + reason);
    }
    out.flush();
  }
}
