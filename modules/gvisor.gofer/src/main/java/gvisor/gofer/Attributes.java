package gvisor.gofer;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import gvisor.api.abi.Stat;
import gvisor.api.p9.FileAttr;
import gvisor.api.p9.P9;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/** Makes attributes out of {@code struct stat}, with qid paths that are unique over all devices. One thread. */
final class Attributes {
  private static final int INODE_BITS = 48;
  private static final int WIDE = 0x7fff;
  private static final int S_IFMT = 0170000;
  private static final int S_IFDIR = 0040000;
  private static final int S_IFLNK = 0120000;

  private record Inode(long dev, long ino) {}

  private final Map<Long, Integer> devices = new HashMap<>();
  private final Map<Inode, Long> wide = new HashMap<>();
  private final FileAttr attr = new FileAttr();

  /** The device of the last file, since the next one most often is on the same. */
  private long lastDev = -1;

  private int lastDevice;

  /** The attributes in {@code stat}; the same object every time. */
  FileAttr of(MemorySegment stat) {
    FileAttr a = attr;
    a.mode = stat.get(JAVA_INT, Stat.ST_MODE);
    a.uid = stat.get(JAVA_INT, Stat.ST_UID);
    a.gid = stat.get(JAVA_INT, Stat.ST_GID);
    a.nlink = stat.get(JAVA_LONG, Stat.ST_NLINK);
    a.rdev = stat.get(JAVA_LONG, Stat.ST_RDEV);
    a.size = stat.get(JAVA_LONG, Stat.ST_SIZE);
    a.blockSize = stat.get(JAVA_LONG, Stat.ST_BLKSIZE);
    a.blocks = stat.get(JAVA_LONG, Stat.ST_BLOCKS);
    a.atimeSeconds = stat.get(JAVA_LONG, Stat.ST_ATIME);
    a.atimeNanos = stat.get(JAVA_LONG, Stat.ST_ATIME + 8);
    a.mtimeSeconds = stat.get(JAVA_LONG, Stat.ST_MTIME);
    a.mtimeNanos = stat.get(JAVA_LONG, Stat.ST_MTIME + 8);
    a.ctimeSeconds = stat.get(JAVA_LONG, Stat.ST_CTIME);
    a.ctimeNanos = stat.get(JAVA_LONG, Stat.ST_CTIME + 8);
    int type = a.mode & S_IFMT;
    a.qidType = type == S_IFDIR ? P9.QT_DIR : type == S_IFLNK ? P9.QT_SYMLINK : P9.QT_FILE;
    a.qidVersion = (int) (a.ctimeSeconds * 31 + a.ctimeNanos);
    a.qidPath = qidPath(stat);
    return a;
  }

  /** The qid path alone. */
  long qidPath(MemorySegment stat) {
    return qidPath(stat.get(JAVA_LONG, Stat.ST_DEV), stat.get(JAVA_LONG, Stat.ST_INO));
  }

  /**
   * The inode number with a small number for its device above it. Inode numbers that wide (some network and overlay
   * file systems) get a number of their own, in a range no device has.
   */
  private long qidPath(long dev, long ino) {
    if (ino >>> INODE_BITS == 0) {
      int device = device(dev);
      if (device < WIDE) {
        return (long) device << INODE_BITS | ino;
      }
    }
    Inode key = new Inode(dev, ino);
    Long path = wide.get(key);
    if (path == null) {
      path = (long) WIDE << INODE_BITS | wide.size();
      wide.put(key, path);
    }
    return path;
  }

  private int device(long dev) {
    if (dev != lastDev) {
      Integer known = devices.get(dev);
      if (known == null) {
        known = devices.size();
        devices.put(dev, known);
      }
      lastDev = dev;
      lastDevice = known;
    }
    return lastDevice;
  }
}
