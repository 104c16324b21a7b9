package gvisor.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import gvisor.api.abi.Stat;
import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class HostFileTest {
  private static final int ROUNDS = 3000;

  @TempDir Path directory;

  private static HostFile walk(HostFile from, String name) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment stat = arena.allocate(Stat.SIZE, 8);
      return from.walk(arena.allocateFrom(name), stat);
    }
  }

  @Test
  void namesLeadBeneathAndLinksNowhere() throws Exception {
    Path inside = Files.createDirectory(directory.resolve("inside"));
    Files.writeString(directory.resolve("secret"), "secret");
    Files.createSymbolicLink(inside.resolve("up"), Path.of(".."));
    Files.createSymbolicLink(inside.resolve("self"), Path.of("/proc/self/fd"));
    try (HostFile root = HostFile.open(inside.toString())) {
      for (String name : new String[] {"..", "../secret", "/etc"}) {
        assertEquals(Errno.EXDEV, assertThrows(ErrnoException.class, () -> walk(root, name)).errno(), name);
      }
      for (String name : new String[] {"up", "self"}) {
        try (HostFile link = walk(root, name)) {
          assertEquals(0xa000, link.type(), name);
          assertEquals(Errno.ENOTDIR, assertThrows(ErrnoException.class, () -> walk(link, "secret")).errno());
        }
      }
    }
  }

  /** Somebody on the host, or in another container with the same mount, keeps changing a directory into a link. */
  @Test
  @Timeout(60)
  void aDirectoryThatTurnsIntoALinkLeadsNowhere() throws Exception {
    Path inside = Files.createDirectory(directory.resolve("inside"));
    Path outside = Files.createDirectory(directory.resolve("outside"));
    Files.writeString(outside.resolve("secret"), "secret");
    Path name = Files.createDirectory(inside.resolve("name"));
    AtomicBoolean stop = new AtomicBoolean();
    Thread swapper = Thread.ofPlatform().start(() -> swap(inside, name, outside, stop));
    try (HostFile root = HostFile.open(inside.toString())) {
      for (int i = 0; i < ROUNDS; i++) {
        HostFile found = walk(root, "name");
        if (found == null) {
          continue;
        }
        try (found) {
          if (found.isDirectory()) {
            assertNull(walk(found, "secret"), "the secret is beneath no name");
          } else {
            assertEquals(0xa000, found.type());
          }
        }
      }
    } finally {
      stop.set(true);
      swapper.join();
    }
  }

  private static void swap(Path inside, Path name, Path outside, AtomicBoolean stop) {
    Path aside = inside.resolve("aside");
    try {
      while (!stop.get()) {
        Files.move(name, aside);
        Files.createSymbolicLink(name, outside);
        Files.delete(name);
        Files.move(aside, name, StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
