package gvisor.sentry.syscall.linux;

import static gvisor.api.errno.Errno.EAGAIN;
import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EDEADLK;
import static gvisor.api.errno.Errno.EINVAL;
import static gvisor.api.errno.Errno.EOVERFLOW;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import gvisor.api.errno.ErrnoException;
import gvisor.api.waiter.EventMask;
import gvisor.sentry.kernel.Restart;
import gvisor.sentry.kernel.Task;
import gvisor.sentry.syscall.SyscallArgs;
import gvisor.sentry.vfs.FileDescription;
import gvisor.sentry.vfs.FileLocks;
import gvisor.sentry.vfs.FileLocks.Range;
import gvisor.sentry.vfs.LockWaits;
import gvisor.sentry.vfs.StatBuf;
import java.lang.foreign.MemorySegment;

/** Advisory locks: {@code flock(2)}, and the lock commands of {@code fcntl(2)}. */
public final class SysLocks {
  private static final int LOCK_SH = 1;
  private static final int LOCK_EX = 2;
  private static final int LOCK_NB = 4;
  private static final int LOCK_UN = 8;

  private static final int F_RDLCK = 0;
  private static final int F_WRLCK = 1;
  private static final int F_UNLCK = 2;

  // struct flock of x86-64.
  private static final int L_TYPE = 0;
  private static final int L_WHENCE = 2;
  private static final int L_START = 8;
  private static final int L_LEN = 16;
  private static final int L_PID = 24;
  private static final int SIZE = 32;

  private SysLocks() {}

