package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.ELOOP;
import static gvisor.api.errno.Errno.ENAMETOOLONG;
import static gvisor.api.errno.Errno.ENOENT;
import static gvisor.api.errno.Errno.ENOTDIR;
import static gvisor.api.errno.Errno.EXDEV;

import gvisor.api.errno.ErrnoException;

/**
 * One walk along a path name ({@code man 7 path_resolution}): names, "." and "..", symbolic and magic links, mounts,
 * and the limits of {@code openat2(2)}. Used once, by one thread.
 *
 * <p>A link's text takes the place of the part walked so far, so nesting needs no stack; at most {@link #MAX_LINKS}
 * links bound the text.
 */
public final class PathWalk {
  /** RESOLVE_* of {@code man 2 openat2}. */
  public static final int RESOLVE_NO_XDEV = 1;
  public static final int RESOLVE_NO_MAGICLINKS = 2;
  public static final int RESOLVE_NO_SYMLINKS = 4;
  public static final int RESOLVE_BENEATH = 8;
  public static final int RESOLVE_IN_ROOT = 16;
  public static final int RESOLVE_CACHED = 32;

  /** Longest path name with its NUL, longest name, most links in one walk. */
  public static final int PATH_MAX = 4096;
  public static final int NAME_MAX = 255;
  static final int MAX_LINKS = 40;

  /** What the last component of the path is. */
  enum Last { NAME, DOT, DOTDOT, ROOT }

  private final Caller caller;
  private final Path start;
  private final Path root;
  private final int resolve;
  private int links;

  // Where the walk is. After walkParent: the directory of the last component.
  Mount mount;
  Dentry dentry;
  Last last;
  String name;
  boolean trailingSlash;

