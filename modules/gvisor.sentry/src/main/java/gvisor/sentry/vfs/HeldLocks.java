package gvisor.sentry.vfs;

import java.util.HashSet;
import java.util.Iterator;
import java.util.Set;

/** The inodes that have locks on them, for {@code /proc/locks}. Thread-safe; below it are the locks of the inodes. */
public final class HeldLocks {
  private static final int FEW = 64;

  private final Set<FileLocks> all = new HashSet<>();
  private int pruneAt = FEW;

  /** Something was locked; those that are free again are forgotten now and then. */
  public synchronized void add(FileLocks locks) {
    if (all.add(locks) && all.size() >= pruneAt) {
      prune();
      pruneAt = Math.max(FEW, all.size() * 2);
    }
  }

  private void prune() {
    for (Iterator<FileLocks> i = all.iterator(); i.hasNext(); ) {
      if (i.next().isEmpty()) {
        i.remove();
      }
    }
  }

  /** The content of {@code /proc/locks} ({@code man 5 proc}). */
  public void list(StringBuilder out) {
    FileLocks[] now;
    synchronized (this) {
      prune();
      now = all.toArray(new FileLocks[0]);
    }
    int number = 0;
    for (FileLocks locks : now) {
      number = locks.list(out, number);
    }
  }
}
