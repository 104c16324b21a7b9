package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * A subcommand: its constructor declares its arguments, {@link #run} does the work. Arguments are declared to picocli
 * by calls, not by annotations: reading annotations makes the VM generate proxy classes, which no AOT cache holds, and
 * took half of the time of a short command.
 */
abstract class Command implements Callable<Integer> {
  private final CommandSpec spec;
  private GlobalOptions global;

  Command(String name, String description) {
    spec = CommandSpec.wrapWithoutInspection(this).name(name);
    spec.usageMessage().description(description);
    spec.addOption(
        OptionSpec.builder("--help", "-h", "-help").arity("0").usageHelp(true).description("print this text").build());
  }

  /** The declaration, for picocli. */
  final CommandSpec spec() {
    return spec;
  }

  /** Says which options stood before the command. */
  final void setGlobal(GlobalOptions options) {
    global = options;
  }

  @Override
  public final Integer call() throws CommandFailure {
    return run(global.config(defaultOverlay()));
  }

  /** What --overlay2 is when it is not given: changes are kept off the host's files. */
  String defaultOverlay() {
    return "root:self";
  }

  /** Does what the command is for and returns the exit code. */
  abstract int run(Config config) throws CommandFailure;

  /** Commands as they may be given, each followed by what it does; {@code help} shows them. */
  final void examples(String... commandsAndMeanings) {
    String[] lines = new String[1 + commandsAndMeanings.length];
    lines[0] = "%nExamples:";
    for (int i = 0; i < commandsAndMeanings.length; i++) {
      // picocli formats these lines, to which a percent sign would mean something.
      lines[1 + i] = (i % 2 == 0 ? "  " : "      ") + commandsAndMeanings[i].replace("%", "%%");
    }
    spec.usageMessage().footer(lines);
  }

  /** An option with a value; without a description it is accepted and not shown. */
  final void text(Consumer<String> target, String label, String description, String... names) {
    spec.addOption(Options.text(target, label, description, names));
  }

  /** An option that is there or not, or has the value true or false. */
  final void flag(Consumer<Boolean> target, String description, String... names) {
    spec.addOption(Options.flag(target, description, names));
  }

  /** An option whose value is a number. */
  final void number(Consumer<Integer> target, String label, String description, String... names) {
    spec.addOption(
        Options.described(OptionSpec.builder(names).type(Integer.class).arity("1").paramLabel(label), description)
            .setter(Options.setter(target))
            .build());
  }

  /** An option that may be given more than once. */
  final void texts(Consumer<List<String>> target, String label, String description, String... names) {
    spec.addOption(
        Options.described(
                OptionSpec.builder(names).type(List.class).auxiliaryTypes(String.class).arity("1").paramLabel(label),
                description)
            .setter(Options.setter(target))
            .build());
  }

  /** An argument by its place. */
  final void positional(Consumer<String> target, String index, String arity, String label, String description) {
    spec.addPositional(
        PositionalParamSpec.builder()
            .index(index)
            .arity(arity)
            .required(!arity.startsWith("0"))
            .type(String.class)
            .paramLabel(label)
            .description(description)
            .setter(Options.setter(target))
            .build());
  }

  /** The arguments from a place on. */
  final void positionals(
      Consumer<List<String>> target, String index, String arity, String label, String description) {
    spec.addPositional(
        PositionalParamSpec.builder()
            .index(index)
            .arity(arity)
            .required(!arity.startsWith("0"))
            .type(List.class)
            .auxiliaryTypes(String.class)
            .paramLabel(label)
            .hidden(label.isEmpty())
            .description(description)
            .setter(Options.setter(target))
            .build());
  }
}
