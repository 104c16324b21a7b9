package gvisor.sentry.fs.overlay;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostClock;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.Superblock;

/** Puts a file system in memory over another one. Not a file system that {@code mount(2)} can name. */
public final class OverlayFilesystem {
  private OverlayFilesystem() {}

  /**
   * Mounts {@code upper} over {@code lower}, which nobody may change from now on; the overlay owns both.
   *
   * @param upper empty, and able to make every type of file, names for files without one, and extended attributes
   * @param lower whose root is a directory
   * @param pages memory that files are copied through
   * @throws ErrnoException what the upper file system gives when it has no room for the root
   */
  public static Superblock mount(DeviceNumbers numbers, Superblock upper, Superblock lower, PageAllocator pages,
      HostClock clock) throws ErrnoException {
    return new OverlaySuperblock(numbers.anonymous(), upper, lower, pages, clock);
  }
}
