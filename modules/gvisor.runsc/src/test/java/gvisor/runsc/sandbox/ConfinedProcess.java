package gvisor.runsc.sandbox;

import gvisor.host.Child;
import gvisor.host.Fd;
import gvisor.host.ScmSocket;
import gvisor.host.Spawn;
import gvisor.host.Watcher;
import gvisor.host.WatcherProgram;
import gvisor.runsc.control.ControlConnection;
import gvisor.runsc.control.Message;
import gvisor.runsc.json.Json;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/**
 * Runs a {@code main} of these tests in the place of a sandbox or gofer: started, confined and watched by the same code,
 * with the same limits of the VM.
 */
final class ConfinedProcess {
  private static final int O_WRONLY_CREAT_APPEND = 1 | 0100 | 02000;

  private static String archives;

  private ConfinedProcess() {}

  /** How it ended: the exit code, or 128 and the signal; and all it and its watcher have written. */
  record Result(int exitCode, String output) {}

  /** The child's side, first: opens every file of the class path, for there will be none later. */
  static void openClassPath() {
    try {
      Class.forName("gvisor.runsc.sandbox.NoSuchClass");
    } catch (ClassNotFoundException e) {
      return; // It has been looked for everywhere.
    }
  }

  /** The class path with archives in the place of directories, whose files would have to be opened one by one. */
  private static synchronized String archives() throws IOException {
    if (archives == null) {
      Path directory = Files.createTempDirectory("classes");
      directory.toFile().deleteOnExit();
      List<String> entries = new ArrayList<>();
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
        Path path = Path.of(entry);
        if (Files.isDirectory(path)) {
          Path archive = directory.resolve(entries.size() + ".jar");
          archive.toFile().deleteOnExit();
          pack(path, archive);
          entries.add(archive.toString());
        } else if (Files.exists(path)) {
          entries.add(entry);
        }
      }
      archives = String.join(File.pathSeparator, entries);
    }
    return archives;
  }

  private static void pack(Path directory, Path archive) throws IOException {
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(archive));
        Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(new JarEntry(directory.relativize(file).toString()));
        Files.copy(file, out);
      }
    }
  }

  /** The child's side: tells the parent that it is confined, and waits until it is watched. */
  static void confined(List<Fd> listener) throws IOException {
    ControlConnection parent = new ControlConnection(ScmSocket.adopt(Fd.adopt(SandboxMain.PARENT_FD)));
    parent.send(Json.object().put("ok", true), listener);
    listener.forEach(Fd::close);
    parent.receive();
  }

  /** Runs {@code main}; {@code meanwhile} is called when it is confined. */
  static Result run(boolean isGofer, Class<?> main, List<String> flags, Consumer<Child> meanwhile, String... arguments)
      throws Exception {
    Path directory = Files.createTempDirectory("confined");
    Path log = directory.resolve("log");
    Path watcher = directory.resolve("watcher");
    WatcherProgram.main(new String[] {watcher.toString()});
    String java = System.getProperty("java.home") + "/bin/java";
    List<String> argv = new ArrayList<>(List.of(java, "-XX:+UseSerialGC", "-XX:-UsePerfData",
        "-XX:+DisableAttachMechanism", "-XX:+ErrorFileToStderr", "-XX:-CreateCoredumpOnCrash",
        "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"));
    argv.addAll(flags);
    argv.addAll(List.of("-cp", archives(), main.getName()));
    argv.addAll(List.of(arguments));
    ScmSocket[] pair = ScmSocket.pair(ScmSocket.STREAM);
    try (ControlConnection connection = new ControlConnection(pair[0]);
        Fd out = Fd.open(log.toString(), O_WRONLY_CREAT_APPEND, 0600)) {
      Child child;
      try (ScmSocket childEnd = pair[1]) {
        child = Privileges.confined(new Spawn(java, argv), isGofer, null, null)
            .environment(List.of("LC_ALL=C.UTF-8"))
            .newSession()
            .closeStdio()
            .fd(out, 1)
            .fd(out, 2)
            .fd(childEnd.fd(), SandboxMain.PARENT_FD)
            .start();
      }
      Child watching = null;
      Message message = connection.receive();
      if (message != null) {
        if (!message.fds().isEmpty()) {
          Watcher.Watched watched = new Watcher.Watched(child, message.fds().getFirst());
          watching = Watcher.start(watcher.toString(), isGofer ? null : watched, isGofer ? watched : null, out);
        }
        message.closeFds();
        connection.send(Json.object(), List.of());
        meanwhile.accept(child);
      }
      int code = child.waitFor();
      if (watching != null) {
        watching.waitFor();
      }
      return new Result(code, Files.readString(log));
    } finally {
      for (Path file : List.of(log, watcher, directory)) {
        Files.deleteIfExists(file);
      }
    }
  }
}
