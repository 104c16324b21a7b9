package gvisor.sentry.vfs;

/** Flags of {@code mount(2)}, and how {@code /proc/mounts} names the ones a mount keeps. */
public final class MountFlags {
  public static final int MS_RDONLY = 1;
  public static final int MS_NOSUID = 2;
  public static final int MS_NODEV = 4;
  public static final int MS_NOEXEC = 8;
  public static final int MS_SYNCHRONOUS = 16;
  public static final int MS_REMOUNT = 32;
  public static final int MS_MANDLOCK = 64;
  public static final int MS_DIRSYNC = 128;
  public static final int MS_NOSYMFOLLOW = 256;
  public static final int MS_NOATIME = 1024;
  public static final int MS_NODIRATIME = 2048;
  public static final int MS_BIND = 4096;
  public static final int MS_MOVE = 8192;
  public static final int MS_REC = 16384;
  public static final int MS_SILENT = 32768;
  public static final int MS_UNBINDABLE = 1 << 17;
  public static final int MS_PRIVATE = 1 << 18;
  public static final int MS_SLAVE = 1 << 19;
  public static final int MS_SHARED = 1 << 20;
  public static final int MS_RELATIME = 1 << 21;
  public static final int MS_STRICTATIME = 1 << 24;
  public static final int MS_LAZYTIME = 1 << 25;

  /** Flags a mount keeps. */
  public static final int KEPT = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MS_NOATIME
      | MS_NODIRATIME | MS_RELATIME;

  /** How a mount passes mounts below it on. */
  public static final int PROPAGATION = MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED;

  private MountFlags() {}

  /** The flags as {@code mount(2)} makes them of its argument: relatime unless something else is asked for. */
  static int kept(int flags) {
    int kept = flags & KEPT;
    if ((flags & MS_STRICTATIME) != 0) {
      return kept & ~(MS_NOATIME | MS_RELATIME);
    }
    return (flags & MS_NOATIME) != 0 ? kept & ~MS_RELATIME : kept | MS_RELATIME;
  }

  /** "ro,nosuid,..." */
  static String text(int flags) {
    StringBuilder s = new StringBuilder((flags & MS_RDONLY) != 0 ? "ro" : "rw");
    append(s, flags, MS_NOSUID, ",nosuid");
    append(s, flags, MS_NODEV, ",nodev");
    append(s, flags, MS_NOEXEC, ",noexec");
    append(s, flags, MS_NOATIME, ",noatime");
    append(s, flags, MS_NODIRATIME, ",nodiratime");
    append(s, flags, MS_RELATIME, ",relatime");
    append(s, flags, MS_NOSYMFOLLOW, ",nosymfollow");
    return s.toString();
  }

  private static void append(StringBuilder s, int flags, int flag, String text) {
    if ((flags & flag) != 0) {
      s.append(text);
    }
  }
}
