package gvisor.runsc.sandbox;

import gvisor.api.errno.ErrnoException;
import gvisor.host.Child;
import gvisor.host.Fd;
import gvisor.host.IdMaps;
import gvisor.host.ScmSocket;
import gvisor.host.Spawn;
import gvisor.host.Watcher;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.control.ControlConnection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A process of this image that was just started, and the connection to it.
 *
 * @param process the child
 * @param connection to its {@code main}
 */
public record SandboxProcess(Child process, ControlConnection connection) {
  private static final int O_WRONLY_CREAT_APPEND = 1 | 0100 | 02000;

  /**
   * Flags of the sandbox: it lives long enough for C2, and its threads are many and shallow. Its code cache is mapped
   * whole at the start (and takes memory as it fills), because later nothing executable may be mapped any more. What
   * compilers have allocated and freed goes back to the host every ten seconds: 9 MB after a busy minute.
   */
  static final List<String> SANDBOX_FLAGS =
      List.of("-XX:+UseCompactObjectHeaders", "-Xms24m", "-Xmx1g", "-Xss512k", "-XX:ReservedCodeCacheSize=96m", "-XX:InitialCodeCacheSize=96m",
          "-XX:TrimNativeHeapInterval=10000");

  /** Flags of a gofer, which mostly waits. */
  private static final List<String> GOFER_FLAGS =
      List.of("-Xms8m", "-Xmx128m", "-Xss512k", "-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=24m",
          "-XX:InitialCodeCacheSize=24m");

  /**
   * Starts the sandbox of container {@code id}; what its VM has to say is appended to {@code messages}.
   *
   * @param controlGroups what it is born into: files that are joined by writing to them; they stay the caller's
   * @param network the network namespace it is to be in, or null for an empty one; stays the caller's
   */
  public static SandboxProcess startSandbox(String id, Path messages, List<Fd> controlGroups, Fd network)
      throws CommandFailure {
    return start("sandbox", SandboxMain.class, SANDBOX_FLAGS, id, messages, controlGroups, network, null);
  }

  /**
   * Starts the gofer of container {@code id}, as the sandbox.
   *
   * @param maps users and groups of the user namespace that it lives in, or null for those of the host
   */
  public static SandboxProcess startGofer(String id, Path messages, List<Fd> controlGroups, IdMaps maps)
      throws CommandFailure {
    return start("gofer", GoferMain.class, GOFER_FLAGS, id, messages, controlGroups, null, maps);
  }

  private static SandboxProcess start(
      String kind, Class<?> main, List<String> flags, String id, Path messages, List<Fd> controlGroups, Fd network,
      IdMaps maps)
      throws CommandFailure {
    String home = System.getProperty("java.home");
    List<String> argv = new ArrayList<>();
    argv.add(home + "/bin/java");
    argv.addAll(flags);
    argv.addAll(cacheFlags(home, kind));
    // What a crash has to say goes where all messages go, for there are no files then.
    argv.add("-XX:+ErrorFileToStderr");
    argv.add("-XX:-CreateCoredumpOnCrash");
    // For whoever profiles: flags of the VM, such as logging of what it does at its start.
    String more = System.getProperty("gvisor." + kind + ".flags", "");
    argv.addAll(more.isEmpty() ? List.of() : List.of(more.split(" ")));
    for (String name : List.of("jna.boot.library.path", "jffi.boot.library.path")) {
      if (System.getProperty(name) != null) {
        argv.add("-D" + name + "=" + System.getProperty(name));
      }
    }
    for (String name : List.of("gvisor.recording", "gvisor.training")) {
      if (Boolean.getBoolean(name)) {
        argv.add("-D" + name + "=true");
      }
    }
    argv.add("-Dgvisor.host.calls=foreign");
    argv.add("-m");
    argv.add(main.getModule().getName() + "/" + main.getName());
    argv.add(id);
    // For people and tests that look at the list of processes: whose sandbox this is.
    argv.add(messages.getParent().toString());
    try {
      ScmSocket[] pair = ScmSocket.pair(ScmSocket.STREAM);
      try (Fd nothing = Fd.open("/dev/null", 2, 0);
          Fd log = Fd.open(messages.toString(), O_WRONLY_CREAT_APPEND, 0600);
          ScmSocket childEnd = pair[1]) {
        Child child =
            Privileges.confined(new Spawn(argv.getFirst(), argv), kind.equals("gofer"), network, maps)
                .environment(environment())
                .controlGroups(controlGroups)
                .newSession()
                .fd(nothing, 0)
                .fd(log, 1)
                .fd(log, 2)
                .fd(childEnd.fd(), SandboxMain.PARENT_FD)
                .start();
        return new SandboxProcess(child, new ControlConnection(pair[0]));
      } catch (ErrnoException e) {
        pair[0].close();
        throw e;
      }
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot start the " + kind + " process: " + Privileges.explained(e));
    } catch (IOException e) {
      throw new CommandFailure("cannot start the " + kind + " process: " + e.getMessage());
    }
  }

  /**
   * Has somebody see to it that a process which makes a system call it may not make ends, and that its messages say so.
   *
   * @param sandbox a sandbox, or null
   * @param sandboxListener what it answered with: the listener of its filter, or nothing; closed here
   * @param gofer a gofer
   * @param goferListener as for the sandbox
   */
  public static void watch(
      SandboxProcess sandbox, List<Fd> sandboxListener, SandboxProcess gofer, List<Fd> goferListener, Path messages)
      throws CommandFailure {
    if (sandboxListener.isEmpty() && goferListener.isEmpty()) {
      return;
    }
    String program = System.getProperty("java.home") + "/lib/watcher";
    try (Fd log = Fd.open(messages.toString(), O_WRONLY_CREAT_APPEND, 0600)) {
      Watcher.start(program, watched(sandbox, sandboxListener), watched(gofer, goferListener), log);
    } catch (ErrnoException e) {
      throw new CommandFailure("cannot start " + program + ": " + e.errno().message());
    } finally {
      sandboxListener.forEach(Fd::close);
      goferListener.forEach(Fd::close);
    }
  }

  private static Watcher.Watched watched(SandboxProcess process, List<Fd> listener) {
    return listener.isEmpty() ? null : new Watcher.Watched(process.process, listener.getFirst());
  }

  private static List<String> cacheFlags(String home, String kind) {
    String training = System.getProperty("gvisor.train." + kind);
    if (training != null) {
      return List.of("-XX:AOTCacheOutput=" + training);
    }
    Path cache = Path.of(home, "lib", kind + ".aot");
    return Files.exists(cache) ? List.of("-XX:AOTCache=" + cache) : List.of();
  }

  /** The caller's environment says nothing to a sandbox, and may hold secrets. */
  private static List<String> environment() {
    return List.of("LC_ALL=C.UTF-8");
  }
}
