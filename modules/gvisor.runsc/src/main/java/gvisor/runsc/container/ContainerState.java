package gvisor.runsc.container;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.runsc.json.FieldReader;
import gvisor.runsc.json.Json;
import gvisor.runsc.json.MalformedJsonException;
import java.util.Map;

/**
 * What is recorded about a container between commands.
 *
 * @param id the container's name
 * @param ociVersion version its bundle follows
 * @param bundle absolute path of the bundle
 * @param rootfs absolute path of the root file system on the host
 * @param created when, as RFC 3339
 * @param phase how far its life had come when this was written
 * @param sandboxId the container whose sandbox this one is in: its own id, unless it joined another's
 * @param sandbox the sandbox process
 * @param gofer the gofer process
 * @param cgroup its control group on the host, as {@link gvisor.runsc.cgroup.CgroupPath} has it, or ""
 * @param annotations of its config.json
 */
public record ContainerState(
    String id,
    String ociVersion,
    String bundle,
    String rootfs,
    String created,
    Phase phase,
    String sandboxId,
    HostProcess sandbox,
    HostProcess gofer,
    String cgroup,
    Map<String, String> annotations) {

  /** Recorded progress; whether the sandbox is still alive is asked of the host. */
  public enum Phase {
    CREATING,
    CREATED,
    RUNNING,
    PAUSED
  }

  /** The status of {@code runtime.md}: creating, created, running, paused or stopped. */
  public String status() {
    if (!sandbox.isAlive() || !init().isAlive()) {
      return phase == Phase.CREATING && sandbox.pid() == 0 ? "creating" : "stopped";
    }
    return phase.name().toLowerCase(java.util.Locale.ROOT);
  }

  /** Whether the sandbox was made for this container, and ends with it. */
  public boolean isRoot() {
    return sandboxId.equals(id);
  }

  /**
   * The process of the host that stands for this container: it lives as long and ends with its exit status. Of a
   * sandbox' first container that is the sandbox; of any other it is its gofer.
   */
  public HostProcess init() {
    return isRoot() ? sandbox : gofer;
  }

  /** The same container further on in its life. */
  public ContainerState withPhase(Phase next) {
    return new ContainerState(id, ociVersion, bundle, rootfs, created, next, sandboxId, sandbox, gofer, cgroup, annotations);
  }

  /** The same container with its processes started. */
  public ContainerState withProcesses(HostProcess newSandbox, HostProcess newGofer) {
    return new ContainerState(
        id, ociVersion, bundle, rootfs, created, phase, sandboxId, newSandbox, newGofer, cgroup, annotations);
  }

  /** The state JSON of the OCI specification, as {@code state} prints it and hooks read it. */
  public ObjectNode toOci() {
    ObjectNode json = Json.object();
    String status = status();
    json.put("ociVersion", ociVersion).put("id", id);
    json.put("pid", status.equals("stopped") ? 0 : init().pid());
    json.put("status", status).put("bundle", bundle).put("rootfs", rootfs).put("created", created).put("owner", "");
    if (!annotations.isEmpty()) {
      ObjectNode notes = json.putObject("annotations");
      annotations.forEach(notes::put);
    }
    return json;
  }

  byte[] toFile() {
    ObjectNode json = Json.object();
    json.put("id", id).put("ociVersion", ociVersion).put("bundle", bundle).put("rootfs", rootfs);
    json.put("created", created).put("phase", phase.name());
    json.put("sandboxId", sandboxId).put("cgroup", cgroup);
    json.put("sandboxPid", sandbox.pid()).put("sandboxStartTicks", sandbox.startTicks());
    json.put("goferPid", gofer.pid()).put("goferStartTicks", gofer.startTicks());
    ObjectNode notes = json.putObject("annotations");
    annotations.forEach(notes::put);
    return Json.writeIndented(json);
  }

  static ContainerState fromFile(byte[] text) throws MalformedJsonException {
    JsonNode json = Json.read(text);
    FieldReader fields = FieldReader.of(json);
    Phase phase;
    try {
      phase = Phase.valueOf(fields.requiredString("phase"));
    } catch (IllegalArgumentException e) {
      throw fields.fault("phase", "is unknown");
    }
    return new ContainerState(
        fields.requiredString("id"),
        fields.requiredString("ociVersion"),
        fields.requiredString("bundle"),
        fields.string("rootfs", ""),
        fields.string("created", ""),
        phase,
        fields.string("sandboxId", fields.requiredString("id")),
        process(fields, "sandbox"),
        process(fields, "gofer"),
        fields.string("cgroup", ""),
        fields.stringMap("annotations"));
  }

  private static HostProcess process(FieldReader fields, String name) throws MalformedJsonException {
    return new HostProcess(
        fields.integer(name + "Pid", 0, Integer.MAX_VALUE, 0),
        fields.integer(name + "StartTicks", 0, Long.MAX_VALUE, 0));
  }
}
