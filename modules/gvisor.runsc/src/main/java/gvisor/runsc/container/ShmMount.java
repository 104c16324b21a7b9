package gvisor.runsc.container;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import gvisor.runsc.spec.Bundle;
import gvisor.runsc.spec.Spec;
import gvisor.sentry.boot.MountSpec;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * {@code /dev/shm} of containers that share it. Container managers make a tmpfs on the host, called {@code shm}, and
 * bind it into each. What is in it belongs to the sandbox alone, and containers of one sandbox have to see each other's
 * stores at once, so it becomes a tmpfs of the sandbox', which whoever names the same source shares.
 */
final class ShmMount {
  private static final String DESTINATION = "/dev/shm";

  private ShmMount() {}

  /** Whether {@code mount} is such a bind mount. The host's own {@code /dev/shm} is not: its processes share that. */
  static boolean is(Spec.Mount mount) {
    return mount.isBind()
        && mount.destination().equals(DESTINATION)
        && !mount.source().equals(DESTINATION)
        && mount.source().endsWith("/shm")
        && bytes(mount.source()) > 0;
  }

  /** Changes it in the specification that the sandbox gets. */
  static void translate(Bundle bundle) {
    List<Spec.Mount> mounts = bundle.spec().mounts();
    for (int i = 0; i < mounts.size(); i++) {
      if (is(mounts.get(i)) && bundle.json().path("mounts").path(i) instanceof ObjectNode mount) {
        mount.put("type", MountSpec.SHARED_MEMORY);
        ArrayNode options = mount.putArray("options");
        for (String option : mounts.get(i).options()) {
          if (!option.equals("bind") && !option.equals("rbind")) {
            options.add(option);
          }
        }
        options.add("mode=1777").add("size=" + bytes(mounts.get(i).source()));
      }
    }
  }

  /** The size of the tmpfs that {@code source} is in; 0 if it is in none. */
  private static long bytes(String source) {
    try {
      FileStore store = Files.getFileStore(Path.of(source));
      return store.type().equals("tmpfs") ? store.getTotalSpace() : 0;
    } catch (IOException e) {
      return 0;
    }
  }
}
