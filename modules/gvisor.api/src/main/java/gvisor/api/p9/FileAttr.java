package gvisor.api.p9;

/**
 * Attributes of one file, as {@code stat(2)} has them, and its qid. A plain holder: whoever has it owns it; not
 * thread-safe.
 */
public final class FileAttr {
  /** Identity of the file on its server: equal for two names of one file, and for no two files that live together. */
  public long qidPath;

  /** {@code QT_*} of {@link P9}. */
  public int qidType;

  /** Changes when the file's content does. */
  public int qidVersion;

  /** Type and permissions. */
  public int mode;

  public int uid;
  public int gid;
  public long nlink;

  /** {@code st_rdev} as the kernel's {@code makedev} has it. */
  public long rdev;

  /** Bytes. */
  public long size;

  /** Preferred unit of input and output, bytes. */
  public long blockSize;

  /** Units of 512 bytes. */
  public long blocks;

  public long atimeSeconds;
  public long atimeNanos;
  public long mtimeSeconds;
  public long mtimeNanos;
  public long ctimeSeconds;
  public long ctimeNanos;

  private static final int S_IFMT = 0170000;

  /** The file type bits of {@link #mode}. */
  public int type() {
    return mode & S_IFMT;
  }

  public boolean isDirectory() {
    return type() == 0040000;
  }

  public boolean isRegular() {
    return type() == 0100000;
  }

  public boolean isSymlink() {
    return type() == 0120000;
  }
}
