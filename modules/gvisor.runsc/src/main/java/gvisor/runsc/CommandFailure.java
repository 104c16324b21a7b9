package gvisor.runsc;

/** A failure that ends a command: one line for the user, and the exit code. */
public final class CommandFailure extends Exception {
  private static final long serialVersionUID = 1;

  /** Exit code of a command that failed by itself, like runc's. */
  public static final int FAILED = 1;

  /** Exit code when the program to run exists and cannot be executed. */
  public static final int NOT_EXECUTABLE = 126;

  /** Exit code when the program to run does not exist. */
  public static final int NOT_FOUND = 127;

  private final int exitCode;

  /** A failure with {@link #FAILED}. */
  public CommandFailure(String message) {
    this(message, FAILED);
  }

  /** A failure with an exit code of its own. */
  public CommandFailure(String message, int exitCode) {
    super(message, null, false, false);
    this.exitCode = exitCode;
  }

  /** The exit code of the command. */
  public int exitCode() {
    return exitCode;
  }
}
