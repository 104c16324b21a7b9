package gvisor.sentry.vfs;

import java.util.concurrent.CopyOnWriteArrayList;

/** The inotify watches on one inode. Thread-safe. */
public final class InodeWatches {
  /** One watch of one inotify instance. Called on the thread that caused the event, possibly under directory locks. */
  public interface Watch {
    /**
     * @param mask the event, with IN_ISDIR
     * @param cookie connects the two halves of a rename; else 0
     * @param name of the directory's entry; null for the watched file itself
     * @param isUnlinked whether that entry has lost its name (IN_EXCL_UNLINK)
     */
    void event(int mask, int cookie, String name, boolean isUnlinked);

    /** The file is gone and with it the watch. */
    void end();
  }

  private final CopyOnWriteArrayList<Watch> watches = new CopyOnWriteArrayList<>();

  InodeWatches() {}

  public static InodeWatches of(Inode inode) {
    return inode.watches(true);
  }

  public void add(Watch watch) {
    watches.add(watch);
  }

  public void remove(Watch watch) {
    watches.remove(watch);
  }

  void fire(int mask, int cookie, String name, boolean isUnlinked) {
    for (Watch w : watches) {
      w.event(mask, cookie, name, isUnlinked);
    }
  }

  void end() {
    for (Watch w : watches) {
      w.end();
    }
    watches.clear();
  }
}
