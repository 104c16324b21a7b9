package gvisor.sentry.fs.overlay;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISDIR;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import java.util.List;

/** An open directory: both layers merged when reading starts, so that removing while reading skips nothing. */
final class OverlayDirectoryFile implements FileOps {
  private static final int SEEK_SET = 0;
  private static final int DT_DIR = 4;

  private final OverlayDirectory directory;
  private final Dentry dentry;
  private final long parentIno;
  private volatile List<OverlayDirectory.Name> names;

  OverlayDirectoryFile(OverlayDirectory directory, Dentry dentry, long parentIno) {
    this.directory = directory;
    this.dentry = dentry;
    this.parentIno = parentIno;
  }

  @Override
  public boolean isSeekable() {
    return true;
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    throw EISDIR.error();
  }

  @Override
  public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
    if (whence != SEEK_SET || offset < 0) {
      throw EINVAL.error();
    }
    return offset;
  }

  @Override
  public long readdir(Caller caller, FileDescription file, long cookie, DirSink sink) throws ErrnoException {
    List<OverlayDirectory.Name> all = names;
    if (all == null || cookie == 0) {
      all = directory.names(caller, dentry);
      names = all;
    }
    long at = cookie;
    if (at == 0 && sink.entry(".", directory.ino(), DT_DIR, 1)) {
      at = 1;
    }
    if (at == 1 && sink.entry("..", parentIno, DT_DIR, 2)) {
      at = 2;
    }
    while (at >= 2 && at - 2 < all.size()) {
      OverlayDirectory.Name n = all.get((int) at - 2);
      if (!sink.entry(n.name(), n.ino(), n.type(), at + 1)) {
        return at;
      }
      at++;
    }
    return at;
  }

  @Override
  public void sync(FileDescription file, boolean dataOnly) {}
}
