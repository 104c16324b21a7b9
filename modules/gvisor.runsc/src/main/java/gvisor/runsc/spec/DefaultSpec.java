package gvisor.runsc.spec;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.runsc.Version;
import gvisor.runsc.json.Json;
import java.util.List;

/** The config.json that {@code spec} writes: a shell in {@code rootfs}, with few capabilities. */
public final class DefaultSpec {
  private static final List<String> CAPABILITIES = List.of("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE");

  private DefaultSpec() {}

  /** A specification that runs {@code args} in {@code cwd}. */
  public static ObjectNode json(List<String> args, String cwd) {
    ObjectNode json = Json.object().put("ociVersion", Version.OCI);
    ObjectNode process = json.putObject("process");
    process.put("terminal", true);
    process.putObject("user").put("uid", 0).put("gid", 0);
    strings(process.putArray("args"), args);
    strings(
        process.putArray("env"),
        List.of("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"));
    process.put("cwd", cwd);
    ObjectNode sets = process.putObject("capabilities");
    for (String set : List.of("bounding", "effective", "permitted")) {
      strings(sets.putArray(set), CAPABILITIES);
    }
    process.putArray("rlimits").addObject().put("type", "RLIMIT_NOFILE").put("hard", 1024).put("soft", 1024);
    process.put("noNewPrivileges", true);
    json.putObject("root").put("path", "rootfs").put("readonly", true);
    json.put("hostname", "runsc");
    ArrayNode mounts = json.putArray("mounts");
    mount(mounts, "/proc", "proc", "proc");
    mount(mounts, "/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k");
    mount(mounts, "/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620");
    mount(mounts, "/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k");
    mount(mounts, "/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro");
    ObjectNode linux = json.putObject("linux");
    ArrayNode namespaces = linux.putArray("namespaces");
    for (String type : List.of("pid", "network", "ipc", "uts", "mount")) {
      namespaces.addObject().put("type", type);
    }
    return json;
  }

  /** Adds a user namespace in which the user and group of the host are root, and nobody else is there. */
  public static void addUserNamespace(ObjectNode json, long uid, long gid) {
    ObjectNode linux = (ObjectNode) json.path("linux");
    linux.withArray("namespaces").addObject().put("type", "user");
    linux.putArray("uidMappings").addObject().put("containerID", 0).put("hostID", uid).put("size", 1);
    linux.putArray("gidMappings").addObject().put("containerID", 0).put("hostID", gid).put("size", 1);
  }

  private static void mount(ArrayNode mounts, String destination, String type, String source, String... options) {
    ObjectNode mount = mounts.addObject();
    mount.put("destination", destination).put("type", type).put("source", source);
    if (options.length > 0) {
      strings(mount.putArray("options"), List.of(options));
    }
  }

  private static void strings(ArrayNode array, List<String> texts) {
    texts.forEach(array::add);
  }
}
