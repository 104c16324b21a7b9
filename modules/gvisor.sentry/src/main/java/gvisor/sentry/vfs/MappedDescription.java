package gvisor.sentry.vfs;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.api.host.HostClock;
import gvisor.sentry.mm.MappedFile;

/** An open file as a mapping keeps it. */
public final class MappedDescription implements MappedFile {
  private static final int FALLOC_FL_KEEP_SIZE = 1;
  private static final int FALLOC_FL_PUNCH_HOLE = 2;

  private final FileDescription file;

  /** Takes no reference: {@link #acquire} does, one a vma. */
  public MappedDescription(FileDescription file) {
    this.file = file;
  }

  /** The open file. */
  public FileDescription file() {
    return file;
  }

  @Override
  public void acquire() {
    file.acquire();
  }

  @Override
  public void release() {
    file.close();
  }

  @Override
  public boolean isSame(MappedFile other) {
    return other instanceof MappedDescription d && d.file == file;
  }

  @Override
  public void punchHole(HostClock clock, long offset, long length) throws ErrnoException {
    if (!file.isWritable()) {
      throw Errno.EACCES.error();
    }
    Caller caller = new KernelCaller(null, clock);
    file.ops().fallocate(caller, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
  }

  @Override
  public String displayName() {
    return PathText.of(file.path(), new Path(file.path().mount(), null));
  }

  @Override
  public long dev() {
    return file.inode().superblock().dev();
  }

  @Override
  public long ino() {
    return file.inode().ino();
  }
}
