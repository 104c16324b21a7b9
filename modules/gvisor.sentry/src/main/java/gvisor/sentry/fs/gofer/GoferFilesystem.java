package gvisor.sentry.fs.gofer;

import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostClock;
import gvisor.api.p9.P9Client;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.DeviceNumbers;
import gvisor.sentry.vfs.Superblock;

/** Mounts what a gofer serves. Not a file system that {@code mount(2)} can name. */
public final class GoferFilesystem {
  private GoferFilesystem() {}

  /**
   * Mounts an attach point; its root may be any type of file.
   *
   * @param client the connection to the gofer, which other mounts share
   * @param exclusive nobody else changes the tree, so that what was asked once is never asked again
   * @param mapped the gofer sees users and groups through maps of its own: only what it says of owners counts, and not
   *     what its descriptors say
   * @param budget shared by all gofer mounts of a sandbox
   * @throws ErrnoException ENOENT when the gofer has no such attach point; EIO when it is gone
   */
  public static Superblock mount(DeviceNumbers numbers, P9Client client, String attachName, PageAllocator pages,
      HostClock clock, CacheBudget budget, boolean exclusive, boolean mapped) throws ErrnoException {
    return new GoferSuperblock(numbers.anonymous(), client, attachName, pages, clock, budget, exclusive, mapped);
  }
}
