package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.E2BIG;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ERANGE;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.Attributes;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.Path;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Extended attributes ({@code man 7 xattr}). */
public final class SysXattr {
  private static final int XATTR_NAME_MAX = 255;
  private static final int XATTR_SIZE_MAX = 65536;

  private SysXattr() {}

  /** setxattr(2). */
  public static long setxattr(Task t, SyscallArgs a) throws ErrnoException {
    checkFlags(a);
    return set(t, Paths.resolve(t, a.addr(0), true), a);
  }

  /** lsetxattr(2). */
  public static long lsetxattr(Task t, SyscallArgs a) throws ErrnoException {
    checkFlags(a);
    return set(t, Paths.resolve(t, a.addr(0), false), a);
  }

  /** fsetxattr(2). */
  public static long fsetxattr(Task t, SyscallArgs a) throws ErrnoException {
    checkFlags(a);
    FileDescription f = t.fds().get(a.fd(0));
    try {
      return set(t, f.path(), a);
    } finally {
      f.close();
    }
  }

  private static void checkFlags(SyscallArgs a) throws ErrnoException {
    int both = Attributes.XATTR_CREATE | Attributes.XATTR_REPLACE;
    if ((a.i32(4) & ~both) != 0 || a.i32(4) == both) {
      throw EINVAL.error();
    }
  }

  private static long set(Task t, Path path, SyscallArgs a) throws ErrnoException {
    String name = name(t, a.addr(1));
    long size = a.size(3);
    if (size < 0 || size > XATTR_SIZE_MAX) {
      throw E2BIG.error();
    }
    byte[] value = new byte[(int) size];
    t.mm().copyIn(a.addr(2), MemorySegment.ofArray(value), 0, size);
    Attributes.setXattr(t, path, name, value, a.i32(4));
    return 0;
  }

  /** getxattr(2). */
  public static long getxattr(Task t, SyscallArgs a) throws ErrnoException {
    return get(t, Paths.resolve(t, a.addr(0), true), a);
  }

  /** lgetxattr(2). */
  public static long lgetxattr(Task t, SyscallArgs a) throws ErrnoException {
    return get(t, Paths.resolve(t, a.addr(0), false), a);
  }

  /** fgetxattr(2). */
  public static long fgetxattr(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      return get(t, f.path(), a);
    } finally {
      f.close();
    }
  }

  private static long get(Task t, Path path, SyscallArgs a) throws ErrnoException {
    return deliver(t, Attributes.getXattr(t, path, name(t, a.addr(1))), a.addr(2), a.size(3));
  }

  /** Stores the bytes; a size of 0 only asks how many there are. */
  private static long deliver(Task t, byte[] value, long addr, long size) throws ErrnoException {
    if (size == 0) {
      return value.length;
    }
    if (Long.compareUnsigned(size, value.length) < 0) {
      throw ERANGE.error();
    }
    t.mm().copyOut(addr, MemorySegment.ofArray(value), 0, value.length);
    return value.length;
  }

  /** listxattr(2). */
  public static long listxattr(Task t, SyscallArgs a) throws ErrnoException {
    return list(t, Paths.resolve(t, a.addr(0), true), a);
  }

  /** llistxattr(2). */
  public static long llistxattr(Task t, SyscallArgs a) throws ErrnoException {
    return list(t, Paths.resolve(t, a.addr(0), false), a);
  }

  /** flistxattr(2). */
  public static long flistxattr(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      return list(t, f.path(), a);
    } finally {
      f.close();
    }
  }

  private static long list(Task t, Path path, SyscallArgs a) throws ErrnoException {
    ByteArrayOutputStream names = new ByteArrayOutputStream();
    for (String name : path.dentry().inode().listXattr(t)) {
      if (Attributes.isXattrVisible(t, name)) {
        names.writeBytes(name.getBytes(StandardCharsets.ISO_8859_1));
        names.write(0);
      }
    }
    return deliver(t, names.toByteArray(), a.addr(1), a.size(2));
  }

  /** removexattr(2). */
  public static long removexattr(Task t, SyscallArgs a) throws ErrnoException {
    Attributes.removeXattr(t, Paths.resolve(t, a.addr(0), true), name(t, a.addr(1)));
    return 0;
  }

  /** lremovexattr(2). */
  public static long lremovexattr(Task t, SyscallArgs a) throws ErrnoException {
    Attributes.removeXattr(t, Paths.resolve(t, a.addr(0), false), name(t, a.addr(1)));
    return 0;
  }

  /** fremovexattr(2). */
  public static long fremovexattr(Task t, SyscallArgs a) throws ErrnoException {
    FileDescription f = t.fds().get(a.fd(0));
    try {
      Attributes.removeXattr(t, f.path(), name(t, a.addr(1)));
      return 0;
    } finally {
      f.close();
    }
  }

  private static String name(Task t, long addr) throws ErrnoException {
    String name;
    try {
      name = t.mm().readString(addr, XATTR_NAME_MAX);
    } catch (ErrnoException e) {
      throw e.errno() == gvisor.api.errno.Errno.ENAMETOOLONG ? ERANGE.error() : e;
    }
    if (name.isEmpty()) {
      throw ERANGE.error();
    }
    return name;
  }
}
