package gvisor.sentry.fs.proc;

import static gvisor.api.errno.Errno.EFAULT;
import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.kernfs.KernInode;
import gvisor.sentry.mm.ForcedWrite;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import java.lang.foreign.MemorySegment;

/**
 * {@code /proc/[pid]/mem}: the memory of a process as a file; the offset is the address.
 *
 * <p>Linux: the rights of a mapping do not matter. Here: what the process could not read itself is EIO, because all access
 * to application memory checks them; private mappings can be written whatever they allow, for breakpoints.
 */
final class MemFile extends KernInode {
  /** Bytes moved at a time, through the kernel's memory: two memory managers are never locked at once. */
  private static final int PIECE = 4096;

  private final TaskRef target;

  MemFile(TaskRef target, long ino) {
    super(target.proc(), ino, S_IFREG | 0600);
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
    return new Memory(target.traceable(caller).mm());
  }

  /** The memory as it was when the file was opened: an exec later does not change which one is meant. */
  private static final class Memory implements FileOps {
    private final MemoryManager mm;

    Memory(MemoryManager mm) {
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
      return move(dst, offset, true);
    }

    @Override
    public long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
      return move(src, offset, false);
    }

    private long move(IoBuffer buffer, long offset, boolean read) throws ErrnoException {
      if (mm == null || !mm.tryAcquire()) {
        return 0;
      }
      try {
        MemorySegment piece = MemorySegment.ofArray(new byte[PIECE]);
        long done = 0;
        while (buffer.remaining() > 0) {
          long at = offset + done;
          int n = (int) Math.min(buffer.remaining(), PIECE - (at & PIECE - 1));
          try {
            if (read) {
              mm.copyIn(at, piece, 0, n);
              n = (int) buffer.put(piece, 0, n);
            } else {
              n = (int) buffer.get(piece, 0, n);
              ForcedWrite.copyOut(mm, at, piece, 0, n);
            }
          } catch (ErrnoException e) {
            if (done > 0) {
              return done;
            }
            throw e.errno() == EFAULT ? EIO.error() : e;
          }
          done += n;
        }
        return done;
      } finally {
        mm.release();
      }
    }

    @Override
    public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
      if (whence != 0) {
        throw EINVAL.error();
      }
      return offset;
    }
  }
}
