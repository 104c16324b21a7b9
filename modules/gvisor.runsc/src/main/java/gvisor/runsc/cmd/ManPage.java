package gvisor.runsc.cmd;

import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Writes a command's declaration as a page for {@code man(1)}. Source: {@code man 7 man}. */
final class ManPage {
  private final String version;
  private final StringBuilder page = new StringBuilder();

  ManPage(String version) {
    this.version = version;
  }

  /** The page of the program, or of one of its commands. */
  String of(CommandSpec spec) {
    boolean isProgram = spec.parent() == null;
    String name = isProgram ? spec.name() : spec.parent().name() + "-" + spec.name();
    String[] description = spec.usageMessage().description();
    String summary = description.length == 0 ? "" : description[0];
    line(".TH " + name.toUpperCase(java.util.Locale.ROOT) + " 1 \"\" \"runsc " + escaped(version) + "\"");
    line(".SH NAME");
    line(escaped(name) + " \\- " + text(lowered(summary)));
    line(".SH SYNOPSIS");
    line(".B " + (isProgram ? spec.name() : spec.parent().name() + " " + spec.name()));
    synopsis(spec, isProgram);
    line(".SH DESCRIPTION");
    line(text(summary));
    arguments(spec);
    options(spec, isProgram);
    if (isProgram) {
      commands(spec.subcommands());
    } else {
      examples(spec.usageMessage().footer());
      line(".SH SEE ALSO");
      line(".BR " + spec.parent().name() + " (1)");
    }
    return page.toString();
  }

  private void synopsis(CommandSpec spec, boolean isProgram) {
    if (!spec.options().isEmpty()) {
      line("[\\fIOPTION\\fR]...");
    }
    if (isProgram) {
      line("\\fICOMMAND\\fR [\\fIARGUMENT\\fR]...");
    }
    for (PositionalParamSpec argument : shown(spec)) {
      String label = "\\fI" + escaped(argument.paramLabel()) + "\\fR";
      boolean isMany = argument.arity().max() > 1 || argument.index().max() > argument.index().min();
      line((argument.required() ? label : "[" + label + "]") + (isMany ? "..." : ""));
    }
  }

  private static List<PositionalParamSpec> shown(CommandSpec spec) {
    return spec.positionalParameters().stream().filter(argument -> !argument.hidden()).toList();
  }

  private void arguments(CommandSpec spec) {
    for (PositionalParamSpec argument : shown(spec)) {
      if (argument.description().length > 0 && !argument.description()[0].isEmpty()) {
        line(".TP");
        line(".I " + escaped(argument.paramLabel()));
        line(text(String.join(" ", argument.description())));
      }
    }
  }

  private void options(CommandSpec spec, boolean isProgram) {
    if (spec.options().isEmpty()) {
      return;
    }
    line(".SH OPTIONS");
    if (isProgram) {
      line("These stand before the command.");
    }
    for (OptionSpec option : spec.options()) {
      line(".TP");
      StringBuilder names = new StringBuilder();
      for (String name : option.names()) {
        names.append(names.isEmpty() ? "" : ", ").append("\\fB").append(escaped(name)).append("\\fR");
      }
      if (option.arity().max() > 0 && !option.paramLabel().isEmpty()) {
        String label = "=\\fI" + escaped(option.paramLabel()) + "\\fR";
        names.append(option.arity().min() == 0 ? "[" + label + "]" : label);
      }
      line(names.toString());
      line(text(String.join(" ", option.description())));
    }
  }

  private void commands(Map<String, CommandLine> commands) {
    line(".SH COMMANDS");
    commands.forEach(
        (name, command) -> {
          line(".TP");
          line(".B " + escaped(name));
          line(text(String.join(" ", command.getCommandSpec().usageMessage().description())));
        });
    line(".SH SEE ALSO");
    int left = commands.size();
    for (String name : commands.keySet()) {
      left--;
      line(".BR runsc\\-" + escaped(name) + (left > 0 ? " (1)," : " (1)"));
    }
  }

  /** Commands and their meanings, one after the other, below a title. */
  private void examples(String[] footer) {
    if (footer.length < 2) {
      return;
    }
    line(".SH EXAMPLES");
    for (int i = 1; i < footer.length; i++) {
      if (i % 2 == 1) {
        line(".TP");
        line(".B " + text(footer[i].strip().replace("%%", "%")));
      } else {
        line(text(footer[i].strip().replace("%%", "%")));
      }
    }
  }

  private void line(String text) {
    page.append(text).append('\n');
  }

  private static String lowered(String sentence) {
    String bare = sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
    return bare.isEmpty() ? bare : Character.toLowerCase(bare.charAt(0)) + bare.substring(1);
  }

  /** Text that may begin a line: what the formatter would take for a request of its own is shown. */
  private static String text(String text) {
    String escaped = escaped(text);
    return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
  }

  private static String escaped(String text) {
    return text.replace("\\", "\\e").replace("-", "\\-");
  }
}
