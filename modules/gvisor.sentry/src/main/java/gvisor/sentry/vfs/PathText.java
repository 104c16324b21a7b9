package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.ENOENT;

import gvisor.api.errno.ErrnoException;

/** A place in the tree as text ({@code getcwd}, {@code /proc/self/fd}, {@code /proc/self/maps}). */
public final class PathText {
  /** What Linux puts before a path that the reader's root does not contain. */
  private static final String UNREACHABLE = "(unreachable)";

  private PathText() {}

  /** As {@code /proc/self/fd} shows it to somebody whose root is {@code root}; " (deleted)" follows a lost name. */
  public static String of(Path path, Path root) {
    if (AnonFile.isAnonymous(path)) {
      return path.dentry().name();
    }
    String text = textOrNull(path, root);
    if (text == null) {
      text = of(path, new Path(topmost(path.mount()), null));
    }
    return path.dentry().isDeleted() ? text + " (deleted)" : text;
  }

  /** As {@code getcwd(2)} gives it; ENOENT when the directory was removed. */
  public static String cwd(Path path, Path root) throws ErrnoException {
    if (path.dentry().isDeleted()) {
      throw ENOENT.error();
    }
    String text = textOrNull(path, root);
    return text != null ? text : UNREACHABLE + textOrNull(path, new Path(topmost(path.mount()), null));
  }

  /**
   * From {@code root} to {@code path}, or null when there is no such way. A null root dentry: from the mount's root.
   */
  static String textOrNull(Path path, Path root) {
    StringBuilder reversed = new StringBuilder(64);
    Mount mount = path.mount();
    Dentry dentry = path.dentry();
    while (mount != root.mount() || dentry != root.dentry()) {
      if (dentry == mount.root()) {
        Mount parent = mount.parent();
        Dentry mountpoint = mount.mountpoint();
        if (parent == null || mountpoint == null) {
          if (root.dentry() == null) {
            break;
          }
          return null;
        }
        mount = parent;
        dentry = mountpoint;
        continue;
      }
      Dentry parent = dentry.parent();
      if (parent == null) {
        break;
      }
      String name = dentry.name();
      for (int i = name.length() - 1; i >= 0; i--) {
        reversed.append(name.charAt(i));
      }
      reversed.append('/');
      dentry = parent;
    }
    return reversed.isEmpty() ? "/" : reversed.reverse().toString();
  }

  /** Of a dentry within its superblock, as mountinfo's fourth field. */
  static String withinSuperblock(Dentry dentry) {
    StringBuilder reversed = new StringBuilder(64);
    for (Dentry d = dentry; d.parent() != null; d = d.parent()) {
      reversed.append(new StringBuilder(d.name()).reverse()).append('/');
    }
    return reversed.isEmpty() ? "/" : reversed.reverse().toString();
  }

  private static Mount topmost(Mount mount) {
    Mount m = mount;
    for (Mount up = m.parent(); up != null; up = m.parent()) {
      m = up;
    }
    return m;
  }
}
