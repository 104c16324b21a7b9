package gvisor.runsc.container;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.host.IdMaps;
import gvisor.runsc.CommandFailure;
import gvisor.runsc.spec.Bundle;
import gvisor.runsc.spec.Spec;
import gvisor.runsc.spec.SpecReader;
import java.nio.file.Path;
import java.util.List;

/**
 * The user namespace of a container: its gofer lives in one of the host with these maps, so that the host's kernel says
 * who owns which file and what root in there may do with it; the sandbox' kernel knows which ids there are.
 */
final class UserNamespace {
  private UserNamespace() {}

  /**
   * Gives {@code bundle} the mappings of the container whose user namespace it joins by path; it has its own otherwise.
   */
  static Bundle resolve(Bundle bundle, StateStore store) throws CommandFailure {
    List<Spec.Namespace> namespaces = bundle.spec().linux().namespaces();
    for (int i = 0; i < namespaces.size(); i++) {
      Spec.Namespace namespace = namespaces.get(i);
      if (!namespace.type().equals("user") || namespace.path().isEmpty()) {
        continue;
      }
      ContainerState owner = Placement.owner(namespace.path(), store);
      if (owner == null) {
        throw new CommandFailure(
            "linux.namespaces[" + i + "].path: " + namespace.path() + " belongs to no running container below --root;"
                + " the namespaces of other processes cannot be joined");
      }
      Bundle its = resolve(SpecReader.readBundle(Path.of(owner.bundle())), store);
      return new Bundle(bundle.directory(), bundle.json(), withMappings(bundle, its.spec().linux()));
    }
    return bundle;
  }

  /** The checked specification, and in it the JSON that the sandbox gets, with the mappings of {@code other}. */
  private static Spec withMappings(Bundle bundle, Spec.Linux other) throws CommandFailure {
    ObjectNode linux = (ObjectNode) bundle.json().path("linux");
    put(linux.putArray("uidMappings"), other.uidMappings());
    put(linux.putArray("gidMappings"), other.gidMappings());
    return SpecReader.readAgain(bundle.json());
  }

  private static void put(ArrayNode array, List<Spec.IdMapping> mappings) {
    for (Spec.IdMapping m : mappings) {
      array.addObject().put("containerID", m.containerId()).put("hostID", m.hostId()).put("size", m.size());
    }
  }

  /** The maps for a gofer, or null without a user namespace. */
  static IdMaps maps(Spec spec) {
    Spec.Linux linux = spec.linux();
    return linux.uidMappings().isEmpty()
        ? null
        : new IdMaps(lines(linux.uidMappings()), lines(linux.gidMappings()), false);
  }

  private static String lines(List<Spec.IdMapping> mappings) {
    StringBuilder lines = new StringBuilder();
    for (Spec.IdMapping m : mappings) {
      lines.append(m.containerId()).append(' ').append(m.hostId()).append(' ').append(m.size()).append('\n');
    }
    return lines.toString();
  }
}
