package gvisor.sentry.vfs;

/** What {@code statx(2)} tells, in one mutable buffer that callers reuse. Times are nanoseconds since the epoch. */
public final class StatBuf {
  public int mode;
  public int nlink;
  public int uid;
  public int gid;
  public long dev;
  public long ino;
  public long rdev;
  public long size;
  public int blockSize = 4096;
  public long blocks;
  public long atime;
  public long mtime;
  public long ctime;
  public long btime;
}