  /**
   * @param at where a relative path starts; null for the current directory
   * @param resolve RESOLVE_* bits
   */
  PathWalk(Caller caller, Path at, int resolve) {
    this.caller = caller;
    this.start = at == null ? caller.fs().cwd() : at;
    boolean confined = (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0;
    this.root = confined || caller.fs() == null ? start : caller.fs().root();
    this.resolve = resolve;
    this.mount = start.mount();
    this.dentry = start.dentry();
  }

  /**
   * Where {@code path} leads.
   *
   * @param at where a relative path starts; null for the current directory
   * @param follow whether a link at the end is followed
   * @throws ErrnoException ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, or what a file system's lookup gives
   */
  public static Path resolve(Caller caller, Path at, String path, boolean follow) throws ErrnoException {
    PathWalk walk = new PathWalk(caller, at, 0);
    walk.lookup(path, follow);
    return new Path(walk.mount, walk.dentry);
  }

  /** Where the walk is. */
  Path path() {
    return new Path(mount, dentry);
  }

  /** Walks all of {@code path}; afterwards {@link #mount} and {@link #dentry} are what it names, which exists. */
  void lookup(String path, boolean follow) throws ErrnoException {
    walkParent(path);
    while (true) {
      switch (last) {
        case ROOT, DOT -> {
          requireDirectory();
          return;
        }
        case DOTDOT -> {
          requireDirectory();
          up();
          return;
        }
        case NAME -> {
          Dentry child = dentry.lookup(caller, name);
          if (child.isNegative()) {
            throw ENOENT.error();
          }
          if (child.inode().isSymlink() && (follow || trailingSlash)) {
            if (followLast(child)) {
              if (trailingSlash) {
                requireDirectory();
              }
              return;
            }
            continue;
          }
          enter(child);
          if (trailingSlash) {
            requireDirectory();
          }
          return;
        }
      }
    }
  }

  /**
   * Goes where the link {@code child}, the last component, leads: true when that was a magic link and the walk has
   * arrived; false when the link's text was walked up to its last component, which is now {@link #last}.
   */
  boolean followLast(Dentry child) throws ErrnoException {
    boolean slash = trailingSlash;
    Path magic = enterLink(child);
    if (magic != null) {
      mount = magic.mount();
      dentry = magic.dentry();
      return true;
    }
    String target = readLink(child);
    walkParent(slash ? target + "/" : target);
    return false;
  }

  /**
   * Walks {@code path} up to its last component, which is left in {@link #last}, {@link #name} and
   * {@link #trailingSlash}; {@link #mount} and {@link #dentry} are the directory it is looked up in.
   */
  void walkParent(String path) throws ErrnoException {
    if (path.isEmpty()) {
      throw ENOENT.error();
    }
    String rest = path;
    int pos = 0;
    last = Last.ROOT;
    if (rest.charAt(0) == '/') {
      toRoot();
    }
    while (true) {
      while (pos < rest.length() && rest.charAt(pos) == '/') {
        pos++;
      }
      if (pos == rest.length()) {
        // Only slashes: the root itself.
        trailingSlash = false;
        return;
      }
      int end = rest.indexOf('/', pos);
      int next = end < 0 ? rest.length() : end;
      int after = next;
      while (after < rest.length() && rest.charAt(after) == '/') {
        after++;
      }
      checkSearch();
      Last kind = kind(rest, pos, next);
      if (kind == Last.NAME && next - pos > NAME_MAX) {
        throw ENAMETOOLONG.error();
      }
      if (after == rest.length()) {
        last = kind;
        name = kind == Last.NAME ? rest.substring(pos, next) : null;
        trailingSlash = next < after;
        return;
      }
      int from = pos;
      pos = after;
      if (kind == Last.DOTDOT) {
        up();
      } else if (kind == Last.NAME) {
        Dentry child = dentry.lookup(caller, rest.substring(from, next));
        if (child.isNegative()) {
          throw ENOENT.error();
        }
        if (child.inode().isSymlink()) {
          Path magic = enterLink(child);
          if (magic != null) {
            mount = magic.mount();
            dentry = magic.dentry();
          } else {
            String target = readLink(child);
            rest = target + "/" + rest.substring(after);
            pos = 0;
            if (target.charAt(0) == '/') {
              toRoot();
            }
          }
        } else {
          enter(child);
        }
      }
    }
  }

  private static Last kind(String path, int from, int to) {
    if (path.charAt(from) == '.') {
      if (to - from == 1) {
        return Last.DOT;
      }
      if (to - from == 2 && path.charAt(from + 1) == '.') {
        return Last.DOTDOT;
      }
    }
    return Last.NAME;
  }

  /** The walk is at a directory in which the caller may look names up. */
  private void checkSearch() throws ErrnoException {
    requireDirectory();
    dentry.inode().checkPermission(caller, Permissions.MAY_EXEC);
  }

  void requireDirectory() throws ErrnoException {
    if (!dentry.inode().isDirectory()) {
      throw ENOTDIR.error();
    }
  }

  private void toRoot() throws ErrnoException {
    if ((resolve & RESOLVE_BENEATH) != 0) {
      throw EXDEV.error();
    }
    if ((resolve & RESOLVE_NO_XDEV) != 0 && root.mount() != mount) {
      throw EXDEV.error();
    }
    mount = root.mount();
    dentry = root.dentry();
  }

  /** Goes to {@code child} of the present directory, and onto what is mounted there. */
  void enter(Dentry child) throws ErrnoException {
    dentry = child;
    Mount on = mount.mountedOn(child);
    while (on != null) {
      if ((resolve & RESOLVE_NO_XDEV) != 0) {
        throw EXDEV.error();
      }
      mount = on;
      dentry = on.root();
      on = mount.mountedOn(dentry);
    }
  }

  /** "..", which stops at the root and leaves mounts. */
  void up() throws ErrnoException {
    while (true) {
      if (dentry == root.dentry() && mount == root.mount()) {
        if ((resolve & RESOLVE_BENEATH) != 0) {
          throw EXDEV.error();
        }
        break;
      }
      if (dentry != mount.root()) {
        Dentry parent = dentry.parent();
        if (parent != null) {
          dentry = parent;
        }
        break;
      }
      Mount parent = mount.parent();
      Dentry mountpoint = mount.mountpoint();
      if (parent == null || mountpoint == null) {
        break;
      }
      if ((resolve & RESOLVE_NO_XDEV) != 0) {
        throw EXDEV.error();
      }
      mount = parent;
      dentry = mountpoint;
    }
    enter(dentry);
  }

  /** Checks that the link {@code child} may be followed; where it leads if it is a magic one, else null. */
  private Path enterLink(Dentry child) throws ErrnoException {
    if (++links > MAX_LINKS || (resolve & RESOLVE_NO_SYMLINKS) != 0
        || (mount.flags() & MountFlags.MS_NOSYMFOLLOW) != 0) {
      throw ELOOP.error();
    }
    Permissions.checkFollow(caller, dentry.inode(), child.inode());
    Path magic = child.inode().magicTarget(caller);
    if (magic != null) {
      if ((resolve & RESOLVE_NO_MAGICLINKS) != 0) {
        throw ELOOP.error();
      }
      if ((resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0
          || (resolve & RESOLVE_NO_XDEV) != 0 && magic.mount() != mount) {
        throw EXDEV.error();
      }
    }
    return magic;
  }

  private String readLink(Dentry link) throws ErrnoException {
    String target = link.inode().readlink(caller);
    if (target.isEmpty()) {
      throw ENOENT.error();
    }
    if (target.length() >= PATH_MAX) {
      throw ENAMETOOLONG.error();
    }
    if ((mount.flags() & MountFlags.MS_NOATIME) == 0 && !mount.isReadOnly()) {
      link.inode().accessed(caller);
    }
    return target;
  }
}