  /** flock(2). */
  public static long flock(Task t, SyscallArgs a) throws ErrnoException {
    int operation = a.i32(1);
    FileDescription f = t.fds().get(a.fd(0));
    try {
      int kind = operation & ~LOCK_NB;
      if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN) {
        throw EINVAL.error();
      }
      FileLocks locks = FileLocks.of(f);
      if (kind == LOCK_UN) {
        locks.unlockFile(f);
        return 0;
      }
      if (lockFile(t, f, locks, kind == LOCK_EX)) {
        return 0;
      }
      if ((operation & LOCK_NB) != 0) {
        throw EAGAIN.error();
      }
      locks.queue().register(t.waiter(), EventMask.EPOLLIN);
      try {
        while (!lockFile(t, f, locks, kind == LOCK_EX)) {
          if (t.block(Task.FOREVER) == Task.INTERRUPTED) {
            return Restart.ERESTARTSYS;
          }
        }
        return 0;
      } finally {
        locks.queue().unregister(t.waiter());
      }
    } finally {
      f.close();
    }
  }

  private static boolean lockFile(Task t, FileDescription f, FileLocks locks, boolean exclusive) {
    if (!locks.lockFile(f, t.tgid(), exclusive)) {
      return false;
    }
    t.kernel().vfs().heldLocks().add(locks);
    return true;
  }

  private static Range lockRange(Task t, FileLocks locks, Object owner, int pid, int type, long start, long end)
      throws ErrnoException {
    Range conflict = locks.lockRange(owner, pid, type == F_WRLCK, start, end);
    if (conflict == null) {
      t.kernel().vfs().heldLocks().add(locks);
    }
    return conflict;
  }

  /** F_GETLK and F_OFD_GETLK. */
  static long getRange(Task t, FileDescription f, long addr, boolean ofd) throws ErrnoException {
    MemorySegment lock = t.scratch();
    t.mm().copyIn(addr, lock, 0, SIZE);
    int type = lock.get(JAVA_SHORT_UNALIGNED, L_TYPE);
    if (type != F_RDLCK && type != F_WRLCK && !(ofd && type == F_UNLCK)) {
      throw EINVAL.error();
    }
    checkPid(lock, ofd);
    long start = start(f, lock);
    long end = end(lock, start);
    start = Math.min(start, start + Math.min(0, lock.get(JAVA_LONG_UNALIGNED, L_LEN)));
    Range conflict = FileLocks.of(f).conflict(ofd ? f : t.fds(), type == F_WRLCK, start, end);
    if (conflict == null) {
      t.mm().writeShort(addr + L_TYPE, (short) F_UNLCK);
      return 0;
    }
    t.mm().writeShort(addr + L_TYPE, (short) (conflict.exclusive() ? F_WRLCK : F_RDLCK));
    t.mm().writeShort(addr + L_WHENCE, (short) 0);
    t.mm().writeLong(addr + L_START, conflict.start());
    long length = conflict.end() == FileLocks.TO_END ? 0 : conflict.end() - conflict.start() + 1;
    t.mm().writeLong(addr + L_LEN, length);
    t.mm().writeInt(addr + L_PID, conflict.pid());
    return 0;
  }

  /** F_SETLK, F_SETLKW and their OFD kin. */
  static long setRange(Task t, FileDescription f, long addr, boolean ofd, boolean wait) throws ErrnoException {
    MemorySegment lock = t.scratch();
    t.mm().copyIn(addr, lock, 0, SIZE);
    int type = lock.get(JAVA_SHORT_UNALIGNED, L_TYPE);
    checkPid(lock, ofd);
    long start = start(f, lock);
    long end = end(lock, start);
    start = Math.min(start, start + Math.min(0, lock.get(JAVA_LONG_UNALIGNED, L_LEN)));
    Object owner = ofd ? f : t.fds();
    FileLocks locks = FileLocks.of(f);
    switch (type) {
      case F_UNLCK -> {
        locks.unlockRange(owner, start, end);
        return 0;
      }
      case F_RDLCK -> {
        if (!f.isReadable()) {
          throw EBADF.error();
        }
      }
      case F_WRLCK -> {
        if (!f.isWritable()) {
          throw EBADF.error();
        }
      }
      default -> throw EINVAL.error();
    }
    int pid = ofd ? -1 : t.tgid();
    Range conflict = lockRange(t, locks, owner, pid, type, start, end);
    if (conflict == null) {
      return 0;
    }
    if (!wait) {
      throw EAGAIN.error();
    }
    LockWaits waits = t.kernel().vfs().lockWaits();
    locks.queue().register(t.waiter(), EventMask.EPOLLIN);
    try {
      while (true) {
        conflict = lockRange(t, locks, owner, pid, type, start, end);
        if (conflict == null) {
          return 0;
        }
        if (!ofd && !waits.begin(owner, conflict.owner())) {
          throw EDEADLK.error();
        }
        if (t.block(Task.FOREVER) == Task.INTERRUPTED) {
          return Restart.ERESTARTSYS;
        }
      }
    } finally {
      locks.queue().unregister(t.waiter());
      waits.end(owner);
    }
  }

  private static void checkPid(MemorySegment lock, boolean ofd) throws ErrnoException {
    if (ofd && lock.get(JAVA_INT_UNALIGNED, L_PID) != 0) {
      throw EINVAL.error();
    }
  }

  /** The absolute offset l_start means; a negative l_len lies before it. */
  private static long start(FileDescription f, MemorySegment lock) throws ErrnoException {
    long offset = lock.get(JAVA_LONG_UNALIGNED, L_START);
    long base;
    switch (lock.get(JAVA_SHORT_UNALIGNED, L_WHENCE)) {
      case 0 -> base = 0;
      case 1 -> {
        f.offsetLock.lock();
        try {
          base = f.offset;
        } finally {
          f.offsetLock.unlock();
        }
      }
      case 2 -> {
        StatBuf stat = new StatBuf();
        f.inode().stat(stat);
        base = stat.size;
      }
      default -> throw EINVAL.error();
    }
    long start = base + offset;
    if (offset > 0 && start < 0) {
      throw EOVERFLOW.error();
    }
    long length = lock.get(JAVA_LONG_UNALIGNED, L_LEN);
    if (start < 0 || length < 0 && start + length < 0) {
      throw EINVAL.error();
    }
    return start;
  }

  private static long end(MemorySegment lock, long start) throws ErrnoException {
    long length = lock.get(JAVA_LONG_UNALIGNED, L_LEN);
    if (length == 0) {
      return FileLocks.TO_END;
    }
    if (length < 0) {
      return start - 1;
    }
    if (start + (length - 1) < 0) {
      throw EOVERFLOW.error();
    }
    return start + (length - 1);
  }
}
