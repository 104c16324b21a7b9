package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOSPC;
import static gvisor.api.errno.Errno.ENOMEM;
import static gvisor.api.errno.Errno.EOPNOTSUPP;
import static gvisor.api.errno.Errno.EPERM;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.MapFlags;
import gvisor.sentry.mm.Mappable;
import gvisor.sentry.mm.MappedFile;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.SharedAnonymous;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.MappedDescription;

/** {@code man 2 mmap}, {@code munmap}, {@code mprotect}, {@code mremap} and {@code brk}. */
final class SysMmap {
  private static final int PAGE = MemoryManager.PAGE_SIZE;
  private static final int ALL = MapFlags.PROT_READ | MapFlags.PROT_WRITE | MapFlags.PROT_EXEC;
  private static final String SHARED_NAME = "/dev/zero (deleted)";

  /** PKEY_DISABLE_ACCESS and PKEY_DISABLE_WRITE. */
  private static final long PKEY_ACCESS_MASK = 3;

  private SysMmap() {}

  /** {@code man 2 mmap}: addr, length, prot, flags, fd, offset. */
  static long mmap(Task t, SyscallArgs a) throws ErrnoException {
    long addr = a.addr(0);
    long length = a.size(1);
    int prot = a.i32(2) & ALL;
    int flags = a.i32(3);
    long offset = a.i64(5);
    if ((offset & PAGE - 1) != 0) {
      throw EINVAL.error();
    }
    boolean mayLock = t.creds().has(Capability.CAP_IPC_LOCK);
    int type = flags & MapFlags.MAP_TYPE;
    if ((flags & MapFlags.MAP_ANONYMOUS) != 0) {
      return mapAnonymous(t, addr, length, prot, flags, type, mayLock);
    }
    FileDescription f = t.fds().get(a.fd(4));
    try {
      if ((flags & MapFlags.MAP_HUGETLB) != 0 || length == 0) {
        throw EINVAL.error();
      }
      if (type == MapFlags.MAP_SHARED_VALIDATE && (flags & ~MapFlags.MAP_KNOWN) != 0) {
        throw EOPNOTSUPP.error();
      }
      checkType(type);
      boolean shared = type != MapFlags.MAP_PRIVATE;
      int maxProt = ALL;
      if (shared && !f.isWritable()) {
        if ((prot & MapFlags.PROT_WRITE) != 0) {
          throw EACCES.error();
        }
        maxProt &= ~MapFlags.PROT_WRITE;
      }
      if (!f.isReadable()) {
        throw EACCES.error();
      }
      if (shared && !f.ops().allowsSharedWrites()) {
        if ((prot & MapFlags.PROT_WRITE) != 0) {
          throw EPERM.error();
        }
        maxProt &= ~MapFlags.PROT_WRITE;
      }
      if (f.path().mount().isNoExec()) {
        if ((prot & MapFlags.PROT_EXEC) != 0) {
          throw EPERM.error();
        }
        maxProt &= ~MapFlags.PROT_EXEC;
      }
      Mappable mappable = f.ops().mappable(f);
      if (mappable == null) {
        // A device of zeros: what it maps is anonymous memory.
        return mapAnonymous(t, addr, length, prot, flags | MapFlags.MAP_ANONYMOUS, type, mayLock);
      }
      return t.mm().mappings()
          .map(addr, length, prot, flags, mappable, new MappedDescription(f), offset, maxProt, mayLock);
    } finally {
      f.close();
    }
  }

  private static long mapAnonymous(Task t, long addr, long length, int prot, int flags, int type, boolean mayLock)
      throws ErrnoException {
    checkType(type);
    if (length == 0) {
      throw EINVAL.error();
    }
    if ((flags & MapFlags.MAP_HUGETLB) != 0) {
      throw ENOMEM.error();
    }
    MemoryManager mm = t.mm();
    if (type == MapFlags.MAP_PRIVATE) {
      return mm.mappings().map(addr, length, prot, flags, null, null, 0, ALL, mayLock);
    }
    long size = length + PAGE - 1 & -PAGE;
    if (size <= 0) {
      throw ENOMEM.error();
    }
    SharedAnonymous memory = new SharedAnonymous(t.container().memory().pages(), size, SHARED_NAME, 1, 0);
    try {
      return mm.mappings().map(addr, length, prot, flags, memory, (MappedFile) memory, 0, ALL, mayLock);
    } finally {
      memory.release();
    }
  }

  private static void checkType(int type) throws ErrnoException {
    if (type != MapFlags.MAP_SHARED && type != MapFlags.MAP_PRIVATE && type != MapFlags.MAP_SHARED_VALIDATE) {
      throw EINVAL.error();
    }
  }

  /** {@code man 2 munmap}: addr, length. */
  static long munmap(Task t, SyscallArgs a) throws ErrnoException {
    t.mm().mappings().unmap(a.addr(0), a.size(1));
    return 0;
  }

  /** {@code man 2 mprotect}: addr, length, prot. */
  static long mprotect(Task t, SyscallArgs a) throws ErrnoException {
    t.mm().mappings().protect(a.addr(0), a.size(1), a.i32(2));
    return 0;
  }

  /** {@code man 2 mremap}: old_address, old_size, new_size, flags, new_address. */
  static long mremap(Task t, SyscallArgs a) throws ErrnoException {
    boolean mayLock = t.creds().has(Capability.CAP_IPC_LOCK);
    return t.mm().remapping().remap(a.addr(0), a.size(1), a.size(2), a.i32(3), a.addr(4), mayLock);
  }

  /** {@code man 2 brk}: addr. */
  static long brk(Task t, SyscallArgs a) throws ErrnoException {
    return t.mm().mappings().brk(a.addr(0));
  }

  /** {@code man 2 pkey_mprotect}: addr, length, prot, pkey; the processor is said to have no keys, -1 is none. */
  static long pkeyMprotect(Task t, SyscallArgs a) throws ErrnoException {
    if (a.i32(3) != -1) {
      throw EINVAL.error();
    }
    return mprotect(t, a);
  }

  /** {@code man 2 pkey_alloc}: flags, access_rights; there is no key to give. */
  static long pkeyAlloc(Task t, SyscallArgs a) throws ErrnoException {
    if (a.i64(0) != 0 || (a.i64(1) & ~PKEY_ACCESS_MASK) != 0) {
      throw EINVAL.error();
    }
    throw ENOSPC.error();
  }
}
