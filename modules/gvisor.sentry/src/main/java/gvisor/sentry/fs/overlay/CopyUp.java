package gvisor.sentry.fs.overlay;

import static gvisor.api.errno.Errno.EIO;
import static gvisor.api.errno.Errno.ENXIO;
import static gvisor.api.errno.Errno.EOPNOTSUPP;

import gvisor.api.errno.Errno;
import gvisor.api.errno.ErrnoException;
import gvisor.sentry.mm.KernelBuffer;
import gvisor.sentry.mm.PageAllocator;
import gvisor.sentry.vfs.Caller;
import gvisor.sentry.vfs.FileOps;
import gvisor.sentry.vfs.Inode;
import gvisor.sentry.vfs.SetAttr;
import gvisor.sentry.vfs.StatBuf;

/** Copies content and attributes from the lower tree to the upper one. */
final class CopyUp {
  private static final int BUFFER = 256 * 1024;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;

  private final PageAllocator pages;

  CopyUp(PageAllocator pages) {
    this.pages = pages;
  }

  /** Owner, permissions, times and extended attributes. */
  static void copyAttributes(Caller caller, Inode from, Inode to) throws ErrnoException {
    for (String name : from.listXattr(caller)) {
      byte[] value = from.getXattr(caller, name);
      if (value != null) {
        setXattr(caller, to, name, value);
      }
    }
    StatBuf stat = new StatBuf();
    from.stat(stat);
    SetAttr change = new SetAttr();
    change.valid = SetAttr.UID | SetAttr.GID | SetAttr.ATIME | SetAttr.MTIME;
    change.uid = stat.uid;
    change.gid = stat.gid;
    change.atime = stat.atime;
    change.mtime = stat.mtime;
    if (!from.isSymlink()) {
      change.valid |= SetAttr.MODE;
      change.mode = stat.mode & 07777;
    }
    to.setAttr(caller, change);
  }

  private static void setXattr(Caller caller, Inode to, String name, byte[] value) throws ErrnoException {
    try {
      to.setXattr(caller, name, value, 0);
    } catch (ErrnoException e) {
      if (e.errno() != EOPNOTSUPP) {
        throw e;
      }
    }
  }

  /** The first {@code length} bytes of {@code from}, as far as there are so many; holes stay holes. */
  void copyContent(Caller caller, FileOps from, FileOps to, long length) throws ErrnoException {
    long memory = pages.allocate(BUFFER, PageAllocator.PAGE_SIZE);
    try {
      long at = 0;
      while (at < length) {
        long data = seek(caller, from, at, SEEK_DATA, length);
        if (data >= length) {
          return;
        }
        long hole = seek(caller, from, data, SEEK_HOLE, length);
        copyRange(caller, from, to, data, Math.min(hole, length), memory);
        at = hole;
      }
    } finally {
      pages.release(memory, BUFFER);
    }
  }

  private void copyRange(Caller caller, FileOps from, FileOps to, long start, long end, long memory)
      throws ErrnoException {
    KernelBuffer buffer = new KernelBuffer();
    long at = start;
    while (at < end) {
      long n = from.read(caller, null, buffer.wrap(pages.memory(), memory, Math.min(BUFFER, end - at)), at);
      if (n <= 0) {
        return;
      }
      long done = 0;
      buffer.wrap(pages.memory(), memory, n);
      while (done < n) {
        long written = to.write(caller, null, buffer, at + done);
        if (written <= 0) {
          throw EIO.error();
        }
        done += written;
      }
      at += n;
    }
  }

  /** Where data or a hole begins; a file system that cannot tell has data everywhere. */
  private static long seek(Caller caller, FileOps file, long at, int whence, long end) throws ErrnoException {
    try {
      return file.seek(caller, null, at, whence);
    } catch (ErrnoException e) {
      if (e.errno() == ENXIO) {
        return end;
      }
      if (e.errno() == Errno.EINVAL || e.errno() == EOPNOTSUPP) {
        return whence == SEEK_DATA ? at : end;
      }
      throw e;
    }
  }
}
