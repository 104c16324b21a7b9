package gvisor.sentry.fs.kernfs;

import static gvisor.api.errno.Errno.EINVAL;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.IoBuffer;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.Dentry;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileOps;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** A generated file. */
public class KernFile extends KernInode {
  /** Most bytes one write can have. */
  public static final int MAX_WRITE = 4096;

  private final Content content;
  private final Store store;

  /**
   * @param content what it says; null when it cannot be read
   * @param store what a write does; null when it cannot be written
   */
  public KernFile(KernSuperblock superblock, long ino, int permissions, Content content, Store store) {
    super(superblock, ino, S_IFREG | permissions);
    this.content = content;
    this.store = store;
  }

  /** What is checked when it is opened, beyond permission bits. */
  protected void checkOpen(Caller caller, int flags) throws ErrnoException {}

  @Override
  public FileOps open(Caller caller, Dentry dentry, int flags) throws ErrnoException {
    checkOpen(caller, flags);
    return new Generated();
  }

  /** One open file. Reads from one open file may come from several threads. */
  private final class Generated implements FileOps {
    private byte[] text;

    @Override
    public boolean isSeekable() {
      return true;
    }

    @Override
    public long read(Caller caller, FileDescription file, IoBuffer dst, long offset) throws ErrnoException {
      if (content == null) {
        throw EINVAL.error();
      }
      byte[] now = snapshot(caller, offset);
      if (offset >= now.length || dst.remaining() == 0) {
        return 0;
      }
      return dst.put(MemorySegment.ofArray(now), offset, now.length - offset);
    }

    private byte[] snapshot(Caller caller, long offset) throws ErrnoException {
      byte[] now;
      synchronized (this) {
        now = text;
      }
      if (offset == 0 || now == null) {
        StringBuilder s = new StringBuilder(256);
        content.write(caller, s);
        now = s.toString().getBytes(StandardCharsets.ISO_8859_1);
        synchronized (this) {
          text = now;
        }
      }
      return now;
    }

    @Override
    public long write(Caller caller, FileDescription file, IoBuffer src, long offset) throws ErrnoException {
      if (store == null) {
        throw EINVAL.error();
      }
      int length = (int) Math.min(src.remaining(), MAX_WRITE);
      byte[] bytes = new byte[length];
      int n = (int) src.get(MemorySegment.ofArray(bytes), 0, length);
      store.store(caller, new String(bytes, 0, n, StandardCharsets.ISO_8859_1));
      if (offset == APPEND) {
        file.appendEnd = n;
      }
      return n;
    }

    @Override
    public long seek(Caller caller, FileDescription file, long offset, int whence) throws ErrnoException {
      // Like Linux' seq_file: there is no end to count from.
      if (whence != 0 || offset < 0) {
        throw EINVAL.error();
      }
      return offset;
    }
  }
}
