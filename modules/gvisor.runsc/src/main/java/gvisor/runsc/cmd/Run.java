package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.container.Stdio;
import gvisor.runsc.spec.Bundle;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code run}: create, start, wait and delete in one; exits with the container's exit code. */
@CommandLine.Command(name = "run", description = "Makes and starts a container, and waits for its end.")
final class Run extends Command {
  @Option(names = {"--bundle", "-b", "-bundle"}, paramLabel = "DIR", description = "directory with config.json")
  String bundle = ".";

  @Option(names = {"--console-socket", "-console-socket"}, paramLabel = "SOCKET", description = "gets the terminal")
  String consoleSocket = "";

  @Option(names = {"--pid-file", "-pid-file"}, paramLabel = "FILE", description = "gets the sandbox's process id")
  String pidFile = "";

  @Option(names = {"--detach", "-d", "-detach"}, description = "do not wait for the end")
  boolean detach;

  @Option(names = "--no-pivot", hidden = true)
  boolean noPivot;

  @Option(names = "--preserve-fds", hidden = true)
  int preserveFds;

  @Option(names = "--keep", hidden = true)
  boolean keep;

  @Parameters(paramLabel = "ID")
  String id;

  @Override
  int run(Config config) throws CommandFailure {
    return run(config, id, Containers.readBundle(bundle), consoleSocket, pidFile, detach);
  }

  /** Runs a bundle that was read or made up; {@code do} uses it, too. */
  static int run(Config config, String id, Bundle bundle, String consoleSocket, String pidFile, boolean detach)
      throws CommandFailure {
    Containers containers = new Containers(config);
    boolean terminal = bundle.spec().process().terminal();
    Consoles.check(terminal, consoleSocket, detach);
    try (Stdio stdio = Consoles.open(terminal, consoleSocket)) {
      Containers.Created created = containers.create(id, bundle, stdio);
      try {
        PidFile.write(pidFile, created.state().sandbox().pid());
        if (detach) {
          containers.detach(created);
        }
        containers.start(created);
      } catch (CommandFailure e) {
        containers.abandon(created);
        throw e;
      }
      if (detach) {
        return 0;
      }
      Forwarding forwarding = new Forwarding(containers, id, 1, stdio);
      try {
        return containers.awaitAndRemove(created);
      } finally {
        forwarding.stop();
      }
    }
  }
}
