package gvisor.sentry.vfs;

import gvisor.api.errno.ErrnoException;

/** A file system that {@code mount(2)} can name. Registered as one list in {@code gvisor.sentry.boot}. */
public interface FilesystemType {
  String name();

  /** Whether {@code /proc/filesystems} says {@code nodev}. */
  default boolean needsNoDevice() {
    return true;
  }

  /**
   * Makes or finds an instance.
   *
   * @param options comma-separated, as in {@code mount(2)}'s data; unknown ones are EINVAL
   */
  Superblock mount(Caller caller, String source, String options) throws ErrnoException;
}
