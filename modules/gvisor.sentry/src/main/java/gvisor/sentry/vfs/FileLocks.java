package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.ENOLCK;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.WaitQueue;
import java.util.ArrayList;
import java.util.List;

/**
 * The advisory locks on one inode: {@code flock(2)} locks, owned by open files, and byte ranges ({@code fcntl(2)}),
 * owned by descriptor tables (POSIX) or open files (OFD). Never blocks: who is refused waits on {@link #queue}, which
 * is told whenever a lock goes. Thread-safe; its lock is a leaf.
 */
public final class FileLocks {
  /** The end of a range that has none. */
  public static final long TO_END = Long.MAX_VALUE;

  /** More ranges than this on one file are refused. */
  private static final int LIMIT = 1 << 14;

  /**
   * A locked range.
   *
   * @param pid for {@code F_GETLK}; -1 for OFD locks
   * @param end last byte, included
   */
  public record Range(Object owner, int pid, boolean exclusive, long start, long end) {
    private boolean overlaps(long from, long to) {
      return start <= to && from <= end;
    }
  }

  private record Flock(FileDescription file, int pid, boolean exclusive) {}

  private final WaitQueue queue = new WaitQueue();
  private final List<Range> ranges = new ArrayList<>();
  private final List<Flock> flocks = new ArrayList<>();

  private final Inode inode;

  FileLocks(Inode inode) {
    this.inode = inode;
  }

  /** The locks on the inode of {@code file}. */
  public static FileLocks of(FileDescription file) {
    return file.inode().locks(true);
  }

  /** Told with EPOLLIN when a lock goes. */
  public WaitQueue queue() {
    return queue;
  }

  /**
   * Locks a range for {@code owner}, in place of what it has locked there.
   *
   * @return null when done, or a lock of somebody else's in the way
   */
  public synchronized Range lockRange(Object owner, int pid, boolean exclusive, long start, long end)
      throws ErrnoException {
    Range conflict = conflict(owner, exclusive, start, end);
    if (conflict != null) {
      return conflict;
    }
    if (ranges.size() >= LIMIT) {
      throw ENOLCK.error();
    }
    boolean freed = cut(owner, start, end);
    merge(new Range(owner, pid, exclusive, start, end));
    if (freed) {
      // A write lock that became a read lock lets readers in.
      queue.notify(gvisor.api.waiter.EventMask.EPOLLIN);
    }
    return null;
  }

  /** The lock of somebody else's that would refuse this one, or null. */
  public synchronized Range conflict(Object owner, boolean exclusive, long start, long end) {
    for (Range r : ranges) {
      if (r.owner != owner && r.overlaps(start, end) && (exclusive || r.exclusive)) {
        return r;
      }
    }
    return null;
  }

  /** Unlocks a range of {@code owner}'s; nothing happens where it has no lock. */
  public synchronized void unlockRange(Object owner, long start, long end) throws ErrnoException {
    if (ranges.size() >= LIMIT) {
      for (Range r : ranges) {
        if (r.owner == owner && r.start < start && r.end > end) {
          throw ENOLCK.error();
        }
      }
    }
    if (cut(owner, start, end)) {
      queue.notify(gvisor.api.waiter.EventMask.EPOLLIN);
    }
  }

  /** Unlocks whatever {@code owner} has locked. */
  synchronized void releaseRanges(Object owner) {
    if (cut(owner, 0, TO_END)) {
      queue.notify(gvisor.api.waiter.EventMask.EPOLLIN);
    }
  }

  private boolean cut(Object owner, long start, long end) {
    boolean any = false;
    for (int i = ranges.size() - 1; i >= 0; i--) {
      Range r = ranges.get(i);
      if (r.owner != owner || !r.overlaps(start, end)) {
        continue;
      }
      any = true;
      ranges.remove(i);
      if (r.end > end) {
        ranges.add(i, new Range(owner, r.pid, r.exclusive, end + 1, r.end));
      }
      if (r.start < start) {
        ranges.add(i, new Range(owner, r.pid, r.exclusive, r.start, start - 1));
      }
    }
    return any;
  }

  private void merge(Range fresh) {
    long start = fresh.start;
    long end = fresh.end;
    for (int i = ranges.size() - 1; i >= 0; i--) {
      Range r = ranges.get(i);
      boolean touches = r.end != TO_END && r.end + 1 == start || end != TO_END && end + 1 == r.start;
      if (r.owner == fresh.owner && r.exclusive == fresh.exclusive && touches) {
        start = Math.min(start, r.start);
        end = Math.max(end, r.end);
        ranges.remove(i);
      }
    }
    ranges.add(new Range(fresh.owner, fresh.pid, fresh.exclusive, start, end));
  }

  /**
   * Locks the file for {@code file} ({@code flock(2)}). A lock it has already is given up first, also when the new one
   * is refused, as Linux does.
   *
   * @param pid who locks it, for {@code /proc/locks}
   * @return false when another open file is in the way
   */
  public synchronized boolean lockFile(FileDescription file, int pid, boolean exclusive) {
    for (int i = 0; i < flocks.size(); i++) {
      Flock f = flocks.get(i);
      if (f.file == file) {
        if (f.exclusive == exclusive) {
          return true;
        }
        flocks.remove(i);
        queue.notify(gvisor.api.waiter.EventMask.EPOLLIN);
        break;
      }
    }
    for (Flock f : flocks) {
      if (exclusive || f.exclusive) {
        return false;
      }
    }
    flocks.add(new Flock(file, pid, exclusive));
    return true;
  }

  synchronized boolean isEmpty() {
    return ranges.isEmpty() && flocks.isEmpty();
  }

  /** Adds a line for each lock to {@code /proc/locks}, whose last line was {@code number}; the number of the last now. */
  synchronized int list(StringBuilder out, int number) {
    StatBuf stat = new StatBuf();
    try {
      inode.stat(stat);
    } catch (ErrnoException e) {
      return number; // a file of a gofer that is gone
    }
    int n = number;
    for (Flock f : flocks) {
      line(out, ++n, "FLOCK ", f.exclusive, f.pid, stat).append("0 EOF\n");
    }
    for (Range r : ranges) {
      line(out, ++n, r.pid < 0 ? "OFDLCK" : "POSIX ", r.exclusive, r.pid, stat).append(r.start).append(' ');
      out.append(r.end == TO_END ? "EOF" : Long.toString(r.end)).append('\n');
    }
    return n;
  }

  private static StringBuilder line(StringBuilder out, int number, String kind, boolean exclusive, int pid,
      StatBuf stat) {
    return out.append(number).append(": ").append(kind).append(" ADVISORY  ").append(exclusive ? "WRITE " : "READ  ")
        .append(pid).append(String.format(" %02x:%02x:", DeviceNumbers.major(stat.dev), DeviceNumbers.minor(stat.dev)))
        .append(Long.toUnsignedString(stat.ino)).append(' ');
  }

  /** Gives the lock of {@code file} up, if it has one. */
  public synchronized void unlockFile(FileDescription file) {
    for (int i = 0; i < flocks.size(); i++) {
      if (flocks.get(i).file == file) {
        flocks.remove(i);
        queue.notify(gvisor.api.waiter.EventMask.EPOLLIN);
        return;
      }
    }
  }
}
