package gvisor.runsc.cmd;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Fd;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.config.Config;
import gvisor.runsc.container.Containers;
import gvisor.runsc.container.Stdio;
import gvisor.runsc.spec.Bundle;

/** {@code run}: create, start, wait and delete in one; exits with the container's exit code. */
final class Run extends Command {
  private static final int STDERR = 2;

  private String bundle = ".";
  private String consoleSocket = "";
  private String pidFile = "";
  private boolean detach;
  private boolean keep;
  private int preserveFds;
  private String id;

  Run() {
    super("run", "Makes and starts a container, and waits for its end.");
    text(v -> bundle = v, "DIR", "directory with config.json", "--bundle", "-b", "-bundle");
    text(v -> consoleSocket = v, "SOCKET", "gets the terminal", "--console-socket", "-console-socket");
    text(v -> pidFile = v, "FILE", "gets the id of a host process that ends with it", "--pid-file", "-pid-file");
    flag(v -> detach = v, "do not wait for the end", "--detach", "-d", "-detach");
    flag(v -> {}, "", "--no-pivot");
    flag(v -> {}, "", "--no-new-keyring");
    flag(v -> {}, "", "--no-subreaper");
    number(v -> preserveFds = v, "N", "hand on N descriptors from 3 on", "--preserve-fds", "-preserve-fds");
    flag(v -> keep = v, "do not delete the container at its end", "--keep", "-keep");
    positional(v -> id = v, "0", "1", "ID", "");
    examples(
        "runsc run --bundle /path/to/bundle box", "runs it here, and exits as it does",
        "runsc run --detach --pid-file box.pid box", "leaves it running; runsc delete box when it has ended");
  }

  @Override
  int run(Config config) throws CommandFailure {
    return run(config, Containers.readBundle(bundle));
  }

  /** Runs a made-up bundle in the foreground. */
  static int run(Config config, String id, Bundle bundle) throws CommandFailure {
    Run run = new Run();
    run.id = id;
    return run.run(config, bundle);
  }

  private int run(Config config, Bundle bundle) throws CommandFailure {
    Containers containers = new Containers(config);
    try (Stdio stdio = Consoles.open(bundle.spec().process(), consoleSocket, detach, preserveFds);
        Fd log = logsHere(config) ? Fd.adopt(STDERR).duplicate() : null) {
      containers.logTo(log);
      Containers.Created created = containers.create(id, bundle, stdio);
      try {
        PidFile.write(pidFile, created.state().init().pid());
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
      Forwarding forwarding = new Forwarding(containers, id, 0, stdio);
      try {
        return keep ? containers.await(created) : containers.awaitAndRemove(created);
      } finally {
        forwarding.stop();
      }
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot log to standard error: " + e.errno().message());
    }
  }

  /** Somebody asks to see what happens, is here to see it, and names no file. */
  private boolean logsHere(Config config) {
    return !detach && (config.debug() || config.strace()) && config.debugLog().isEmpty();
  }
}
