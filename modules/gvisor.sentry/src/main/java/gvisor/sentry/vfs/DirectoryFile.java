package gvisor.sentry.vfs;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EISDIR;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;

/**
 * An open directory whose names are all collected when reading starts, so that removing while reading skips nothing.
 * Cookies are positions in what was collected; rewinding collects anew.
 *
 * @param <L> what is collected
 */
public abstract class DirectoryFile<L> implements FileOps {
  private static final int SEEK_SET = 0;
  private static final int DT_DIR = 4;

  private final Inode directory;
  private final long parentIno;
  private volatile L listing;

  protected DirectoryFile(Inode directory, long parentIno) {
    this.directory = directory;
    this.parentIno = parentIno;
  }

  /** Everything in the directory now but itself and its parent. */
  protected abstract L collect(Caller caller) throws ErrnoException;

  /** Names in {@code listing}. */
  protected abstract int size(L listing);

  /** Tells {@code sink} of the name at {@code index}; what the sink answered. */
  protected abstract boolean emit(L listing, int index, long nextCookie, DirSink sink);

  @Override
  public final boolean isSeekable() {
    return true;
  }

  @Override
  public final long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    throw EISDIR.error();
  }

  @Override
  public final long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
    if (whence != SEEK_SET || offset < 0) {
      throw EINVAL.error();
    }
    return offset;
  }

  @Override
  public final long readdir(Caller caller, FileDescription file, long cookie, DirSink sink) throws ErrnoException {
    L all = listing;
    if (all == null || cookie == 0) {
      all = collect(caller);
      listing = all;
    }
    long at = cookie;
    if (at == 0 && sink.entry(".", directory.ino(), DT_DIR, 1)) {
      at = 1;
    }
    if (at == 1 && sink.entry("..", parentIno, DT_DIR, 2)) {
      at = 2;
    }
    int size = size(all);
    while (at >= 2 && at - 2 < size) {
      if (!emit(all, (int) at - 2, at + 1, sink)) {
        return at;
      }
      at++;
    }
    return at;
  }
}
