package gvisor.runsc.cmd;

import gvisor.api.platform.PlatformProvider;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.sandbox.Platforms;
import gvisor.sentry.boot.Sentry;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;

/** {@code help}: the commands, one command, or the platforms. */
final class Help extends Command {
  private String topic = "";

  Help() {
    super("help", "Explains the commands.");
    positional(v -> topic = v, "0", "0..1", "TOPIC", "a command, platforms, or syscalls");
  }

  @Override
  int run(Config config) throws CommandFailure {
    PrintWriter out = new PrintWriter(System.out, true);
    switch (topic) {
      case "" -> print(out);
      case "platforms" -> printPlatforms(out);
      case "syscalls" -> {
        out.print(Sentry.compatibilityPage());
        out.flush();
      }
      default -> {
        Command command = Cli.command(topic);
        if (command == null) {
          throw new CommandFailure("no help on " + topic + ": it is neither a command nor platforms or syscalls");
        }
        CommandLine line = new CommandLine(new GlobalOptions().spec());
        line.addSubcommand(topic, command.spec());
        line.getSubcommands().get(topic).usage(out);
      }
    }
    return 0;
  }

  /** Prints global options and commands. */
  static void print(PrintWriter out) {
    new CommandLine(new GlobalOptions().spec()).usage(out);
    out.println("Commands:");
    for (String name : Cli.COMMANDS) {
      String[] description = Cli.command(name).spec().usageMessage().description();
      out.printf("  %-10s %s%n", name, description.length == 0 ? "" : description[0]);
    }
    out.flush();
  }

  private static void printPlatforms(PrintWriter out) {
    List<PlatformProvider> providers = Platforms.all();
    PlatformProvider best = null;
    for (PlatformProvider provider : providers) {
      boolean works = provider.unavailableReason() == null;
      if (works && (best == null || provider.preference() > best.preference())) {
        best = provider;
      }
    }
    for (PlatformProvider provider : providers) {
      out.printf("%-8s %s%n", provider.name(), availability(provider, provider == best));
    }
    out.flush();
  }

  private static String availability(PlatformProvider provider, boolean isBest) {
    String reason = provider.unavailableReason();
    if (reason != null) {
      return "not available: " + reason;
    }
    String findings = provider.findings();
    return "available" + (isBest ? ", taken by default" : "") + (findings.isEmpty() ? "" : ": " + findings);
  }
}
