package gvisor.sentry.vfs;

/** Tells inotify watches what happens to files ({@code man 7 inotify}). Costs two reads where nobody watches. */
public final class Notify {
  public static final int IN_ACCESS = 0x1;
  public static final int IN_MODIFY = 0x2;
  public static final int IN_ATTRIB = 0x4;
  public static final int IN_CLOSE_WRITE = 0x8;
  public static final int IN_CLOSE_NOWRITE = 0x10;
  public static final int IN_OPEN = 0x20;
  public static final int IN_MOVED_FROM = 0x40;
  public static final int IN_MOVED_TO = 0x80;
  public static final int IN_CREATE = 0x100;
  public static final int IN_DELETE = 0x200;
  public static final int IN_DELETE_SELF = 0x400;
  public static final int IN_MOVE_SELF = 0x800;
  public static final int IN_ALL_EVENTS = 0xfff;
  public static final int IN_UNMOUNT = 0x2000;
  public static final int IN_Q_OVERFLOW = 0x4000;
  public static final int IN_IGNORED = 0x8000;
  public static final int IN_ISDIR = 0x40000000;

  private Notify() {}

  /** Something happened to the file behind {@code dentry}: who watches it or its directory is told. */
  public static void file(Dentry dentry, int event) {
    Inode inode = dentry.inode();
    InodeWatches own = inode.watches(false);
    Dentry parent = dentry.parent();
    InodeWatches above = parent == null ? null : parent.inode().watches(false);
    if (own == null && above == null) {
      return;
    }
    int mask = inode.isDirectory() ? event | IN_ISDIR : event;
    if (above != null) {
      above.fire(mask, 0, dentry.name(), dentry.isDeleted());
    }
    if (own != null) {
      own.fire(mask, 0, null, false);
    }
  }

  /** A name in {@code dir} came, went or moved. */
  static void name(Dentry dir, String name, Inode child, int event, int cookie) {
    InodeWatches watches = dir.inode().watches(false);
    if (watches != null) {
      watches.fire(child.isDirectory() ? event | IN_ISDIR : event, cookie, name, false);
    }
  }

  /** Something happened to {@code inode} itself. */
  static void self(Inode inode, int event) {
    InodeWatches watches = inode.watches(false);
    if (watches != null) {
      watches.fire(event, 0, null, false);
    }
  }

  /** {@code inode} lost a name; without any left, its watches end. */
  static void unlinked(Inode inode, boolean isLast) {
    InodeWatches watches = inode.watches(false);
    if (watches == null) {
      return;
    }
    if (!isLast || !inode.isDirectory()) {
      watches.fire(IN_ATTRIB, 0, null, false);
    }
    if (isLast) {
      watches.fire(IN_DELETE_SELF, 0, null, false);
      watches.end();
    }
  }
}
