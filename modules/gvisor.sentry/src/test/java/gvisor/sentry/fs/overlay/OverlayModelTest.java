package gvisor.sentry.fs.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.FileTree;
import gvisor.sentry.vfs.StatBuf;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random calls on an overlay and, the same ones, on an equal tree of the host that is written to directly: every outcome
 * must be the same.
 */
@Timeout(120)
final class OverlayModelTest {
  private static final String[] NAMES = {"a", "b", "c", "d"};

  @TempDir Path lower;
  @TempDir Path plain;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void overlayBehavesLikeAPlainTree(long seed) throws Exception {
    populate(lower);
    populate(plain);
    Random random = new Random(seed);
    try (FileTree overlay = new FileTree(); FileTree direct = new FileTree()) {
      overlay.mount(OverlayFilesystem.mount(overlay.numbers, overlay.tmpfs(), overlay.gofer(lower, true),
          overlay.pages, FileTree.CLOCK));
      direct.mount(direct.gofer(plain, true));
      for (int i = 0; i < 3000; i++) {
        int op = random.nextInt(13);
        String p = path(random);
        String q = path(random);
        int n = random.nextInt(5);
        String what = i + ": " + op + " " + p + " " + q + " " + n;
        assertEquals(outcome(direct, op, p, q, n), outcome(overlay, op, p, q, n), what);
        if (i % 500 == 0) {
          System.gc();
        }
      }
    }
  }

  /** Many at once: nothing but an errno comes of it, nothing hangs, and the tree can be taken apart afterwards. */
  @Test
  void concurrentCallsEnd() throws Exception {
    populate(lower);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    try (FileTree overlay = new FileTree()) {
      overlay.mount(OverlayFilesystem.mount(overlay.numbers, overlay.tmpfs(), overlay.gofer(lower, true),
          overlay.pages, FileTree.CLOCK));
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < 6; t++) {
        Random random = new Random(t);
        threads.add(Thread.ofPlatform().start(() -> {
          try {
            for (int i = 0; i < 3000; i++) {
              // Listing compares with stat, which others make fail.
              int op = random.nextInt(11);
              outcome(overlay, op, path(random), path(random), random.nextInt(5));
            }
          } catch (Throwable e) {
            failure.set(e);
          }
        }));
      }
      for (Thread t : threads) {
        t.join();
      }
      assertNull(failure.get());
      for (String name : overlay.list("/")) {
        removeTree(overlay, "/" + name);
      }
      assertEquals(0, overlay.list("/").size());
    }
  }

  private static void removeTree(FileTree t, String path) throws ErrnoException {
    if ((t.stat(path).mode & 0170000) != 0040000) {
      t.unlink(path);
      return;
    }
    for (String name : t.list(path)) {
      removeTree(t, path + "/" + name);
    }
    t.rmdir(path);
  }

  private static void populate(Path root) throws Exception {
    for (String x : NAMES) {
      Path d = Files.createDirectory(root.resolve(x));
      for (String y : new String[] {"a", "b"}) {
        Files.writeString(d.resolve(y), x + y);
      }
      Path e = Files.createDirectory(d.resolve("c"));
      Files.writeString(e.resolve("a"), x + "ca");
      Files.createSymbolicLink(e.resolve("b"), Path.of("../a"));
    }
    Files.createLink(root.resolve("a/d"), root.resolve("b/a"));
    Files.createLink(root.resolve("c/d"), root.resolve("b/a"));
  }

  private static String path(Random random) {
    StringBuilder s = new StringBuilder();
    int depth = 1 + random.nextInt(3);
    for (int i = 0; i < depth; i++) {
      s.append('/').append(NAMES[random.nextInt(NAMES.length)]);
    }
    return s.toString();
  }

  private static String outcome(FileTree t, int op, String p, String q, int n) {
    try {
      return switch (op) {
        case 0 -> {
          t.write(p, "w" + n);
          yield "";
        }
        case 1 -> {
          t.append(p, "+" + n);
          yield "";
        }
        case 2 -> {
          t.truncate(p, n);
          yield "";
        }
        case 3 -> {
          t.mkdir(p);
          yield "";
        }
        case 4 -> {
          t.rmdir(p);
          yield "";
        }
        case 5 -> {
          t.unlink(p);
          yield "";
        }
        case 6, 7 -> {
          t.rename(p, q);
          yield "";
        }
        case 8 -> {
          t.link(p, q);
          yield "";
        }
        case 9 -> {
          t.symlink("../" + NAMES[n % NAMES.length], p);
          yield "";
        }
        case 10 -> {
          if (n == 0) {
            t.exchange(p, q);
          } else {
            t.chmod(p, 0600 + n);
          }
          yield "";
        }
        case 11 -> t.list(p).toString();
        default -> {
          StatBuf s = t.stat(p);
          boolean isDirectory = (s.mode & 0170000) == 0040000;
          String links = isDirectory ? "" : " links " + s.nlink + " size " + s.size;
          yield Integer.toOctalString(s.mode) + links + (isDirectory ? "" : " " + t.read(p));
        }
      };
    } catch (ErrnoException e) {
      return e.errno().name();
    }
  }
}
