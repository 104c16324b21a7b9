package gvisor.api.platform;

import gvisor.api.mem.MemoryFile;
import java.io.IOException;

/** Finds out whether a platform works on this machine, and opens it. Found by {@link java.util.ServiceLoader}. */
public interface PlatformProvider {
  /** The name {@code --platform} takes. */
  String name();

  /** Rank among the platforms that work here when none is named; higher is preferred. */
  int preference();

  /** Null if the platform works on this machine now, else one line that says why not and what to do about it. */
  String unavailableReason();

  /** Null for a platform to rely on, else one line that says what is known not to work on it yet. */
  default String limitation() {
    return null;
  }

  /**
   * Opens the platform for one sandbox whose application memory is {@code memory}.
   *
   * @throws IOException with a one-line message, when the host refuses
   */
  Platform open(MemoryFile memory) throws IOException;
}
