package gvisor.api.abi;

/** {@code struct stat} of x86-64 ({@code man 2 stat}). */
public final class Stat {
  /** Bytes of the struct. */
  public static final int SIZE = 144;

  public static final int ST_DEV = 0;
  public static final int ST_INO = 8;
  public static final int ST_NLINK = 16;
  public static final int ST_MODE = 24;
  public static final int ST_UID = 28;
  public static final int ST_GID = 32;
  public static final int ST_RDEV = 40;
  public static final int ST_SIZE = 48;
  public static final int ST_BLKSIZE = 56;
  public static final int ST_BLOCKS = 64;
  public static final int ST_ATIME = 72;
  public static final int ST_MTIME = 88;
  public static final int ST_CTIME = 104;

  private Stat() {}
}
