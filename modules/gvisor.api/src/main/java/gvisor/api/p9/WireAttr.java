package gvisor.api.p9;

import java.lang.foreign.MemorySegment;

/**
 * Attributes on the wire: the body of Rgetattr ({@code valid qid mode uid gid nlink rdev size blksize blocks}, four
 * times as seconds and nanoseconds, {@code gen data_version}).
 */
public final class WireAttr {
  public static final int VALID = 0;
  public static final int QID = 8;
  public static final int MODE = 21;
  public static final int UID = 25;
  public static final int GID = 29;
  public static final int NLINK = 33;
  public static final int RDEV = 41;
  public static final int LENGTH = 49;
  public static final int BLKSIZE = 57;
  public static final int BLOCKS = 65;
  public static final int ATIME = 73;
  public static final int MTIME = 89;
  public static final int CTIME = 105;
  public static final int BTIME = 121;
  public static final int GEN = 137;
  public static final int DATA_VERSION = 145;

  /** Bytes of the attributes. */
  public static final int SIZE = 153;

  private WireAttr() {}

  /** Reads the attributes at {@code base}, which the caller has checked to have {@link #SIZE} bytes. */
  public static FileAttr read(MemorySegment segment, long base) {
    FileAttr a = new FileAttr();
    a.qidType = WireQid.type(segment, base + QID);
    a.qidVersion = WireQid.version(segment, base + QID);
    a.qidPath = WireQid.path(segment, base + QID);
    a.mode = segment.get(Wire.U32, base + MODE);
    a.uid = segment.get(Wire.U32, base + UID);
    a.gid = segment.get(Wire.U32, base + GID);
    a.nlink = segment.get(Wire.U64, base + NLINK);
    a.rdev = segment.get(Wire.U64, base + RDEV);
    a.size = segment.get(Wire.U64, base + LENGTH);
    a.blockSize = segment.get(Wire.U64, base + BLKSIZE);
    a.blocks = segment.get(Wire.U64, base + BLOCKS);
    a.atimeSeconds = segment.get(Wire.U64, base + ATIME);
    a.atimeNanos = segment.get(Wire.U64, base + ATIME + 8);
    a.mtimeSeconds = segment.get(Wire.U64, base + MTIME);
    a.mtimeNanos = segment.get(Wire.U64, base + MTIME + 8);
    a.ctimeSeconds = segment.get(Wire.U64, base + CTIME);
    a.ctimeNanos = segment.get(Wire.U64, base + CTIME + 8);
    return a;
  }

  /** Writes {@code a}; birth time, generation and data version are zero. */
  public static void write(MemorySegment segment, long base, FileAttr a) {
    segment.asSlice(base, SIZE).fill((byte) 0);
    segment.set(Wire.U64, base + VALID, P9.GET_BASIC);
    WireQid.put(segment, base + QID, a.qidType, a.qidVersion, a.qidPath);
    segment.set(Wire.U32, base + MODE, a.mode);
    segment.set(Wire.U32, base + UID, a.uid);
    segment.set(Wire.U32, base + GID, a.gid);
    segment.set(Wire.U64, base + NLINK, a.nlink);
    segment.set(Wire.U64, base + RDEV, a.rdev);
    segment.set(Wire.U64, base + LENGTH, a.size);
    segment.set(Wire.U64, base + BLKSIZE, a.blockSize);
    segment.set(Wire.U64, base + BLOCKS, a.blocks);
    segment.set(Wire.U64, base + ATIME, a.atimeSeconds);
    segment.set(Wire.U64, base + ATIME + 8, a.atimeNanos);
    segment.set(Wire.U64, base + MTIME, a.mtimeSeconds);
    segment.set(Wire.U64, base + MTIME + 8, a.mtimeNanos);
    segment.set(Wire.U64, base + CTIME, a.ctimeSeconds);
    segment.set(Wire.U64, base + CTIME + 8, a.ctimeNanos);
  }
}
