package gvisor.sentry.fs.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.FileTree;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.OpenFlags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class OverlayTest {
  @TempDir Path directory;
  private FileTree tree;
  private TreeMap<String, String> before;

  @BeforeEach
  void start() throws Exception {
    Files.writeString(directory.resolve("file"), "hello");
    Files.setLastModifiedTime(directory.resolve("file"), FileTime.fromMillis(1_000_000));
    Files.createDirectories(directory.resolve("dir/sub"));
    Files.writeString(directory.resolve("dir/one"), "1");
    Files.writeString(directory.resolve("dir/two"), "2");
    Files.writeString(directory.resolve("dir/sub/three"), "3");
    Files.createSymbolicLink(directory.resolve("link"), Path.of("dir/one"));
    Files.createLink(directory.resolve("hard1"), directory.resolve("file"));
    Files.createLink(directory.resolve("dir/hard2"), directory.resolve("file"));
    before = snapshot();
    tree = new FileTree();
    tree.mount(OverlayFilesystem.mount(tree.numbers, tree.tmpfs(), tree.gofer(directory, true), tree.pages,
        FileTree.CLOCK));
  }

  /** Whatever a test did, nothing of it may have reached the lower tree. */
  @AfterEach
  void stop() throws Exception {
    tree.close();
    assertEquals(before, snapshot());
  }

  private TreeMap<String, String> snapshot() throws IOException {
    TreeMap<String, String> all = new TreeMap<>();
    try (var paths = Files.walk(directory)) {
      for (Path p : paths.toList()) {
        String content = Files.isRegularFile(p, java.nio.file.LinkOption.NOFOLLOW_LINKS) ? Files.readString(p) : "";
        all.put(directory.relativize(p).toString(),
            Files.getAttribute(p, "unix:mode", java.nio.file.LinkOption.NOFOLLOW_LINKS) + content);
      }
    }
    return all;
  }

  @Test
  void readsTheLowerTree() throws Exception {
    assertEquals("hello", tree.read("/file"));
    assertEquals("1", tree.read("/link"));
    assertEquals(Set.of("dir", "file", "link", "hard1"), tree.list("/"));
    assertEquals(3, tree.stat("/file").nlink);
  }

  @Test
  void writingCopiesUpAndKeepsWhatTheFileIs() throws Exception {
    var s = tree.stat("/file");
    FileDescription old = tree.open("/file", OpenFlags.O_RDONLY);
    tree.append("/file", " world");
    assertEquals("hello world", tree.read("/file"));
    var t = tree.stat("/file");
    assertEquals(s.ino, t.ino);
    assertEquals(s.mode, t.mode);
    assertEquals(s.uid, t.uid);
    assertEquals(11, t.size);
    assertEquals(3, t.nlink);
    assertEquals("hello", tree.read(old, 0, 100));
    old.close();
  }

  @Test
  void copyKeepsTimes() throws Exception {
    tree.chmod("/file", 0600);
    var s = tree.stat("/file");
    assertEquals(0100600, s.mode);
    assertEquals(1_000_000L * 1_000_000, s.mtime);
    assertEquals("hello", tree.read("/file"));
  }

  @Test
  void otherNamesOfACopiedFileLeadToTheCopy() throws Exception {
    tree.append("/file", "!");
    assertEquals("hello!", tree.read("/hard1"));
    assertEquals("hello!", tree.read("/dir/hard2"));
    assertEquals(tree.stat("/file").ino, tree.stat("/dir/hard2").ino);
    tree.unlink("/file");
    assertEquals(2, tree.stat("/hard1").nlink);
    tree.rename("/hard1", "/dir/hard3");
    assertEquals(2, tree.stat("/dir/hard3").nlink);
    assertEquals("hello!", tree.read("/dir/hard3"));
    tree.append("/dir/hard2", "?");
    assertEquals("hello!?", tree.read("/dir/hard3"));
    tree.unlink("/dir/hard2");
    assertEquals(1, tree.stat("/dir/hard3").nlink);
    assertEquals("hello!?", tree.read("/dir/hard3"));
  }

  @Test
  void fileCanBeChangedByTheNameThatIsLeft() throws Exception {
    assertEquals("hello", tree.read("/hard1"));
    tree.unlink("/file");
    tree.chmod("/hard1", 0600);
    assertEquals("hello", tree.read("/dir/hard2"));
    assertEquals(0100600, tree.stat("/dir/hard2").mode);
    tree.write("/x", "x");
    tree.rename("/x", "/hard1");
    assertEquals(1, tree.stat("/dir/hard2").nlink);
    tree.append("/dir/hard2", "!");
    assertEquals("hello!", tree.read("/dir/hard2"));
  }

  @Test
  void linksToLowerFiles() throws Exception {
    tree.link("/dir/one", "/one");
    assertEquals(2, tree.stat("/one").nlink);
    tree.write("/one", "uno");
    assertEquals("uno", tree.read("/dir/one"));
    assertEquals(Set.of("dir", "file", "link", "hard1", "one"), tree.list("/"));
  }

  @Test
  void removedNamesStayAwayAndCanBeMadeAgain() throws Exception {
    tree.unlink("/dir/one");
    assertFalse(tree.exists("/dir/one"));
    assertEquals(Set.of("two", "sub", "hard2"), tree.list("/dir"));
    assertErrno(Errno.ENOENT, () -> tree.read("/link"));
    tree.write("/dir/one", "new one");
    assertEquals("new one", tree.read("/link"));
    tree.unlink("/dir/one");
    assertFalse(tree.exists("/dir/one"));
    tree.mkdir("/dir/one");
    assertEquals(Set.of(), tree.list("/dir/one"));
  }

  @Test
  void directoryMadeInPlaceOfARemovedOneIsEmpty() throws Exception {
    assertErrno(Errno.ENOTEMPTY, () -> tree.rmdir("/dir/sub"));
    tree.unlink("/dir/sub/three");
    assertEquals(Set.of(), tree.list("/dir/sub"));
    tree.rmdir("/dir/sub");
    assertFalse(tree.exists("/dir/sub"));
    tree.mkdir("/dir/sub");
    assertEquals(Set.of(), tree.list("/dir/sub"));
    assertFalse(tree.exists("/dir/sub/three"));
    tree.write("/dir/sub/three", "another");
    assertEquals("another", tree.read("/dir/sub/three"));
  }

  @Test
  void directoriesAreMovedWithWhatIsBelow() throws Exception {
    tree.write("/dir/sub/four", "4");
    tree.rename("/dir", "/moved");
    assertFalse(tree.exists("/dir"));
    assertEquals(Set.of("one", "two", "sub", "hard2"), tree.list("/moved"));
    assertEquals("3", tree.read("/moved/sub/three"));
    assertEquals("4", tree.read("/moved/sub/four"));
    tree.append("/moved/one", "+");
    assertEquals("1+", tree.read("/moved/one"));
    tree.rename("/moved/sub", "/sub");
    assertEquals(Set.of("three", "four"), tree.list("/sub"));
    tree.mkdir("/dir");
    assertEquals(Set.of(), tree.list("/dir"));
    tree.rename("/sub", "/dir");
    assertEquals("3", tree.read("/dir/three"));
  }

  @Test
  void filesReplaceEachOther() throws Exception {
    tree.rename("/dir/one", "/dir/two");
    assertEquals("1", tree.read("/dir/two"));
    assertFalse(tree.exists("/dir/one"));
    tree.write("/x", "x");
    tree.rename("/x", "/dir/two");
    assertEquals("x", tree.read("/dir/two"));
    tree.unlink("/dir/two");
    assertEquals(Set.of("sub", "hard2"), tree.list("/dir"));
    tree.exchange("/file", "/dir/sub");
    assertEquals("hello", tree.read("/dir/sub"));
    assertEquals("3", tree.read("/file/three"));
    assertErrno(Errno.ENOTEMPTY, () -> {
      tree.mkdir("/empty");
      tree.rename("/empty", "/file");
    });
  }

  @Test
  void removedFileLivesWhileItIsOpen() throws Exception {
    FileDescription low = tree.open("/dir/one", OpenFlags.O_RDONLY);
    FileDescription high = tree.open("/dir/two", OpenFlags.O_RDWR);
    tree.unlink("/dir/one");
    tree.unlink("/dir/two");
    tree.write(high, "II", 0);
    assertEquals("1", tree.read(low, 0, 10));
    assertEquals("II", tree.read(high, 0, 10));
    low.close();
    high.close();
  }

  @Test
  void truncatingCopiesNoMoreThanItKeeps() throws Exception {
    tree.truncate("/file", 2);
    assertEquals("he", tree.read("/file"));
    tree.write("/hard1", "over");
    assertEquals("over", tree.read("/file"));
  }

  @Test
  void removingATreeWhileReadingItLeavesNothing() throws Exception {
    for (int i = 0; i < 50; i++) {
      tree.write("/dir/n" + i, "");
    }
    removeTree("/dir");
    assertFalse(tree.exists("/dir"));
    assertEquals(Set.of("file", "link", "hard1"), tree.list("/"));
  }

  private void removeTree(String path) throws Exception {
    for (String name : tree.list(path)) {
      String child = path + "/" + name;
      if ((tree.stat(child).mode & 0170000) == 0040000) {
        removeTree(child);
      } else {
        tree.unlink(child);
      }
    }
    tree.rmdir(path);
  }

  @Test
  void inodesAreTheSameAsLongAsSomebodyLooks() throws Exception {
    long ino = tree.stat("/dir/one").ino;
    System.gc();
    assertEquals(ino, tree.stat("/dir/one").ino);
    tree.chmod("/dir/one", 0600);
    tree.rename("/dir/one", "/uno");
    System.gc();
    assertEquals(ino, tree.stat("/uno").ino);
    assertTrue(tree.stat("/dir").nlink >= 1);
  }

  private interface Call {
    void run() throws Exception;
  }

  private static void assertErrno(Errno errno, Call call) {
    assertEquals(errno, assertThrows(ErrnoException.class, call::run).errno());
  }
}
