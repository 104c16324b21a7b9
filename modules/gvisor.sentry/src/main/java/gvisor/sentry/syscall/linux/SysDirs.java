package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOTDIR;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ERANGE;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.DirSink;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Path;
import gvisor.sentry.vfs.PathText;
import gvisor.sentry.vfs.Permissions;
import java.lang.foreign.MemorySegment;

/** Listing directories; the current and the root directory. */
public final class SysDirs {
  private SysDirs() {}

  /** getdents64(2). */
  public static long getdents64(Task t, SyscallArgs a) throws ErrnoException {
    return getdents(t, a, true);
  }

  /** getdents(2). */
  public static long getdents(Task t, SyscallArgs a) throws ErrnoException {
    return getdents(t, a, false);
  }

  private static long getdents(Task t, SyscallArgs a, boolean wide) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      if (!FileIo.isDirectory(f)) {
        throw ENOTDIR.error();
      }
      long count = a.i32(2) & 0xffffffffL;
      Records records = new Records(t.scratch(), (int) Math.min(count, Task.SCRATCH_SIZE), wide);
      f.offsetLock.lock();
      try {
        if (f.path().dentry().isDeleted()) {
          throw gvisor.api.errno.Errno.ENOENT.error();
        }
        f.ops().readdir(t, f, f.offset, records);
        if (records.length == 0) {
          if (records.isFull) {
            throw EINVAL.error();
          }
          return 0;
        }
        t.mm().copyOut(a.addr(1), t.scratch(), 0, records.length);
        f.offset = records.next;
      } finally {
        f.offsetLock.unlock();
      }
      FileIo.accessed(t, f);
      return records.length;
    } finally {
      f.close();
    }
  }

  /** Lays entries out as {@code struct linux_dirent} or {@code linux_dirent64}. */
  private static final class Records implements DirSink {
    private static final int HEADER = 18;
    private static final int WIDE_HEADER = 19;

    private final MemorySegment out;
    private final int limit;
    private final boolean wide;
    private int length;
    private long next;
    private boolean isFull;

    Records(MemorySegment out, int limit, boolean wide) {
      this.out = out;
      this.limit = limit;
      this.wide = wide;
    }

    @Override
    public boolean entry(String name, long ino, int type, long next) {
      // The old record has the type in its last byte, behind the name.
      int size = (wide ? WIDE_HEADER + name.length() + 1 : HEADER + name.length() + 2) + 7 & ~7;
      if (size > limit - length) {
        isFull = true;
        return false;
      }
      out.set(JAVA_LONG_UNALIGNED, length, ino);
      out.set(JAVA_LONG_UNALIGNED, length + 8, next);
      out.set(JAVA_SHORT_UNALIGNED, length + 16, (short) size);
      int at = length + HEADER;
      if (wide) {
        out.set(JAVA_BYTE, at++, (byte) type);
      }
      for (int i = 0; i < name.length(); i++) {
        out.set(JAVA_BYTE, at++, (byte) name.charAt(i));
      }
      while (at < length + size) {
        out.set(JAVA_BYTE, at++, (byte) 0);
      }
      if (!wide) {
        out.set(JAVA_BYTE, length + size - 1, (byte) type);
      }
      length += size;
      this.next = next;
      return true;
    }
  }

  /** getcwd(2). */
  public static long getcwd(Task t, SyscallArgs a) throws ErrnoException {
    String path = PathText.cwd(t.fs().cwd(), t.fs().root());
    long length = path.length() + 1L;
    if (Long.compareUnsigned(a.size(1), length) < 0 || length > Task.SCRATCH_SIZE) {
      throw ERANGE.error();
    }
    MemorySegment scratch = t.scratch();
    for (int i = 0; i < path.length(); i++) {
      scratch.set(JAVA_BYTE, i, (byte) path.charAt(i));
    }
    scratch.set(JAVA_BYTE, path.length(), (byte) 0);
    t.mm().copyOut(a.addr(0), scratch, 0, length);
    return length;
  }

  /** chdir(2). */
  public static long chdir(Task t, SyscallArgs a) throws ErrnoException {
    t.fs().setCwd(directory(t, Paths.resolve(t, a.addr(0), true)));
    return 0;
  }

  /** fchdir(2). */
  public static long fchdir(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().getAny(a.fd(0));
    try {
      t.fs().setCwd(directory(t, f.path()));
      return 0;
    } finally {
      f.close();
    }
  }

  /** chroot(2). */
  public static long chroot(Task t, SyscallArgs a) throws ErrnoException {
    Path path = directory(t, Paths.resolve(t, a.addr(0), true));
    if (!t.creds().has(Capability.CAP_SYS_CHROOT)) {
      throw EPERM.error();
    }
    t.fs().setRoot(path);
    return 0;
  }

  private static Path directory(Task t, Path path) throws ErrnoException {
    if (!path.dentry().inode().isDirectory()) {
      throw ENOTDIR.error();
    }
    path.dentry().inode().checkPermission(t, Permissions.MAY_EXEC);
    return path;
  }
}
