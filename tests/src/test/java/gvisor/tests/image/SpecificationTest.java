package gvisor.tests.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Fields of config.json: what they do in a container. */
class SpecificationTest {
  private static final int FIRST_ID = 100_000;
  private static final int MAPPED = 65_536;

  @TempDir Path directory;

  private Containers containers;

  @BeforeEach
  void makeState() {
    containers = new Containers(directory);
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    containers.deleteAll();
  }

  private static String linux(String fields) {
    return "\"linux\": {" + fields.replace('\'', '"') + "}";
  }

  @Test
  void devicesAreMadeAndHeldToTheirRules() throws Exception {
    String devices =
        linux(
            """
            'devices': [
             {'path': '/dev/fuse', 'type': 'c', 'major': 10, 'minor': 229, 'fileMode': 432, 'uid': 5, 'gid': 6},
             {'path': '/dev/disk/a', 'type': 'b', 'major': 8, 'minor': 0},
             {'path': '/dev/named', 'type': 'p', 'fileMode': 384},
             {'path': '/dev/zero', 'type': 'c', 'major': 1, 'minor': 5, 'fileMode': 256},
             {'path': '/opt/empty', 'type': 'c', 'major': 1, 'minor': 3}],
             'resources': {'devices': [
              {'allow': false, 'access': 'rwm'},
              {'allow': true, 'type': 'c', 'major': 10, 'minor': 229, 'access': 'rw'}]}""");
    Programs.Result result =
        containers.run(
            "devices",
            """
            cd /dev
            stat -c '%F %a %u %g %t:%T' fuse disk/a named zero /opt/empty
            cat fuse; cat disk/a
            mknod log c 1 11 && echo made; cat log
            mknod mine c 1 5 && head -c 2 mine | wc -c
            echo gone > /opt/empty && wc -c < /opt/empty
            """,
            devices);
    assertEquals(
        """
        character special file 660 5 6 a:e5
        block special file 666 0 0 8:0
        fifo 600 0 0 0:0
        character special file 400 0 0 1:5
        character special file 666 0 0 1:3
        made
        2
        0
        """,
        result.out(),
        result.err());
    assertEquals(
        """
        cat: can't open 'fuse': No such device or address
        cat: can't open 'disk/a': Operation not permitted
        cat: can't open 'log': Operation not permitted
        """,
        result.err());
  }

  @Test
  void aTmpfsTakesOverWhatIsAtItsPlace() throws Exception {
    String mounts =
        """
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
          {"destination": "/etc", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "size=1m"]},
          {"destination": "/new/place", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]},
          {"destination": "/home", "type": "tmpfs", "source": "tmpfs", "options": ["mode=700"]}]""";
    Programs.Result result =
        containers.run(
            "copied",
            "grep -c ' /etc tmpfs' /proc/mounts; head -1 /etc/passwd; echo more >> /etc/passwd; tail -1 /etc/passwd;"
                + " stat -c %a /etc /new/place /home",
            mounts);
    assertEquals("1\nroot:x:0:0:root:/root:/bin/sh\nmore\n755\n1777\n700\n", result.out(), result.err());
    result = containers.run("full", "true", mounts.replace("/etc", "/bin").replace("size=1m", "size=8k"));
    assertEquals("runsc: mounts[1]: cannot mount tmpfs at /bin: No space left on device\n", result.err());
  }

  private static String hook(String script, String more) {
    return "\"hooks\": {\"startContainer\": [{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\", \"" + script + "\"]"
        + more + "}]}";
  }

  @Test
  void startContainerHooksRunInTheContainer() throws Exception {
    Programs.Result result =
        containers.run(
            "hooked", "cat /tmp/seen",
            hook("cat > /tmp/seen; echo; (echo; hostname; id -u; echo $A) >> /tmp/seen", ", \"env\": [\"A=b\"]"));
    assertTrue(
        result.out().matches("\\{.*\"id\":\"hooked\",\"pid\":1,\"status\":\"created\".*}\nsandbox\n0\nb\n"),
        result.toString());
  }

