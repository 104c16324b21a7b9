package gvisor.sentry.fs.kernfs;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;

/** A symbolic link. */
public class KernLink extends KernInode {
  private final String target;

  /** @param target its text; null when a subclass makes it */
  public KernLink(KernSuperblock superblock, long ino, String target) {
    super(superblock, ino, S_IFLNK | 0777);
    this.target = target;
  }

  @Override
  protected long size() {
    return target == null ? 0 : target.length();
  }

  @Override
  public String readlink(Caller caller) throws ErrnoException {
    return target;
  }
}
