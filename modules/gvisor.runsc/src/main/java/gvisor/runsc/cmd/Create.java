package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.container.Stdio;
import gvisor.runsc.spec.Bundle;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code create}: makes a container whose first process waits for {@code start}. */
@CommandLine.Command(name = "create", description = "Makes a container from a bundle.")
final class Create extends Command {
  @Option(names = {"--bundle", "-b", "-bundle"}, paramLabel = "DIR", description = "directory with config.json")
  String bundle = ".";

  @Option(names = {"--console-socket", "-console-socket"}, paramLabel = "SOCKET", description = "gets the terminal")
  String consoleSocket = "";

  @Option(names = {"--pid-file", "-pid-file"}, paramLabel = "FILE", description = "gets the sandbox's process id")
  String pidFile = "";

  @Option(names = "--no-pivot", hidden = true)
  boolean noPivot;

  @Option(names = "--no-new-keyring", hidden = true)
  boolean noNewKeyring;

  @Option(names = "--preserve-fds", hidden = true)
  int preserveFds;

  @Parameters(paramLabel = "ID")
  String id;

  @Override
  int run(Config config) throws CommandFailure {
    Containers containers = new Containers(config);
    Bundle read = Containers.readBundle(bundle);
    boolean terminal = read.spec().process().terminal();
    Consoles.check(terminal, consoleSocket, true);
    try (Stdio stdio = terminal ? Stdio.console(consoleSocket) : Stdio.inherited()) {
      Containers.Created created = containers.create(id, read, stdio);
      try {
        PidFile.write(pidFile, created.state().sandbox().pid());
        containers.detach(created);
      } catch (CommandFailure e) {
        containers.abandon(created);
        throw e;
      }
    }
    return 0;
  }
}