  @Test
  void aFailingHookEndsTheContainer() throws Exception {
    Path bundle = containers.bundle("failing", "echo ran", hook("echo told >&2; exit 3", ""));
    containers.succeed("create", "--bundle", bundle.toString(), "failing");
    Programs.Result started = containers.runsc("start", "failing");
    assertEquals(new Programs.Result(1, "", "runsc: hooks.startContainer[0] (/bin/sh): exit code 3: told\n"), started);
    assertEquals("stopped", containers.status("failing"));
    containers.succeed("delete", "failing");
    Programs.Result late = containers.run("late", "echo ran", hook("sleep 100", ", \"timeout\": 1"));
    assertEquals(
        new Programs.Result(1, "", "runsc: hooks.startContainer[0] (/bin/sh): did not end within 1 s\n"), late);
  }

  private static void chown(Path file, int id) throws IOException {
    Files.setAttribute(file, "unix:uid", id, LinkOption.NOFOLLOW_LINKS);
    Files.setAttribute(file, "unix:gid", id, LinkOption.NOFOLLOW_LINKS);
  }

  /** A root file system that belongs to mapped users, in a directory that they get to. */
  private Path mappedRoot() throws Exception {
    Assumptions.assumeTrue(
        (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0, "only root gives files away");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
    Path root = Files.createDirectory(directory.resolve("root"));
    Programs.Result copied =
        Programs.run(
            Path.of("/"), java.util.Map.of(), 60,
            List.of("cp", "-a", RootFileSystems.get("busybox").toRealPath() + "/.", root.toString()));
    assertEquals(0, copied.exitCode(), copied.err());
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.toList()) {
        chown(file, FIRST_ID);
      }
    }
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
    chown(root.resolve("etc/passwd"), FIRST_ID + 7);
    Files.writeString(root.resolve("etc/theirs"), "theirs\n");
    Files.setPosixFilePermissions(root.resolve("etc/theirs"), PosixFilePermissions.fromString("rw-------"));
    return root;
  }

  @Test
  void aUserNamespaceMapsFilesAndUsers() throws Exception {
    Path root = mappedRoot();
    Assumptions.assumeTrue(
        Programs.run(
                    Path.of("/"), java.util.Map.of(), 60,
                    List.of("setpriv", "--reuid=" + FIRST_ID, "--clear-groups", "test", "-x", Image.RUNSC.toString()))
                .exitCode()
            == 0,
        "the image is where others do not get to");
    String ids = "[{'containerID': 0, 'hostID': " + FIRST_ID + ", 'size': " + MAPPED + "}]";
    String namespaces =
        linux("'namespaces': [{'type': 'user'}, {'type': 'pid'}, {'type': 'mount'}], 'uidMappings': " + ids
            + ", 'gidMappings': " + ids);
    String script =
        """
        id -u; tr -s ' ' < /proc/self/uid_map
        stat -c '%u %g' /etc/passwd /etc/theirs
        cat /etc/theirs || echo refused
        echo x > /etc/made && chown 5:6 /etc/made && stat -c '%u %g' /etc/made
        chown 70000 /etc/made || chown 70000 /tmp || echo refused
        mknod /tmp/null c 1 3 || echo refused
        """;
    Path bundle =
        containers.bundle("mapped", script, namespaces, "\"root\": {\"path\": \"" + root + "\"}");
    Programs.Result result =
        containers.runsc("--overlay2=none", "run", "--bundle", bundle.toString(), "mapped");
    assertEquals(
        "0\n 0 100000 65536\n7 7\n65534 65534\nrefused\n5 6\nrefused\nrefused\n", result.out(), result.err());
    assertEquals(FIRST_ID + 5, Files.getAttribute(root.resolve("etc/made"), "unix:uid"));
    assertEquals(FIRST_ID + 6, Files.getAttribute(root.resolve("etc/made"), "unix:gid"));

    Path config = bundle.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("\"uid\": 0", "\"uid\": 70000"));
    result = containers.runsc("run", "--bundle", bundle.toString(), "mapped");
    assertEquals("runsc: process.user.uid: 70000 is not in linux.uidMappings\n", result.err());
  }
}
