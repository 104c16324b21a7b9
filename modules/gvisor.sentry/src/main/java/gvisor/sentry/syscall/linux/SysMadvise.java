package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EACCES;
import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.ENOMEM;
import static gvisor.api.errno.Errno.EPERM;
import static gvisor.api.errno.Errno.ESRCH;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.auth.Capability;
import gvisor.sentry.kernel.PidFd;
import gvisor.sentry.kernel.PtraceAccess;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.kernel.ThreadGroup;
import gvisor.sentry.mm.MemoryAdvice;
import gvisor.sentry.mm.MemoryManager;
import gvisor.sentry.mm.UserBuffer;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;

/** {@code man 2 madvise}, {@code mlock}, {@code msync} and {@code mincore}. */
final class SysMadvise {
  private static final int PAGE = MemoryManager.PAGE_SIZE;
  private static final int MLOCK_ONFAULT = 1;

  private SysMadvise() {}

  /** {@code man 2 madvise}: addr, length, advice. */
  static long madvise(Task t, SyscallArgs a) throws ErrnoException {
    t.mm().advice().advise(a.addr(0), a.size(1), a.i32(2));
    return 0;
  }

  /** {@code man 2 process_madvise}: pidfd, iovec, count, advice, flags. */
  static long processMadvise(Task t, SyscallArgs a) throws ErrnoException {
    int advice = a.i32(3);
    if (a.i32(4) != 0) {
      throw EINVAL.error();
    }
    FileDescription f = t.fds().get(a.fd(0));
    try {
      if (!(f.ops() instanceof PidFd p)) {
        throw EBADF.error();
      }
      ThreadGroup target = p.process();
      Task task = target == null ? null : target.anyLiveTask();
      if (task == null) {
        throw ESRCH.error();
      }
      if (!PtraceAccess.mayRead(t, task)) {
        throw EACCES.error();
      }
      boolean own = target == t.threadGroup();
      boolean known = advice == MemoryAdvice.MADV_COLD || advice == MemoryAdvice.MADV_PAGEOUT
          || advice == MemoryAdvice.MADV_WILLNEED;
      if (!known && !own) {
        throw EINVAL.error();
      }
      if (!own && !t.creds().has(Capability.CAP_SYS_NICE)) {
        throw EPERM.error();
      }
      return advise(t.mm(), task.mm(), a.addr(1), a.size(2), advice);
    } finally {
      f.close();
    }
  }

  private static long advise(MemoryManager from, MemoryManager mm, long iov, long count, int advice)
      throws ErrnoException {
    if (count < 0 || count > UserBuffer.IOV_MAX) {
      throw EINVAL.error();
    }
    long done = 0;
    for (int i = 0; i < count; i++) {
      long base = from.readLong(iov + i * 16L);
      long length = from.readLong(iov + i * 16L + 8);
      try {
        mm.advice().advise(base, length, advice);
      } catch (ErrnoException e) {
        if (done > 0) {
          return done;
        }
        throw e;
      }
      done += length;
    }
    return done;
  }

  /** {@code man 2 mlock}: addr, length. */
  static long mlock(Task t, SyscallArgs a) throws ErrnoException {
    t.mm().advice().lock(a.addr(0), a.size(1), false, mayLock(t));
    return 0;
  }

  /** {@code man 2 mlock2}: addr, length, flags. */
  static long mlock2(Task t, SyscallArgs a) throws ErrnoException {
    int flags = a.i32(2);
    if ((flags & ~MLOCK_ONFAULT) != 0) {
      throw EINVAL.error();
    }
    t.mm().advice().lock(a.addr(0), a.size(1), flags != 0, mayLock(t));
    return 0;
  }

  /** {@code man 2 munlock}: addr, length. */
  static long munlock(Task t, SyscallArgs a) throws ErrnoException {
    t.mm().advice().unlock(a.addr(0), a.size(1));
    return 0;
  }

  /** {@code man 2 mlockall}: flags. */
  static long mlockall(Task t, SyscallArgs a) throws ErrnoException {
    t.mm().advice().lockAll(a.i32(0), mayLock(t));
    return 0;
  }

  /** {@code man 2 munlockall}. */
  static long munlockall(Task t, SyscallArgs a) {
    t.mm().advice().unlockAll();
    return 0;
  }

  private static boolean mayLock(Task t) {
    return t.creds().has(Capability.CAP_IPC_LOCK);
  }

  /** {@code man 2 msync}: addr, length, flags. */
  static long msync(Task t, SyscallArgs a) throws ErrnoException {
    t.mm().advice().sync(a.addr(0), a.size(1), a.i32(2));
    return 0;
  }

  /** {@code man 2 mincore}: addr, length, vec. */
  static long mincore(Task t, SyscallArgs a) throws ErrnoException {
    long addr = a.addr(0);
    long length = a.size(1);
    if ((addr & PAGE - 1) != 0) {
      throw EINVAL.error();
    }
    MemoryManager mm = t.mm();
    if (!mm.isUserRange(addr, length)) {
      throw ENOMEM.error();
    }
    long count = length + PAGE - 1 >>> 12;
    MemorySegment scratch = t.scratch();
    for (long done = 0; done < count; ) {
      int n = (int) Math.min(count - done, Task.SCRATCH_SIZE);
      mm.advice().residency(addr + done * PAGE, n, scratch);
      mm.copyOut(a.addr(2) + done, scratch, 0, n);
      done += n;
    }
    return 0;
  }
}
