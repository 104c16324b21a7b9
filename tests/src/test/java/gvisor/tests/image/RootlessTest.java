package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An ordinary user runs containers through a user namespace. */
class RootlessTest {
  private static final String USER = "1000";

  private Path directory;

  @BeforeEach
  void makeDirectory() throws Exception {
    Assumptions.assumeTrue(
        (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0, "only root can become another user");
    directory = Files.createTempDirectory("rootless");
    for (Path path : List.of(directory, Files.createDirectory(directory.resolve("state")))) {
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
      Files.setAttribute(path, "unix:uid", Integer.valueOf(USER));
    }
    Assumptions.assumeTrue(
        asUser("test", "-x", Image.RUNSC.toString()).exitCode() == 0, "the image is where others do not get to");
    Assumptions.assumeTrue(
        asUser("unshare", "--user", "true").exitCode() == 0, "this host gives users no namespaces");
  }

  @AfterEach
  void removeDirectory() throws IOException {
    if (directory != null) {
      Image.delete(directory);
    }
  }

  private Programs.Result asUser(String... command) throws Exception {
    List<String> words =
        new ArrayList<>(List.of("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"));
    words.addAll(List.of(command));
    return Programs.run(Path.of("/"), Map.of("XDG_RUNTIME_DIR", directory + "/state"), 60, words);
  }

  @Test
  void doRunsACommandOfTheHostAsRootOfItsOwnFiles() throws Exception {
    Path own = Files.writeString(directory.resolve("own"), "mine\n");
    Files.setAttribute(own, "unix:uid", Integer.valueOf(USER));
    String script = "id -u; cat " + own + "; stat -c %u " + own + "; touch " + directory + "/left-over && echo made";
    Programs.Result result = asUser(Image.RUNSC.toString(), "do", "sh", "-c", script);
    assertEquals(new Programs.Result(0, "0\nmine\n0\nmade\n", ""), result);
    assertTrue(Files.notExists(directory.resolve("left-over")), "what it changes is dropped");
  }

  @Test
  void runRunsABundleWithoutANetwork() throws Exception {
    Path bin = Files.createDirectories(directory.resolve("rootfs/bin"));
    Files.copy(RootFileSystems.get("busybox").resolve("bin/busybox"), bin.resolve("busybox"));
    bin.resolve("busybox").toFile().setExecutable(true, false);
    Files.writeString(
        directory.resolve("config.json"),
        Image.config(
            new Image.Container(directory.resolve("rootfs"), List.of("/bin/busybox", "sh", "-c", "echo works; exit 3"))));
    Programs.Result result =
        asUser(Image.RUNSC.toString(), "--network=none", "run", "--bundle", directory.toString(), "rootless");
    assertEquals(new Programs.Result(3, "works\n", ""), result);
  }

  @Test
  void theCallersNetworkIsUsedWithTheCallersRights() throws Exception {
    String script =
        "import socket\n"
            + "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\n"
            + "c = socket.create_connection(s.getsockname()); a, _ = s.accept(); a.send(b'sent'); print(c.recv(4))\n"
            + "try: socket.socket().bind(('127.0.0.1', 7)); print('bound')\n"
            + "except OSError as e: print(e.strerror)\n";
    // The first one on root's path may be in root's own directory.
    String python = Files.isExecutable(Path.of("/usr/bin/python3")) ? "/usr/bin/python3" : "python3";
    Assumptions.assumeTrue(asUser(python, "-c", "").exitCode() == 0, "there is no python3");
    Programs.Result result = asUser(Image.RUNSC.toString(), "--network=host", "do", python, "-c", script);
    assertEquals(new Programs.Result(0, "b'sent'\nPermission denied\n", ""), result);
    Path bin = Files.createDirectories(directory.resolve("rootfs/bin"));
    String config = Image.config(new Image.Container(bin.getParent(), List.of("/bin/true")));
    Files.writeString(
        directory.resolve("config.json"),
        config.replace("\"linux\": {", "\"linux\": {\"namespaces\": [{\"type\": \"network\"}], "));
    result = asUser(Image.RUNSC.toString(), "--network=host", "run", "--bundle", directory.toString(), "rootless");
    assertEquals(1, result.exitCode());
    assertTrue(result.err().contains("only root can put sockets into another network namespace"), result.err());
  }

  @Test
  void whatTakesRootIsSaid() throws Exception {
    Assumptions.assumeTrue(Files.exists(Path.of("/dev/kvm")), "there is no /dev/kvm");
    Assumptions.assumeTrue(asUser("test", "-r", "/dev/kvm").exitCode() != 0, "everybody may open /dev/kvm");
    Programs.Result result = asUser(Image.RUNSC.toString(), "--platform=kvm", "do", "true");
    assertEquals(1, result.exitCode());
    assertTrue(result.err().contains("--platform=kvm is not available: no permission to open /dev/kvm"), result.err());
  }
}
