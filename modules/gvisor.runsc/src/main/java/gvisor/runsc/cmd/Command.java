package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import java.util.concurrent.Callable;
import picocli.CommandLine.ParentCommand;

/** A subcommand: its fields are its arguments, {@link #run} does the work. */
abstract class Command implements Callable<Integer> {
  @ParentCommand GlobalOptions global;

  @Override
  public final Integer call() throws CommandFailure {
    return run(global.config());
  }

  /** Does what the command is for and returns the exit code. */
  abstract int run(Config config) throws CommandFailure;
}
