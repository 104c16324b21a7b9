package gvisor.runsc.cmd;

import gvisor.host.OwnProcess;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.config.ErrorLog;
import gvisor.runsc.json.Json;
import java.io.PrintWriter;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;

/** Parses the command line and runs the one command it names. */
public final class Cli {
  /** Names of the subcommands, in the order help shows them. */
  static final List<String> COMMANDS =
      List.of(
          "run", "do", "create", "start", "state", "kill", "delete", "list", "exec", "ps", "wait", "pause", "resume",
          "update", "events", "spec", "features", "install", "uninstall", "help");

  /** Global options whose value may be the next argument. */
  private static final Set<String> WITH_VALUE =
      Set.of("root", "platform", "network", "log", "log-format", "debug-log", "overlay2", "criu", "host-uds",
          "host-fifo");

  /** Values of runc's {@code --rootless}, which may follow it as an argument of their own. */
  private static final Set<String> ROOTLESS = Set.of("true", "false", "auto");

  /** Commands that read a bundle and start a sandbox with it. */
  private static final Set<String> STARTING = Set.of("run", "do", "create");

  /** Commands of runc that there are none of here. */
  private static final Set<String> NOT_OFFERED = Set.of("checkpoint", "restore");

  private Cli() {}

  /** Runs {@code args} and returns the exit code. */
  public static int run(String... args) {
    String name = commandName(args);
    if (name != null && STARTING.contains(name)) {
      // Each takes 10 ms and none needs the other: another processor can do it while this one reads the arguments.
      new Thread(OwnProcess::prepareCalls, "prepare-calls").start();
      new Thread(Json::prepare, "prepare-json").start();
    }
    GlobalOptions global = new GlobalOptions();
    CommandLine line = new CommandLine(global.spec());
    Command command = name == null ? null : command(name);
    if (name != null && command == null) {
      return fail(
          global, args,
          NOT_OFFERED.contains(name)
              ? name + " is not offered: a sandbox cannot be saved and brought back"
              : "unknown command " + name + "; try runsc help");
    }
    if (command != null) {
      // Only the command that is meant: describing all of them to picocli costs more than running one.
      command.setGlobal(global);
      line.addSubcommand(name, command.spec());
    }
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUnmatchedOptionsArePositionalParams(false);
    line.setStopAtPositional(true);
    // Docker puts the flags of daemon.json before its own: the last one counts, as with every runtime it drives.
    line.setOverwrittenOptionsAllowed(true);
    line.setAllowSubcommandsAsOptionParameters(true); // --host-uds=create
    line.setParameterExceptionHandler((e, unused) -> fail(global, args, explained(e, args)));
    line.setExecutionExceptionHandler((e, unused, parsed) -> failed(global, args, e));
    if (args.length == 0) {
      Help.print(new PrintWriter(System.err, true));
      return CommandFailure.FAILED;
    }
    return line.execute(args);
  }

  /** The first argument that is no option and no option's value, or null. */
  static String commandName(String[] args) {
    for (int i = 0; i < args.length; i++) {
      String arg = args[i];
      if (!arg.startsWith("-")) {
        return arg;
      }
      String option = arg.substring(arg.startsWith("--") ? 2 : 1);
      boolean takesNext = option.equals("rootless") && i + 1 < args.length && ROOTLESS.contains(args[i + 1]);
      if (WITH_VALUE.contains(option) || takesNext) {
        i++;
      }
    }
    return null;
  }

  /** A fresh object for command {@code name}, or null. */
  static Command command(String name) {
    return switch (name) {
      case "create" -> new Create();
      case "delete" -> new Delete();
      case "do" -> new Do();
      case "events" -> new Events();
      case "exec" -> new Exec();
      case "features" -> new Features();
      case "help" -> new Help();
      case "install" -> new Install();
      case "kill" -> new Kill();
      case "list" -> new ListContainers();
      case "manual" -> new Manual();
      case "pause" -> new Pause();
      case "ps" -> new Ps();
      case "resume" -> new Resume();
      case "run" -> new Run();
      case "spec" -> new SpecCommand();
      case "start" -> new Start();
      case "state" -> new State();
      case "train" -> new Train();
      case "uninstall" -> new Uninstall();
      case "update" -> new Update();
      case "wait" -> new Wait();
      default -> null;
    };
  }

  /** What is wrong with the arguments: an option that is not known before what is missing because of it. */
  private static String explained(CommandLine.ParameterException e, String[] args) {
    CommandLine.Model.CommandSpec spec = e.getCommandLine().getCommandSpec();
    String what = firstLine(e.getMessage());
    if (e instanceof CommandLine.MissingParameterException) {
      for (int i = List.of(args).indexOf(spec.name()) + 1; i < args.length && !args[i].equals("--"); i++) {
        String option = args[i].split("=", 2)[0];
        if (option.startsWith("-") && spec.findOption(option) == null) {
          what = "Unknown option: '" + option + "'";
          break;
        }
      }
    }
    return what + "; try runsc help" + (spec.root() == spec ? "" : " " + spec.name());
  }

  private static int failed(GlobalOptions global, String[] args, Exception e) {
    if (e instanceof CommandFailure failure) {
      fail(global, args, failure.getMessage());
      return failure.exitCode();
    }
    if (global.debug()) {
      e.printStackTrace();
    }
    return fail(global, args, "internal error: " + e);
  }

  /** Tells people on standard error and the caller's program in its log. */
  private static int fail(GlobalOptions global, String[] args, String message) {
    String line = firstLine(message);
    System.err.println("runsc: " + line);
    String log = global.log().isEmpty() ? logOf(args) : global.log();
    if (!log.isEmpty()) {
      Config.LogFormat format =
          global.logFormat().startsWith("json") || List.of(args).contains("--log-format=json")
              ? Config.LogFormat.JSON
              : Config.LogFormat.TEXT;
      ErrorLog.append(log, format, line);
    }
    return CommandFailure.FAILED;
  }

  /** The value of --log when parsing failed before it was stored. */
  private static String logOf(String[] args) {
    for (int i = 0; i < args.length; i++) {
      if (args[i].startsWith("--log=")) {
        return args[i].substring("--log=".length());
      }
      if (args[i].equals("--log") && i + 1 < args.length) {
        return args[i + 1];
      }
      if (!args[i].startsWith("-")) {
        break;
      }
      if (WITH_VALUE.contains(args[i].substring(args[i].startsWith("--") ? 2 : 1))) {
        i++;
      }
    }
    return "";
  }

  private static String firstLine(String message) {
    return message == null ? "unknown error" : message.lines().findFirst().orElse("");
  }
}
