package gvisor.sentry.fs.gofer;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.DirectoryFile;
import gvisor.sentry.vfs.FileDescription;

/** An open directory of the gofer's. */
final class GoferDirectoryFile extends DirectoryFile<GoferDirectory.Entries> {
  private final GoferDirectory directory;

  GoferDirectoryFile(GoferDirectory directory, long parentIno) {
    super(directory, parentIno);
    this.directory = directory;
  }

  @Override
  protected GoferDirectory.Entries collect(Caller caller) throws ErrnoException {
    return directory.entries();
  }

  @Override
  protected int size(GoferDirectory.Entries listing) {
    return listing.names.length;
  }

  @Override
  protected boolean emit(GoferDirectory.Entries listing, int index, long nextCookie, DirSink sink) {
    return sink.entry(listing.names[index], listing.inos[index], listing.types[index], nextCookie);
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
