package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENAMETOOLONG;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.fs.tmpfs.TmpfsRegular;
import gvisor.sentry.fs.tmpfs.TmpfsSuperblock;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.AnonFile;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.OpenFlags;

/** {@code memfd_create}. */
public final class SysMemfd {
  private static final int MFD_CLOEXEC = 1;
  private static final int MFD_ALLOW_SEALING = 2;
  private static final int MFD_NOEXEC_SEAL = 8;
  private static final int MFD_EXEC = 16;
  private static final int KNOWN = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC;
  private static final int F_SEAL_EXEC = 32;

  /** Longest name: a file name's 255 without what Linux puts before it. */
  private static final int NAME_MAX = 249;

  private SysMemfd() {}

  /** memfd_create(2). */
  public static long memfdCreate(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(1);
    // MFD_HUGETLB is refused as where no huge pages are set aside.
    if ((flags & ~KNOWN) != 0 || (flags & MFD_EXEC) != 0 && (flags & MFD_NOEXEC_SEAL) != 0) {
      throw EINVAL.error();
    }
    String name;
    try {
      name = t.mm().readString(a.addr(0), NAME_MAX);
    } catch (ErrnoException e) {
      throw e.errno() == ENAMETOOLONG ? EINVAL.error() : e;
    }
    boolean noexec = (flags & MFD_NOEXEC_SEAL) != 0;
    TmpfsSuperblock superblock = (TmpfsSuperblock) t.kernel().vfs().memoryFiles();
    TmpfsRegular file = TmpfsRegular.unnamed(t, superblock, noexec ? 0666 : 0777,
        noexec || (flags & MFD_ALLOW_SEALING) != 0);
    if (noexec) {
      file.addSeals(F_SEAL_EXEC);
    }
    FileDescription f = AnonFile.openInode(t.kernel().vfs(), file.open(t, null, OpenFlags.O_RDWR), file,
        "/memfd:" + name + " (deleted)", OpenFlags.O_RDWR | OpenFlags.O_LARGEFILE);
    return t.fds().install(f, (flags & MFD_CLOEXEC) != 0, t.fdLimit());
  }
}
