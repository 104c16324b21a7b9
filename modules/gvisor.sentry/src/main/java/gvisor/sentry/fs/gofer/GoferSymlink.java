package gvisor.sentry.fs.gofer;

import gvisor.api.errno.ErrnoException;
import gvisor.api.p9.FileAttr;
import gvisor.sentry.vfs.Caller;

/** A symbolic link. Its target never changes: another target is another file. */
final class GoferSymlink extends GoferInode {
  private volatile String target;

  GoferSymlink(GoferSuperblock sb, FileAttr attr, GoferDirectory parent, String name) {
    super(sb, attr, parent, name);
  }

  @Override
  public String readlink(Caller caller) throws ErrnoException {
    String t = target;
    if (t == null) {
      int fid = acquireFid();
      try {
        t = sb.client.readLink(fid);
      } finally {
        releaseFid();
      }
      target = t;
    }
    return t;
  }
}
