package gvisor.sentry.fs.tmpfs;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.mm.Mappable;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;

/** A regular file in memory. It is its own {@link FileOps}: an open file has no state here but being counted. */
public final class TmpfsRegular extends TmpfsInode implements FileOps {
  /** {@code lseek(2)}. */
  private static final int SEEK_SET = 0;
  private static final int SEEK_END = 2;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;

  private final FileData data;

  /** Whether {@code linkat(2)} may name it though it has no name: O_TMPFILE without O_EXCL. */
  private final boolean isLinkable;

  /** Open files, O_PATH ones too; changes under the superblock's names lock. */
  private int opens;

  TmpfsRegular(TmpfsSuperblock tmpfs, int permissions, int uid, int gid, int nlink, int seals, long now) {
    this(tmpfs, tmpfs.allocator(), permissions, uid, gid, nlink, seals, now);
  }

  private TmpfsRegular(TmpfsSuperblock tmpfs, PageAllocator allocator, int permissions, int uid, int gid, int nlink,
      int seals, long now) {
    super(tmpfs, S_IFREG | permissions, uid, gid, nlink, now);
    this.data = new FileData(tmpfs, allocator, seals);
    this.isLinkable = nlink == 0;
  }

  /**
   * A file without a name in {@code superblock}, sealed with F_SEAL_SEAL unless {@code sealable}: what
   * {@code memfd_create(2)} and shared anonymous memory are made of. ENOSPC when there may be no more files.
   */
  public static TmpfsRegular unnamed(Caller caller, TmpfsSuperblock superblock, int permissions, boolean sealable)
      throws ErrnoException {
    if (!superblock.chargeInode()) {
      throw gvisor.api.errno.Errno.ENOSPC.error();
    }
    TmpfsRegular made = new TmpfsRegular(superblock, caller.pages(superblock.allocator()), permissions,
        caller.creds().fsuid(), caller.creds().fsgid(), 0, sealable ? 0 : FileData.F_SEAL_SEAL,
        caller.realtimeNanos());
    superblock.unchargeInode();
    return made;
  }

  boolean isLinkable() {
    return isLinkable;
  }

  /** F_SEAL_* bits; -1 for a file that {@code F_GET_SEALS} does not know. */
  public int seals() {
    return data.seals();
  }

  /** Adds F_SEAL_* bits: EPERM when sealed against it, EBUSY when it is mapped. */
  public void addSeals(int seals) throws ErrnoException {
    data.addSeals(seals);
  }

  @Override
  long size() {
    return data.size();
  }

  @Override
  long allocatedBytes() {
    return data.allocatedBytes();
  }

  @Override
  void truncate(long size) throws ErrnoException {
    data.truncate(size);
  }

  @Override
  void unlinked() {
    super.unlinked();
    if (opens == 0) {
      data.free();
    }
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) {
    pin();
    return this;
  }

  @Override
  public void pin() {
    tmpfs.namesLock.lock();
    try {
      opens++;
    } finally {
      tmpfs.namesLock.unlock();
    }
  }

  @Override
  public void release(FileDescription file) {
    unpin();
  }

  @Override
  public void unpin() {
    boolean isGone;
    tmpfs.namesLock.lock();
    try {
      isGone = --opens == 0 && nlink() == 0;
      if (opens == 0) {
        data.closed();
      }
    } finally {
      tmpfs.namesLock.unlock();
    }
    if (isGone) {
      data.free();
    }
  }

  /** The file system is gone. */
  void free() {
    data.free();
  }

  @Override
  public boolean isSeekable() {
    return true;
  }

  @Override
  public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
    return data.read(dst, offset);
  }

  @Override
  public long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
    long n = data.write(src, offset, caller.fileSizeLimit(), file);
    if (n > 0) {
      modified(caller.realtimeNanos());
    }
    return n;
  }

  @Override
  public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
    return switch (whence) {
      case SEEK_SET -> offset;
      case SEEK_END -> data.size() + offset;
      case SEEK_DATA -> data.seekHole(offset, true);
      case SEEK_HOLE -> data.seekHole(offset, false);
      default -> throw EINVAL.error();
    };
  }

  @Override
  public Mappable mappable(FileDescription file) {
    return data;
  }

  @Override
  public boolean allowsSharedWrites() {
    return (data.seals() & (FileData.F_SEAL_WRITE | FileData.F_SEAL_FUTURE_WRITE)) == 0;
  }

  @Override
  public void sync(FileDescription file, boolean dataOnly) {}

  @Override
  public void fallocate(Caller caller, FileDescription file, int mode, long offset, long length)
      throws ErrnoException {
    data.fallocate(mode, offset, length, caller.fileSizeLimit());
    modified(caller.realtimeNanos());
  }

  /** What an open file's inode is, if it is one of these. */
  public static TmpfsRegular of(Inode inode) {
    return inode instanceof TmpfsRegular r ? r : null;
  }
}
