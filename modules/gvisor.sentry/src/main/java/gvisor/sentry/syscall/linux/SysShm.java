package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EINVAL;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Credentials;
import gvisor.sentry.ipc.ShmRegistry;
import gvisor.sentry.ipc.ShmSegment;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.mm.MapFlags;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.MmLimits;
import gvisor.sentry.syscall.SyscallArgs;
import java.lang.foreign.MemorySegment;

/** System V shared memory: {@code man 2 shmget}, {@code shmop}, {@code shmctl}. */
final class SysShm {
  private static final int SHM_RDONLY = 010000;
  private static final int SHM_RND = 020000;
  private static final int SHM_REMAP = 040000;
  private static final int SHM_EXEC = 0100000;
  private static final int SHM_NORESERVE = 010000;

  private static final int IPC_RMID = 0;
  private static final int IPC_SET = 1;
  private static final int IPC_STAT = 2;
  private static final int IPC_INFO = 3;
  private static final int SHM_LOCK = 11;
  private static final int SHM_UNLOCK = 12;
  private static final int SHM_STAT = 13;
  private static final int SHM_INFO = 14;
  private static final int SHM_STAT_ANY = 15;
  private static final int IPC_64 = 0x100;

  // struct shmid_ds, struct shminfo and struct shm_info of x86-64.
  private static final int SHMID_DS_SIZE = 112;
  private static final int SHMINFO_SIZE = 72;
  private static final int SHM_INFO_SIZE = 48;

  private static final int PAGE = MemoryManager.PAGE_SIZE;

  private SysShm() {}

  private static ShmRegistry registry(Task t) {
    return t.ipc().registry(ShmRegistry.class, () -> new ShmRegistry(t.kernel().host().clock()));
  }

  /** {@code man 2 shmget}: key, size, shmflg. */
  static long shmget(Task t, SyscallArgs a) throws ErrnoException {
    return registry(t).get(t.container().memory().pages(), a.i32(0), a.size(1), a.i32(2) & ~SHM_NORESERVE, t.creds(),
        t.tgid());
  }

  /** {@code man 2 shmat}: shmid, shmaddr, shmflg. */
  static long shmat(Task t, SyscallArgs a) throws ErrnoException {
    long addr = a.addr(1);
    int flags = a.i32(2);
    if (addr != 0 && (addr & PAGE - 1) != 0) {
      if ((flags & SHM_RND) == 0) {
        throw EINVAL.error();
      }
      addr &= -PAGE;
      if (addr == 0 && (flags & SHM_REMAP) != 0) {
        throw EINVAL.error();
      }
    } else if (addr == 0 && (flags & SHM_REMAP) != 0) {
      throw EINVAL.error();
    }
    boolean readOnly = (flags & SHM_RDONLY) != 0;
    boolean exec = (flags & SHM_EXEC) != 0;
    int prot = MapFlags.PROT_READ | (readOnly ? 0 : MapFlags.PROT_WRITE) | (exec ? MapFlags.PROT_EXEC : 0);
    ShmRegistry registry = registry(t);
    ShmSegment s = registry.attach(a.i32(0), t.creds(), 4 | (readOnly ? 0 : 2) | (exec ? 1 : 0), t.tgid());
    try {
      int how = MapFlags.MAP_SHARED;
      MemoryManager mm = t.mm();
      if (addr != 0) {
        if ((flags & SHM_REMAP) == 0 && mm.isAnyMapped(addr, s.memory().length())) {
          throw EINVAL.error();
        }
        how |= MapFlags.MAP_FIXED;
      }
      int maxProt = MapFlags.PROT_READ | MapFlags.PROT_EXEC | (readOnly ? 0 : MapFlags.PROT_WRITE);
      return mm.mappings().map(addr, s.memory().length(), prot, how, s.memory(), s, 0, maxProt, true);
    } finally {
      registry.endAttach(s);
    }
  }

  /** {@code man 2 shmdt}: shmaddr. */
  static long shmdt(Task t, SyscallArgs a) throws ErrnoException {
    long addr = a.addr(0);
    if ((addr & PAGE - 1) != 0) {
      throw EINVAL.error();
    }
    if (t.mm().detach(addr) instanceof ShmSegment s) {
      registry(t).noteDetach(s, t.tgid());
    }
    return 0;
  }

