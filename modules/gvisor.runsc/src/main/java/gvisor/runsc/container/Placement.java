package gvisor.runsc.container;

import gvisor.runsc.CommandFailure;
import gvisor.runsc.spec.Spec;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which sandbox a new container goes into, and whose namespaces it shares there.
 *
 * <p>Two things put it into another container's sandbox: annotations of a pod (containerd's and CRI-O's, which podman
 * sets, too), and a namespace given as {@code /proc/PID/ns/TYPE} where PID is the host process that stands for a
 * container of this runtime, as in {@code docker run --network container:X}. In there a namespace that is listed with
 * such a path is that container's, one that is listed without is new, and one that is not listed at all, the host's for
 * another runtime, is that of the sandbox' first container.
 *
 * @param sandboxId the container whose sandbox it joins; null for one of its own
 * @param sandbox that sandbox' process
 * @param shared the container whose namespace it shares, by type as in {@code config.json}: network, ipc, uts, pid
 */
record Placement(String sandboxId, HostProcess sandbox, Map<String, String> shared) {
  private static final Pattern NAMESPACE_FILE = Pattern.compile("/proc/(\\d{1,10})/ns/[a-z_]+");

  /** What the Sentry has namespaces of. Everybody has a mount namespace of his own; others are not virtual. */
  private static final List<String> SHAREABLE = List.of("network", "ipc", "uts", "pid");

  /** Where the container manager says what a container is in a pod, and of which. */
  private enum Pod {
    CONTAINERD("io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id"),
    CRIO("io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID");

    final String typeKey;
    final String sandboxKey;

    Pod(String typeKey, String sandboxKey) {
      this.typeKey = typeKey;
      this.sandboxKey = sandboxKey;
    }
  }

  /** Whether it gets a sandbox of its own. */
  boolean isOwnSandbox() {
    return sandboxId == null;
  }

  /** Decides for container {@code id}, or says what cannot be. */
  static Placement of(String id, Spec spec, StateStore store) throws CommandFailure {
    ContainerState pod = pod(id, spec.annotations(), store);
    Map<String, String> shared = new LinkedHashMap<>();
    Set<String> listed = new HashSet<>();
    ContainerState place = pod;
    List<Spec.Namespace> namespaces = spec.linux().namespaces();
    for (int i = 0; i < namespaces.size(); i++) {
      Spec.Namespace namespace = namespaces.get(i);
      listed.add(namespace.type());
      if (namespace.path().isEmpty() || !isDecidedHere(namespace.type())) {
        continue;
      }
      String field = "linux.namespaces[" + i + "].path: " + namespace.path();
      ContainerState owner = owner(namespace.path(), store);
      if (owner == null) {
        if (pod != null && !namespace.type().equals("pid") && !namespace.type().equals("mount")) {
          shared.put(namespace.type(), pod.sandboxId()); // What the pod's own containers join is the pod's.
        } else if (!namespace.type().equals("network")) {
          throw new CommandFailure(
              field + " belongs to no running container below --root; the namespaces of other processes cannot be"
                  + " joined");
        }
        continue;
      }
      if (namespace.type().equals("mount")) {
        throw new CommandFailure(field + ": the mounts of another container cannot be joined");
      }
      if (place != null && !place.sandboxId().equals(owner.sandboxId())) {
        throw new CommandFailure(
            field + " is in the sandbox of container " + owner.sandboxId() + ", and the container goes into that of "
                + place.sandboxId());
      }
      place = owner;
      shared.put(namespace.type(), owner.id());
    }
    if (place == null) {
      return new Placement(null, HostProcess.NONE, Map.of());
    }
    for (String type : SHAREABLE) {
      if (!listed.contains(type)) {
        shared.put(type, place.sandboxId());
      }
    }
    return new Placement(place.sandboxId(), place.sandbox(), shared);
  }

  private static boolean isDecidedHere(String type) {
    return type.equals("mount") || SHAREABLE.contains(type);
  }

  /** A container of the pod whose sandbox the annotations name; null if they name none. */
  private static ContainerState pod(String id, Map<String, String> annotations, StateStore store)
      throws CommandFailure {
    for (Pod kind : Pod.values()) {
      String sandboxId = annotations.getOrDefault(kind.sandboxKey, "");
      if (!annotations.getOrDefault(kind.typeKey, "").equals("container") || sandboxId.equals(id)) {
        continue;
      }
      ContainerState found = null;
      try {
        found = store.load(sandboxId);
      } catch (CommandFailure e) {
        if (kind == Pod.CRIO) {
          // A pod without an infra container: its id is no container's, and its members share nothing of each other.
          continue;
        }
        throw new CommandFailure("annotation " + kind.sandboxKey + ": " + e.getMessage());
      }
      if (found.status().equals("stopped") || !found.sandbox().isAlive()) {
        throw new CommandFailure("annotation " + kind.sandboxKey + ": container \"" + sandboxId + "\" has ended");
      }
      return found;
    }
    return null;
  }

  /** The container whose host process a namespace file names, or null. */
  static ContainerState owner(String path, StateStore store) throws CommandFailure {
    Matcher matcher = NAMESPACE_FILE.matcher(path);
    if (!matcher.matches()) {
      return null;
    }
    long pid = Long.parseLong(matcher.group(1));
    for (ContainerState state : store.list()) {
      if (state.init().pid() == pid && state.init().isAlive() && state.sandbox().isAlive()) {
        return state;
      }
    }
    return null;
  }
}
