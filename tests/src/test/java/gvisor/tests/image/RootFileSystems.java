package gvisor.tests.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;

/** The root file systems of {@code tests/rootfs}. */
public final class RootFileSystems {
  private RootFileSystems() {}

  /** The one called {@code name}; the test is skipped where it cannot be made. */
  public static Path get(String name) throws IOException, InterruptedException {
    Path script = Path.of("rootfs", name).toAbsolutePath();
    Programs.Result result = Programs.run(Path.of(".").toAbsolutePath(), Map.of(), 1800, List.of(script.toString()));
    Assumptions.assumeTrue(
        result.exitCode() == 0, () -> "no " + name + " root file system: " + result.err().strip());
    return Path.of(result.out().strip());
  }
}
