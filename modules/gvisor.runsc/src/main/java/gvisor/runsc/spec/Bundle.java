package gvisor.runsc.spec;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;

/**
 * A bundle that was read.
 *
 * @param directory absolute path
 * @param json its config.json, for the sandbox, which reads it by itself
 * @param spec the same, checked
 */
public record Bundle(Path directory, JsonNode json, Spec spec) {
  /** The root file system: an absolute path on the host. */
  public Path rootfs() {
    return directory.resolve(spec.root().path()).normalize();
  }
}
