package gvisor.sentry.fs.overlay;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.DirectoryFile;
import gvisor.sentry.vfs.FileDescription;
import java.util.List;

/** An open directory: both layers merged. */
final class OverlayDirectoryFile extends DirectoryFile<List<OverlayDirectory.Name>> {
  private final OverlayDirectory directory;
  private final Dentry dentry;

  OverlayDirectoryFile(OverlayDirectory directory, Dentry dentry, long parentIno) {
    super(directory, parentIno);
    this.directory = directory;
    this.dentry = dentry;
  }

  @Override
  protected List<OverlayDirectory.Name> collect(Caller caller) throws ErrnoException {
    return directory.names(caller, dentry);
  }

  @Override
  protected int size(List<OverlayDirectory.Name> listing) {
    return listing.size();
  }

  @Override
  protected boolean emit(List<OverlayDirectory.Name> listing, int index, long nextCookie, DirSink sink) {
    OverlayDirectory.Name name = listing.get(index);
    return sink.entry(name.name(), name.ino(), name.type(), nextCookie);
  }

  @Override
  public void sync(FileDescription file, boolean dataOnly) {}
}
