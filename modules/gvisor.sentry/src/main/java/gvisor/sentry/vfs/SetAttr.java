package gvisor.sentry.vfs;

/** Attributes to change: those whose bit is in {@link #valid}. Permission has been checked by the caller. */
public final class SetAttr {
  public static final int MODE = 1;
  public static final int UID = 2;
  public static final int GID = 4;
  public static final int SIZE = 8;
  public static final int ATIME = 16;
  public static final int MTIME = 32;
  public static final int CTIME = 64;

  public int valid;
  /** Permission bits with set-id and sticky bits; no type. */
  public int mode;
  public int uid;
  public int gid;
  public long size;
  /** Nanoseconds since the epoch. */
  public long atime;
  public long mtime;
  public long ctime;
}
