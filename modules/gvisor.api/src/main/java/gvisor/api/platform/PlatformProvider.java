package gvisor.api.platform;

import gvisor.api.mem.MemoryFile;
import java.io.IOException;

/** Finds out whether a platform works on this machine, and opens it. Found by {@link java.util.ServiceLoader}. */
public interface PlatformProvider {
  /** The name {@code --platform} takes. */
  String name();

  /**
   * Rank among the platforms that work here when none is named; higher is preferred. Says how fast it would be if it
   * works, and tries it out only where that may put it first.
   */
  int preference();

  /** Null if the platform works on this machine now, else one line that says why not and what to do about it. */
  String unavailableReason();

  /** After {@link #unavailableReason} said null: what was found out about this machine, in one line; "" if nothing. */
  default String findings() {
    return "";
  }

  /**
   * Whether {@link #open} opens files of the host or needs privileges there. One that does not is opened when the sandbox
   * has given both up.
   */
  default boolean opensFiles() {
    return true;
  }

  /**
   * Opens the platform for one sandbox whose application memory is {@code memory}.
   *
   * @throws IOException with a one-line message, when the host refuses
   */
  Platform open(MemoryFile memory) throws IOException;
}
