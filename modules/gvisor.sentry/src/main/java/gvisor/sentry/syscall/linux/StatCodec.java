package gvisor.sentry.syscall.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.abi.Stat;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.StatBuf;
import gvisor.sentry.vfs.StatFs;
import java.lang.foreign.MemorySegment;

/** {@code struct stat}, {@code struct statx} and {@code struct statfs} as bytes (x86-64). */
final class StatCodec {
  static final int STATX_SIZE = 256;
  static final int STATFS_SIZE = 120;

  /** STATX_BASIC_STATS and STATX_BTIME. */
  static final int STATX_FILLED = 0x7ff | 0x800;
  static final int STATX_MNT_ID = 0x1000;
  static final long STATX_ATTR_MOUNT_ROOT = 0x2000;

  private static final long NANOS = 1_000_000_000L;

  private StatCodec() {}

  static void putStat(MemorySegment out, StatBuf s) {
    out.asSlice(0, Stat.SIZE).fill((byte) 0);
    out.set(JAVA_LONG_UNALIGNED, Stat.ST_DEV, s.dev);
    out.set(JAVA_LONG_UNALIGNED, Stat.ST_INO, s.ino);
    out.set(JAVA_LONG_UNALIGNED, Stat.ST_NLINK, s.nlink & 0xffffffffL);
    out.set(JAVA_INT_UNALIGNED, Stat.ST_MODE, s.mode);
    out.set(JAVA_INT_UNALIGNED, Stat.ST_UID, s.uid);
    out.set(JAVA_INT_UNALIGNED, Stat.ST_GID, s.gid);
    out.set(JAVA_LONG_UNALIGNED, Stat.ST_RDEV, s.rdev);
    out.set(JAVA_LONG_UNALIGNED, Stat.ST_SIZE, s.size);
    out.set(JAVA_LONG_UNALIGNED, Stat.ST_BLKSIZE, s.blockSize);
    out.set(JAVA_LONG_UNALIGNED, Stat.ST_BLOCKS, s.blocks);
    putTimespec(out, Stat.ST_ATIME, s.atime);
    putTimespec(out, Stat.ST_MTIME, s.mtime);
    putTimespec(out, Stat.ST_CTIME, s.ctime);
  }

  private static void putTimespec(MemorySegment out, long at, long nanos) {
    out.set(JAVA_LONG_UNALIGNED, at, Math.floorDiv(nanos, NANOS));
    out.set(JAVA_LONG_UNALIGNED, at + 8, Math.floorMod(nanos, NANOS));
  }

  static void putStatx(MemorySegment out, StatBuf s, int mountId, boolean isMountRoot) {
    out.asSlice(0, STATX_SIZE).fill((byte) 0);
    out.set(JAVA_INT_UNALIGNED, 0, STATX_FILLED | STATX_MNT_ID);
    out.set(JAVA_INT_UNALIGNED, 4, s.blockSize);
    out.set(JAVA_LONG_UNALIGNED, 8, isMountRoot ? STATX_ATTR_MOUNT_ROOT : 0);
    out.set(JAVA_INT_UNALIGNED, 16, s.nlink);
    out.set(JAVA_INT_UNALIGNED, 20, s.uid);
    out.set(JAVA_INT_UNALIGNED, 24, s.gid);
    out.set(JAVA_SHORT_UNALIGNED, 28, (short) s.mode);
    out.set(JAVA_LONG_UNALIGNED, 32, s.ino);
    out.set(JAVA_LONG_UNALIGNED, 40, s.size);
    out.set(JAVA_LONG_UNALIGNED, 48, s.blocks);
    out.set(JAVA_LONG_UNALIGNED, 56, STATX_ATTR_MOUNT_ROOT);
    putStatxTime(out, 64, s.atime);
    putStatxTime(out, 80, s.btime);
    putStatxTime(out, 96, s.ctime);
    putStatxTime(out, 112, s.mtime);
    out.set(JAVA_INT_UNALIGNED, 128, DeviceNumbers.major(s.rdev));
    out.set(JAVA_INT_UNALIGNED, 132, DeviceNumbers.minor(s.rdev));
    out.set(JAVA_INT_UNALIGNED, 136, DeviceNumbers.major(s.dev));
    out.set(JAVA_INT_UNALIGNED, 140, DeviceNumbers.minor(s.dev));
    out.set(JAVA_LONG_UNALIGNED, 144, mountId);
  }

  private static void putStatxTime(MemorySegment out, long at, long nanos) {
    out.set(JAVA_LONG_UNALIGNED, at, Math.floorDiv(nanos, NANOS));
    out.set(JAVA_INT_UNALIGNED, at + 8, (int) Math.floorMod(nanos, NANOS));
  }

  /** @param flags ST_* of {@code man 2 statfs} */
  static void putStatfs(MemorySegment out, StatFs s, long dev, long flags) {
    out.asSlice(0, STATFS_SIZE).fill((byte) 0);
    out.set(JAVA_LONG_UNALIGNED, 0, s.type);
    out.set(JAVA_LONG_UNALIGNED, 8, s.blockSize);
    out.set(JAVA_LONG_UNALIGNED, 16, s.blocks);
    out.set(JAVA_LONG_UNALIGNED, 24, s.blocksFree);
    out.set(JAVA_LONG_UNALIGNED, 32, s.blocksAvailable);
    out.set(JAVA_LONG_UNALIGNED, 40, s.files);
    out.set(JAVA_LONG_UNALIGNED, 48, s.filesFree);
    out.set(JAVA_LONG_UNALIGNED, 56, dev);
    out.set(JAVA_LONG_UNALIGNED, 64, s.nameLength);
    out.set(JAVA_LONG_UNALIGNED, 72, s.fragmentSize);
    out.set(JAVA_LONG_UNALIGNED, 80, flags);
  }
}
