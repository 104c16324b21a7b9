package gvisor.sentry.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class HomeDirectoryTest {
  private static final String USERS =
      "root:x:0:0:root:/root:/bin/sh\nbad line\n\nu:x:7:7::/home/u:\nhigh:x:4294967294:1::/h:\n";

  @Test
  void theFirstLineOfTheUserSays() {
    assertEquals("/root", HomeDirectory.of(USERS, 0));
    assertEquals("/home/u", HomeDirectory.of(USERS, 7));
    assertEquals("/h", HomeDirectory.of(USERS, -2));
  }

  @Test
  void whoIsNotThereLivesInTheRoot() {
    assertEquals("/", HomeDirectory.of(USERS, 8));
    assertEquals("/", HomeDirectory.of("", 0));
    assertEquals("/", HomeDirectory.of("root:x:0:0:root::/bin/sh", 0));
  }
}
