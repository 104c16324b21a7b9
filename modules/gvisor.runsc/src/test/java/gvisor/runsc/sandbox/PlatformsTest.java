package gvisor.runsc.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import gvisor.api.mem.MemoryFile;
import gvisor.api.platform.Platform;
import gvisor.api.platform.PlatformProvider;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlatformsTest {
  /** A platform that never opens. */
  private static final class Fake implements PlatformProvider {
    private final String name;
    private final int preference;
    private final String reason;
    private boolean tried;

    Fake(String name, int preference, String reason) {
      this.name = name;
      this.preference = preference;
      this.reason = reason;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public int preference() {
      return preference;
    }

    @Override
    public String unavailableReason() {
      tried = true;
      return reason;
    }

    @Override
    public Platform open(MemoryFile memory) {
      throw new IllegalStateException();
    }
  }

  private final Fake slow = new Fake("slow", 5, null);
  private final Fake medium = new Fake("medium", 10, null);
  private final Fake broken = new Fake("broken", 20, "it has no wheels: put some on");

  @Test
  void theHighestThatWorksIsChosenAndNoLowerOneIsTried() throws Exception {
    assertEquals(medium, Platforms.choose(List.of(slow, broken, medium), ""));
    assertFalse(slow.tried);
  }

  @Test
  void aNameIsFollowed() throws Exception {
    assertEquals(slow, Platforms.choose(List.of(slow, broken, medium), "slow"));
    assertFalse(medium.tried);
  }

  @Test
  void whatCannotBeChosenIsSaidInOneLine() {
    assertEquals("--platform=abacus is unknown; this image has slow, medium", message(List.of(slow, medium), "abacus"));
    assertEquals(
        "--platform=broken is not available: it has no wheels: put some on", message(List.of(slow, broken), "broken"));
    assertEquals(
        "no platform works on this machine: broken: it has no wheels: put some on; late: no rails",
        message(List.of(new Fake("late", 1, "no rails"), broken), ""));
  }

  private static String message(List<PlatformProvider> all, String name) {
    return assertThrows(IOException.class, () -> Platforms.choose(all, name)).getMessage();
  }
}
