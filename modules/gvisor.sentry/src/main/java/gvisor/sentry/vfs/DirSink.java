package gvisor.sentry.vfs;

/** Takes directory entries. */
public interface DirSink {
  /**
   * Takes one entry.
   *
   * @param type DT_*: the type bits of the mode shifted right by 12
   * @param next the cookie from which the entry after this one is read
   * @return false when there was no room: the entry has not been taken
   */
  boolean entry(String name, long ino, int type, long next);
}
