package gvisor.runsc.cmd;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.container.Stdio;
import gvisor.runsc.spec.Bundle;

/** {@code create}: makes a container whose first process waits for {@code start}. */
final class Create extends Command {
  private String bundle = ".";
  private String consoleSocket = "";
  private String pidFile = "";
  private int preserveFds;
  private String id;

  Create() {
    super("create", "Makes a container from a bundle.");
    text(v -> bundle = v, "DIR", "directory with config.json", "--bundle", "-b", "-bundle");
    text(v -> consoleSocket = v, "SOCKET", "gets the terminal", "--console-socket", "-console-socket");
    text(v -> pidFile = v, "FILE", "gets the id of a host process that ends with it", "--pid-file", "-pid-file");
    // About how runc sets up a container on the host's kernel; here nothing of that kind happens.
    flag(v -> {}, "", "--no-pivot");
    flag(v -> {}, "", "--no-new-keyring");
    number(v -> preserveFds = v, "N", "hand on N descriptors from 3 on", "--preserve-fds", "-preserve-fds");
    positional(v -> id = v, "0", "1", "ID", "");
    examples("runsc create --bundle /path/to/bundle box && runsc start box", "in two steps, as engines do it");
  }

  /**
   * Who creates and starts in two steps is an engine: the root file system is a layer that it made for the container,
   * and it looks for the container's changes there when it copies, commits, builds or starts it again.
   */
  @Override
  String defaultOverlay() {
    return "none";
  }

  @Override
  int run(Config config) throws CommandFailure {
    Containers containers = new Containers(config);
    Bundle read = Containers.readBundle(bundle);
    try (Stdio stdio = Consoles.open(read.spec().process(), consoleSocket, true, preserveFds)) {
      Containers.Created created = containers.create(id, read, stdio);
      try {
        PidFile.write(pidFile, created.state().init().pid());
        containers.detach(created);
      } catch (CommandFailure e) {
        containers.abandon(created);
        throw e;
      }
    }
    return 0;
  }
}
