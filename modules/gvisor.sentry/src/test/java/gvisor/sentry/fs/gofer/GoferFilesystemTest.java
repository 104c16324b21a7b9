package gvisor.sentry.fs.gofer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.FileTree;
import gvisor.sentry.mm.Mappable;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.OpenFlags;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class GoferFilesystemTest {
  @TempDir Path directory;
  private FileTree tree;

  @BeforeEach
  void start() throws Exception {
    Files.writeString(directory.resolve("file"), "hello");
    Files.createDirectories(directory.resolve("a/b/c"));
    Files.writeString(directory.resolve("a/b/deep"), "deep");
    Files.createSymbolicLink(directory.resolve("link"), Path.of("a/b/deep"));
    tree = new FileTree();
  }

  @AfterEach
  void stop() throws Exception {
    tree.close();
  }

  private void mount(boolean exclusive) throws Exception {
    tree.mount(tree.gofer(directory, exclusive));
  }

  @Test
  void readsThroughLinksAndDirectories() throws Exception {
    mount(true);
    assertEquals("hello", tree.read("/file"));
    assertEquals("deep", tree.read("/link"));
    assertEquals("deep", tree.read("/a/./b/../b/deep"));
    assertEquals(5, tree.stat("/file").size);
    assertEquals(Set.of("a", "file", "link"), tree.list("/"));
    assertErrno(Errno.ENOENT, () -> tree.read("/none"));
    assertErrno(Errno.ENOTDIR, () -> tree.read("/file/x"));
  }

  @Test
  void changesReachTheHost() throws Exception {
    mount(true);
    tree.write("/new", "content");
    assertEquals("content", Files.readString(directory.resolve("new")));
    assertEquals(7, tree.stat("/new").size);
    tree.append("/new", " and more");
    assertEquals("content and more", tree.read("/new"));
    assertEquals(16, tree.stat("/new").size);
    tree.truncate("/new", 3);
    assertEquals("con", tree.read("/new"));
    tree.chmod("/new", 0600);
    assertEquals(0100600, tree.stat("/new").mode);
    tree.mkdir("/dir");
    tree.rename("/new", "/dir/moved");
    assertFalse(tree.exists("/new"));
    assertEquals("con", tree.read("/dir/moved"));
    tree.link("/dir/moved", "/hard");
    assertEquals(2, tree.stat("/hard").nlink);
    assertEquals(tree.stat("/hard").ino, tree.stat("/dir/moved").ino);
    tree.unlink("/dir/moved");
    assertEquals(1, tree.stat("/hard").nlink);
    assertEquals("con", tree.read("/hard"));
    tree.symlink("hard", "/soft");
    assertEquals("con", tree.read("/soft"));
    assertErrno(Errno.ENOTEMPTY, () -> tree.rmdir("/a"));
    tree.rmdir("/dir");
    assertEquals(Set.of("a", "file", "link", "hard", "soft"), tree.list("/"));
    try (var names = Files.list(directory)) {
      assertEquals(5, names.count());
    }
  }

  @Test
  void directoryIsRightWhileItIsChangedBetweenListings() throws Exception {
    mount(true);
    TreeSet<String> expected = new TreeSet<>();
    tree.mkdir("/many");
    for (int i = 0; i < 300; i++) {
      tree.write("/many/f" + i, "" + i);
      expected.add("f" + i);
      if (i % 3 == 0) {
        assertFalse(tree.exists("/many/g" + i));
      }
      if (i % 7 == 0) {
        tree.unlink("/many/f" + i);
        expected.remove("f" + i);
        assertFalse(tree.exists("/many/f" + i));
      }
      if (i % 50 == 0) {
        assertEquals(expected, tree.list("/many"));
      }
    }
    assertEquals(expected, tree.list("/many"));
    for (String name : expected) {
      assertEquals(name.substring(1), tree.read("/many/" + name));
      tree.unlink("/many/" + name);
    }
    assertEquals(Set.of(), tree.list("/many"));
    tree.rmdir("/many");
  }

  @Test
  void moreFilesThanFidsAreKept() throws Exception {
    Path many = Files.createDirectory(directory.resolve("many"));
    for (int i = 0; i < 2500; i++) {
      Files.writeString(many.resolve("f" + i), "x" + i);
    }
    mount(true);
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 2500; i++) {
        assertEquals("x" + i, tree.read("/many/f" + i));
      }
    }
    tree.chmod("/many/f0", 0600);
    assertEquals(0100600, tree.stat("/many/f0").mode);
  }

  @Test
  void removedFileLivesWhileItIsOpen() throws Exception {
    mount(true);
    FileDescription f = tree.open("/file", OpenFlags.O_RDWR);
    tree.unlink("/file");
    assertFalse(Files.exists(directory.resolve("file")));
    assertEquals("hello", tree.read(f, 0, 100));
    tree.write(f, "J", 0);
    assertEquals("Jello", tree.read(f, 0, 100));
    tree.write("/file", "another");
    assertEquals("Jello", tree.read(f, 0, 100));
    assertEquals("another", tree.read("/file"));
    f.close();
    tree.rename("/file", "/renamed");
    FileDescription g = tree.open("/renamed", OpenFlags.O_RDONLY);
    tree.write("/over", "over");
    tree.rename("/over", "/renamed");
    assertEquals("another", tree.read(g, 0, 100));
    assertEquals("over", tree.read("/renamed"));
    g.close();
  }

  @Test
  void spaceOfRemovedFilesIsGivenBackAtOnce() throws Exception {
    mount(true);
    tree.write("/big", "x".repeat(100_000));
    FileDescription f = tree.open("/big", OpenFlags.O_RDONLY);
    int[] run = new int[1];
    long at = f.ops().mappable(f).pages(0, 25, false, run);
    tree.pages.release(at, run[0] * 4096L);
    tree.unlink("/big");
    assertTrue(hasDeletedOpen());
    assertEquals("x", tree.read(f, 99_999, 10));
    f.close();
    assertEquals(0, tree.pages.allocatedBytes());
    // Batched, but no file is kept open by a batch of fids for long: every 64th sends it.
    for (int i = 0; i < 70; i++) {
      tree.write("/t", "");
      tree.unlink("/t");
    }
    assertFalse(hasDeletedOpen());
  }

  private boolean hasDeletedOpen() throws Exception {
    try (var fds = Files.list(Path.of("/proc/self/fd"))) {
      return fds.anyMatch(p -> target(p).equals(directory + "/big (deleted)"));
    }
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (java.io.IOException e) {
      return "";
    }
  }

  @Test
  void exchangeSwapsNames() throws Exception {
    mount(true);
    tree.exchange("/file", "/a/b/deep");
    assertEquals("deep", tree.read("/file"));
    assertEquals("hello", tree.read("/a/b/deep"));
    tree.exchange("/file", "/a");
    assertEquals("hello", tree.read("/file/b/deep"));
    assertEquals("deep", tree.read("/a"));
  }

  @Test
  void pagesAreSharedAndAgreeWithReadAndWrite() throws Exception {
    byte[] content = new byte[300_000];
    for (int i = 0; i < content.length; i++) {
      content[i] = (byte) (i / 4096 + 1);
    }
    Files.write(directory.resolve("big"), content);
    mount(true);
    FileDescription f = tree.open("/big", OpenFlags.O_RDWR);
    FileDescription g = tree.open("/big", OpenFlags.O_RDONLY);
    Mappable pages = f.ops().mappable(f);
    int[] run = new int[1];
    long at = pages.pages(4096, 100, false, run);
    assertEquals(63, run[0]);
    assertEquals(2, tree.memory.memory().get(ValueLayout.JAVA_BYTE, at));
    assertEquals(at, g.ops().mappable(g).pages(4096, 1, false, run));
    tree.pages.release(at, 4096);
    long tail = pages.pages(299_008, 100, false, run);
    assertEquals(1, run[0]);
    assertEquals(0, tree.memory.memory().get(ValueLayout.JAVA_BYTE, tail + 300_000 - 299_008));
    assertEquals(Mappable.BEYOND_END, pages.pages(303_104, 1, false, run));

    tree.write(g.isWritable() ? g : f, "Z", 4096);
    assertEquals('Z', tree.memory.memory().get(ValueLayout.JAVA_BYTE, at));

    long stored = pages.pages(4096, 1, true, run);
    assertEquals(at, stored);
    tree.memory.memory().set(ValueLayout.JAVA_BYTE, at, (byte) 'Y');
    assertEquals("Y", tree.read(g, 4096, 1));
    assertEquals('Z', Files.readAllBytes(directory.resolve("big"))[4096]);
    pages.writeBack(0, Long.MAX_VALUE);
    assertEquals('Y', Files.readAllBytes(directory.resolve("big"))[4096]);

    tree.truncate("/big", 5000);
    assertEquals(Mappable.BEYOND_END, pages.pages(8192, 1, false, run));
    assertEquals(5000, tree.stat("/big").size);
    f.close();
    g.close();
  }

  @Test
  void pagesOfManyFilesStayWithinTheBudget() throws Exception {
    for (int i = 0; i < 64; i++) {
      Files.write(directory.resolve("p" + i), new byte[256 * 1024]);
    }
    mount(true);
    int[] run = new int[1];
    for (int i = 0; i < 64; i++) {
      FileDescription f = tree.open("/p" + i, OpenFlags.O_RDONLY);
      long at = f.ops().mappable(f).pages(0, 64, false, run);
      tree.pages.release(at, run[0] * 4096L);
      f.close();
    }
    assertTrue(tree.pages.allocatedBytes() <= 9 << 20, "allocated " + tree.pages.allocatedBytes());
  }

  @Test
  void sharedTreeNoticesWhatOthersDo() throws Exception {
    mount(false);
    assertFalse(tree.exists("/later"));
    assertEquals("hello", tree.read("/file"));
    Files.writeString(directory.resolve("later"), "now");
    Files.writeString(directory.resolve("file"), "changed by others");
    Files.delete(directory.resolve("link"));
    Thread.sleep(GoferSuperblock.SHARED_TTL_NANOS / 1_000_000 + 5);
    assertEquals("now", tree.read("/later"));
    assertEquals("changed by others", tree.read("/file"));
    assertEquals(17, tree.stat("/file").size);
    assertFalse(tree.exists("/link"));
    assertEquals(Set.of("a", "file", "later"), tree.list("/"));
    long before = tree.stat("/file").ino;
    Files.writeString(directory.resolve("fresh"), "other file");
    Files.move(directory.resolve("fresh"), directory.resolve("file"),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    Thread.sleep(GoferSuperblock.SHARED_TTL_NANOS / 1_000_000 + 5);
    assertEquals("other file", tree.read("/file"));
    assertNotEquals(before, tree.stat("/file").ino);
  }

  @Test
  void sharedFileIsMappedAnewAfterOthersChangedIt() throws Exception {
    mount(false);
    int[] run = new int[1];
    FileDescription f = tree.open("/file", OpenFlags.O_RDONLY);
    long at = f.ops().mappable(f).pages(0, 1, false, run);
    assertEquals('h', tree.memory.memory().get(ValueLayout.JAVA_BYTE, at));
    tree.pages.release(at, 4096);
    Files.writeString(directory.resolve("file"), "changed");
    FileDescription g = tree.open("/file", OpenFlags.O_RDONLY);
    at = g.ops().mappable(g).pages(0, 1, false, run);
    assertEquals('c', tree.memory.memory().get(ValueLayout.JAVA_BYTE, at));
    tree.pages.release(at, 4096);
    f.close();
    g.close();
  }

  @Test
  void deadGoferIsEio() throws Exception {
    mount(true);
    FileDescription f = tree.open("/file", OpenFlags.O_RDONLY);
    tree.killGofer();
    assertEquals("hello", tree.read(f, 0, 10));
    assertErrno(Errno.EIO, () -> tree.read("/a/b/deep"));
    assertErrno(Errno.EIO, () -> tree.write("/x", ""));
    assertErrno(Errno.EIO, () -> tree.unlink("/file"));
    f.close();
  }

  private interface Call {
    void run() throws Exception;
  }

  private static void assertErrno(Errno errno, Call call) {
    assertEquals(errno, assertThrows(ErrnoException.class, call::run).errno());
  }
}
