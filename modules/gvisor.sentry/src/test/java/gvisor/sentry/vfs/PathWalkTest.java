package gvisor.sentry.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.fs.FileTree;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PathWalkTest {
  private FileTree tree;

  @BeforeEach
  void mount() throws ErrnoException {
    tree = new FileTree();
    tree.mount(tree.tmpfs());
    tree.mkdir("/d");
    tree.mkdir("/d/e");
    tree.write("/d/f", "text");
  }

  @AfterEach
  void close() throws Exception {
    tree.close();
  }

  private void fails(Errno errno, org.junit.jupiter.api.function.Executable call) {
    assertEquals(errno, assertThrows(ErrnoException.class, call).errno());
  }

  private Path walk(String path) throws ErrnoException {
    return PathWalk.resolve(tree.caller, null, path, true);
  }

  private void link(String target, String path) throws ErrnoException {
    Names.symlink(tree.caller, target, null, path);
  }

  @Test
  void aDirectoryHasOneDentry() throws ErrnoException {
    assertEquals(walk("/d/e"), walk("//d/./e/../e/"));
    assertEquals(walk("/"), walk("/../.."));
  }

  @Test
  void followsLinksUpToFortyOfThem() throws ErrnoException {
    link("d/f", "/l0");
    for (int i = 1; i <= 40; i++) {
      link("l" + (i - 1), "/l" + i);
    }
    assertEquals(walk("/d/f"), walk("/l39"));
    fails(Errno.ELOOP, () -> walk("/l40"));
    link("/d", "/abs");
    assertEquals(walk("/d/f"), walk("/abs/f"));
    assertEquals(walk("/d"), walk("/abs/"));
    fails(Errno.ENOTDIR, () -> walk("/l0/"));
  }

  @Test
  void staysBelowWhereItIsToldTo() throws ErrnoException {
    Path d = walk("/d");
    link("/e", "/d/absolute");
    fails(Errno.EXDEV, () -> new PathWalk(tree.caller, d, PathWalk.RESOLVE_BENEATH).lookup("../d", true));
    fails(Errno.EXDEV, () -> new PathWalk(tree.caller, d, PathWalk.RESOLVE_BENEATH).lookup("absolute", true));
    PathWalk inRoot = new PathWalk(tree.caller, d, PathWalk.RESOLVE_IN_ROOT);
    inRoot.lookup("../../absolute", true);
    assertEquals(walk("/d/e"), inRoot.path());
  }

  @Test
  void rootConfines() throws ErrnoException {
    FsContext jail = new FsContext(walk("/d"), walk("/d"), 0);
    Caller inside = new KernelCaller(jail, FileTree.CLOCK);
    assertEquals(walk("/d/e"), PathWalk.resolve(inside, null, "/../e", true));
    assertEquals("/e", PathText.of(walk("/d/e"), jail.root()));
    assertEquals("(unreachable)/", PathText.cwd(walk("/"), jail.root()));
  }

  @Test
  void checksPermissionOfEveryDirectory() throws ErrnoException {
    Credentials nobody = Credentials.root(0).withUids(9, 9, 9, 9).withGids(9, 9, 9, 9);
    Caller other = new CallerAs(tree.caller, nobody);
    tree.chmod("/d", 0700);
    fails(Errno.EACCES, () -> PathWalk.resolve(other, null, "/d/f", true));
    tree.chmod("/d", 0711);
    PathWalk.resolve(other, null, "/d/f", true);
    fails(Errno.EACCES, () -> Open.open(other, null, "/d/new", OpenFlags.O_CREAT | OpenFlags.O_RDWR, 0644, 0));
  }

  @Test
  void namesFollowTheirDirectory() throws ErrnoException {
    Path e = walk("/d/e");
    Names.rename(tree.caller, null, "/d", null, "/moved", 0);
    Path root = walk("/");
    assertEquals("/moved/e", PathText.of(e, root));
    assertEquals(e, walk("/moved/e"));
    tree.rmdir("/moved/e");
    assertEquals("/moved/e (deleted)", PathText.of(e, root));
    fails(Errno.ENOENT, () -> PathText.cwd(e, root));
  }

  @Test
  void walksOntoMountsAndOutOfThem() throws ErrnoException {
    MountNamespace ns = walk("/").mount().namespace();
    ns.mount(tree.tmpfs(), "one", walk("/d"), 0);
    fails(Errno.ENOENT, () -> walk("/d/f"));
    assertEquals(walk("/"), walk("/d/.."));
    tree.mkdir("/d/x");
    Mount bound = ns.bind(walk("/d/x"), walk("/d"), false);
    assertSame(bound, walk("/d").mount());
    assertNotSame(walk("/").mount(), bound.parent());
    assertEquals("/d", PathText.of(walk("/d"), walk("/")));
    fails(Errno.EBUSY, () -> tree.rmdir("/d"));
    ns.unmount(walk("/d"), 0);
    ns.unmount(walk("/d"), 0);
    assertEquals("text", tree.read("/d/f"));
    fails(Errno.EINVAL, () -> ns.unmount(walk("/d"), 0));
  }

  @Test
  void copiedNamespacesPartWays() throws ErrnoException {
    MountNamespace ns = walk("/").mount().namespace();
    ns.mount(tree.tmpfs(), "one", walk("/d"), MountFlags.MS_NOSUID);
    MountNamespace.Copy copy = ns.copy();
    Path inside = copy.translate(walk("/d"));
    assertNotSame(walk("/d").mount(), inside.mount());
    ns.unmount(walk("/d"), 0);
    assertTrue(copy.namespace().mountsText(copy.namespace().root()).contains("one /d tmpfs rw,nosuid,relatime"));
    copy.namespace().release();
  }

  @Test
  void refusesEveryChangeOfAReadOnlyMount() throws ErrnoException {
    MountNamespace ns = walk("/").mount().namespace();
    ns.bind(walk("/d"), walk("/d"), false);
    ns.remount(walk("/d"), MountFlags.MS_RDONLY);
    fails(Errno.EROFS, () -> tree.write("/d/f", "x"));
    fails(Errno.EROFS, () -> tree.mkdir("/d/x"));
    fails(Errno.EROFS, () -> tree.unlink("/d/f"));
    fails(Errno.EROFS, () -> tree.chmod("/d/f", 0));
    fails(Errno.EROFS, () -> tree.truncate("/d/f", 0));
    assertEquals("text", tree.read("/d/f"));
  }
}
