package gvisor.api.p9;

import java.lang.foreign.MemorySegment;

/**
 * Attributes as the extensions carry them: the path of the qid, then {@code struct stat} as the server's kernel filled it
 * ({@link gvisor.api.abi.Stat}). Both sides move it as one block: a directory listing has hundreds.
 */
public final class WireStat {
  /** Bytes: {@code path[8] stat[144]}. */
  public static final int SIZE = 152;

  private static final int WORDS = SIZE / 8;

  // In words behind the path; mode and uid share one, gid has padding above it.
  private static final int NLINK = 3, MODE_UID = 4, GID = 5, RDEV = 6, LENGTH = 7, BLKSIZE = 8, BLOCKS = 9, ATIME = 10,
      MTIME = 12, CTIME = 14;

  private WireStat() {}

  /** Reads the attributes at {@code base}, which the caller has checked to have {@link #SIZE} bytes. */
  static FileAttr read(MemorySegment segment, long base) {
    long[] w = new long[WORDS];
    MemorySegment.copy(segment, Wire.U64, base, w, 0, WORDS);
    FileAttr a = new FileAttr();
    a.qidPath = w[0];
    a.nlink = w[NLINK];
    a.mode = (int) w[MODE_UID];
    a.uid = (int) (w[MODE_UID] >>> 32);
    a.gid = (int) w[GID];
    a.rdev = w[RDEV];
    a.size = w[LENGTH];
    a.blockSize = w[BLKSIZE];
    a.blocks = w[BLOCKS];
    a.atimeSeconds = w[ATIME];
    a.atimeNanos = w[ATIME + 1];
    a.mtimeSeconds = w[MTIME];
    a.mtimeNanos = w[MTIME + 1];
    a.ctimeSeconds = w[CTIME];
    a.ctimeNanos = w[CTIME + 1];
    a.qidType = a.isDirectory() ? P9.QT_DIR : a.isSymlink() ? P9.QT_SYMLINK : P9.QT_FILE;
    return a;
  }

  /** Writes {@code path} and the {@code struct stat} at the start of {@code stat}. */
  static void write(MemorySegment segment, long base, long path, MemorySegment stat) {
    segment.set(Wire.U64, base, path);
    MemorySegment.copy(stat, 0, segment, base + 8, SIZE - 8);
  }
}
