package gvisor.sentry.fs.gofer;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISDIR;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;

/** An open directory. Cookies are positions in what was read when reading started; rewinding reads anew. */
final class GoferDirectoryFile implements FileOps {
  private static final int SEEK_SET = 0;
  private static final int DT_DIR = 4;

  private final GoferDirectory directory;
  private final long parentIno;
  private volatile GoferDirectory.Entries entries;

  GoferDirectoryFile(GoferDirectory directory, long parentIno) {
    this.directory = directory;
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
    GoferDirectory.Entries e = entries;
    if (e == null || cookie == 0) {
      e = directory.entries();
      entries = e;
    }
    long at = cookie;
    if (at == 0 && sink.entry(".", directory.ino(), DT_DIR, 1)) {
      at = 1;
    }
    if (at == 1 && sink.entry("..", parentIno, DT_DIR, 2)) {
      at = 2;
    }
    while (at >= 2 && at - 2 < e.names.length) {
      int i = (int) at - 2;
      if (!sink.entry(e.names[i], e.inos[i], e.types[i], at + 1)) {
        return at;
      }
      at++;
    }
    return at;
  }

  @Override
  public void sync(FileDescription file, boolean dataOnly) throws ErrnoException {
    int fid = directory.acquireFid();
    try {
      directory.sb.client.sync(fid, dataOnly);
    } finally {
      directory.releaseFid();
    }
  }
}
