package gvisor.runsc;

import gvisor.host.OwnProcess;
import gvisor.runsc.cmd.Cli;

/** Entry point of the command line. */
public final class Main {
  private Main() {}

  /**
   * Runs one command and ends the VM with its exit code. {@code --version} is answered before anything else is loaded,
   * because Docker and containerd ask it often; the image's own launcher
   * answers it from a file that the build has made of this answer.
   */
  public static void main(String[] args) {
    if (args.length == 1 && (args[0].equals("--version") || args[0].equals("-v"))) {
      System.out.println(Version.text());
      System.exit(0);
    }
    int code = Cli.run(args);
    System.out.flush();
    // Nothing of a command needs shutdown hooks, and skipping them saves milliseconds of every OCI verb.
    if (Thread.activeCount() > 1) {
      OwnProcess.exit(code);
    }
    Runtime.getRuntime().halt(code);
  }
}