  /** {@code man 2 shmctl}: shmid, cmd, buf. */
  static long shmctl(Task t, SyscallArgs a) throws ErrnoException {
    int id = a.i32(0);
    int command = a.i32(1) & ~IPC_64;
    long buf = a.addr(2);
    ShmRegistry registry = registry(t);
    Credentials creds = t.creds();
    if (id < 0 && command != IPC_INFO && command != SHM_INFO) {
      throw EINVAL.error();
    }
    switch (command) {
      case IPC_RMID -> registry.remove(id, creds);
      case IPC_SET -> {
        MemorySegment s = t.scratch();
        t.mm().copyIn(buf, s, 0, SHMID_DS_SIZE);
        int mode = s.get(JAVA_INT_UNALIGNED, 20);
        registry.set(id, s.get(JAVA_INT_UNALIGNED, 4), s.get(JAVA_INT_UNALIGNED, 8), mode, creds);
      }
      case IPC_STAT -> putStatus(t, buf, registry.status(id, false, creds));
      case SHM_STAT, SHM_STAT_ANY -> {
        ShmRegistry.Status status = registry.status(id, true, command == SHM_STAT ? creds : null);
        putStatus(t, buf, status);
        return status.id();
      }
      case IPC_INFO -> {
        putLimits(t, buf);
        return registry.highestIndex();
      }
      case SHM_INFO -> {
        putUse(t, buf, registry);
        return registry.highestIndex();
      }
      case SHM_LOCK, SHM_UNLOCK ->
          registry.lock(id, command == SHM_LOCK, creds, t.rlimits().limit(MmLimits.RLIMIT_MEMLOCK));
      default -> throw EINVAL.error();
    }
    return 0;
  }

  private static void putStatus(Task t, long buf, ShmRegistry.Status x) throws ErrnoException {
    MemorySegment s = t.scratch().asSlice(0, SHMID_DS_SIZE).fill((byte) 0);
    s.set(JAVA_INT_UNALIGNED, 0, x.key());
    s.set(JAVA_INT_UNALIGNED, 4, x.uid());
    s.set(JAVA_INT_UNALIGNED, 8, x.gid());
    s.set(JAVA_INT_UNALIGNED, 12, x.cuid());
    s.set(JAVA_INT_UNALIGNED, 16, x.cgid());
    s.set(JAVA_INT_UNALIGNED, 20, x.mode());
    s.set(JAVA_SHORT_UNALIGNED, 24, (short) (x.id() >>> 15));
    s.set(JAVA_LONG_UNALIGNED, 48, x.size());
    s.set(JAVA_LONG_UNALIGNED, 56, x.attachTime());
    s.set(JAVA_LONG_UNALIGNED, 64, x.detachTime());
    s.set(JAVA_LONG_UNALIGNED, 72, x.changeTime());
    s.set(JAVA_INT_UNALIGNED, 80, x.creatorPid());
    s.set(JAVA_INT_UNALIGNED, 84, x.lastPid());
    s.set(JAVA_LONG_UNALIGNED, 88, x.attachments());
    t.mm().copyOut(buf, s, 0, SHMID_DS_SIZE);
  }

  private static void putLimits(Task t, long buf) throws ErrnoException {
    MemorySegment s = t.scratch().asSlice(0, SHMINFO_SIZE).fill((byte) 0);
    s.set(JAVA_LONG_UNALIGNED, 0, ShmRegistry.SHMMAX);
    s.set(JAVA_LONG_UNALIGNED, 8, 1L);
    s.set(JAVA_LONG_UNALIGNED, 16, (long) ShmRegistry.SHMMNI);
    s.set(JAVA_LONG_UNALIGNED, 24, (long) ShmRegistry.SHMMNI);
    s.set(JAVA_LONG_UNALIGNED, 32, ShmRegistry.SHMALL);
    t.mm().copyOut(buf, s, 0, SHMINFO_SIZE);
  }

  private static void putUse(Task t, long buf, ShmRegistry registry) throws ErrnoException {
    MemorySegment s = t.scratch().asSlice(0, SHM_INFO_SIZE).fill((byte) 0);
    int used = 0;
    long pages = 0;
    for (ShmRegistry.Status x : registry.all()) {
      used++;
      pages += (x.size() + PAGE - 1) / PAGE;
    }
    s.set(JAVA_INT_UNALIGNED, 0, used);
    s.set(JAVA_LONG_UNALIGNED, 8, pages);
    t.mm().copyOut(buf, s, 0, SHM_INFO_SIZE);
  }
}
