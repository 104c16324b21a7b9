package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.kernfs.KernInode;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import java.lang.foreign.MemorySegment;

/**
 * {@code /proc/[pid]/pagemap}: eight bytes for each page of the address space, from address 0 on, that say whether it is
 * in memory. As on Linux for those without CAP_SYS_ADMIN, frame numbers are 0.
 */
final class PagemapFile extends KernInode {
  private static final int ENTRY = 8;
  private static final int PAGE_SHIFT = 12;

  /** Entries made at a time. */
  private static final int PIECE = 512;

  private final TaskRef target;

  PagemapFile(TaskRef target, long ino) {
    super(target.proc(), ino, S_IFREG | 0400);
    this.target = target;
  }

  @Override
  public int uid() {
    return TaskFile.owner(target).euid();
  }

  @Override
  public int gid() {
    return TaskFile.owner(target).egid();
  }

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) throws ErrnoException {
    return new Entries(target.traceable(caller).mm());
  }

  /** Of the memory as it was when the file was opened. */
  private static final class Entries implements FileOps {
    private final MemoryManager mm;

    Entries(MemoryManager mm) {
      this.mm = mm;
    }

    @Override
    public boolean isSeekable() {
      return true;
    }

    @Override
    public boolean splicesOut() {
      return false;
    }

    @Override
    public boolean splicesIn() {
      return false;
    }

    @Override
    public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
      if (offset % ENTRY != 0 || dst.remaining() % ENTRY != 0) {
        throw EINVAL.error();
      }
      long page = offset / ENTRY;
      if (mm == null || page > Long.MAX_VALUE >> PAGE_SHIFT || !mm.tryAcquire()) {
        return 0;
      }
      try {
        MemorySegment piece = MemorySegment.ofArray(new byte[PIECE * ENTRY]);
        long done = 0;
        while (dst.remaining() > 0 && mm.isUserRange(page << PAGE_SHIFT, 1L << PAGE_SHIFT)) {
          int n = (int) Math.min(PIECE, dst.remaining() / ENTRY);
          while (n > 1 && !mm.isUserRange(page << PAGE_SHIFT, (long) n << PAGE_SHIFT)) {
            n /= 2;
          }
          mm.advice().pagemap(page << PAGE_SHIFT, n, piece);
          long put = dst.put(piece, 0, (long) n * ENTRY);
          done += put;
          page += n;
          if (put < (long) n * ENTRY) {
            break;
          }
        }
        return done;
      } finally {
        mm.release();
      }
    }

    @Override
    public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
      if (whence != 0 || offset < 0) {
        throw EINVAL.error();
      }
      return offset;
    }
  }
}
