package gvisor.sentry.kernel;

import static gvisor.api.errno.Errno.EBADF;
import static gvisor.api.errno.Errno.EMFILE;

import gvisor.api.errno.ErrnoException;
import gvisor.sentry.vfs.FileDescription;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/**
 * File descriptors, shared by tasks made with CLONE_FILES. Like Linux {@code struct files_struct}.
 *
 * <p>{@link #get} takes no lock: it returns the file with a reference of its own, which the caller gives back with
 * {@link FileDescription#close} in a {@code finally}. The usual handler:
 *
 * <pre>{@code
 * FileDescription f = t.fds().get(a.fd(0));
 * try {
 *   ...
 * } finally {
 *   f.close();
 * }
 * }</pre>
 *
 * <p>Changes are made under the table's lock, which ranks below the thread-group lock and above every lock of a file;
 * files are closed after it is released. Thread-safe.
 */
public final class FdTable {
  /**
   * No descriptor is above this, whatever RLIMIT_NOFILE says. Linux: {@code fs.nr_open}, 2^20. Here: less, for an open file
   * is the kernel's memory, and that is no larger for a container that may have a million of them.
   */
  public static final int MAX_FDS = 1 << 18;

  private static final int INITIAL = 64;
  private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(FileDescription[].class);

  private final ReentrantLock tableLock = new ReentrantLock();
  private volatile FileDescription[] slots = new FileDescription[INITIAL];

  // Guarded by tableLock: one bit a descriptor, as long as the slots.
  private long[] used = new long[INITIAL / 64];
  private long[] closeOnExec = new long[INITIAL / 64];
  private int lowestFree;
  private int users = 1;

  /**
   * The open file {@code fd} with a reference for the caller, who closes it.
   *
   * @throws ErrnoException EBADF when there is none, or when it was opened with O_PATH
   */
  public FileDescription get(int fd) throws ErrnoException {
    FileDescription f = acquire(fd);
    if (f == null) {
      throw EBADF.error();
    }
    if (f.isPath()) {
      f.close();
      throw EBADF.error();
    }
    return f;
  }

  /** As {@link #get}, but O_PATH files are welcome ({@code fstat}, {@code fchdir}, {@code dup}, a {@code dirfd}). */
  public FileDescription getAny(int fd) throws ErrnoException {
    FileDescription f = acquire(fd);
    if (f == null) {
      throw EBADF.error();
    }
    return f;
  }

  /** As {@link #getAny}, or null when there is none. */
  public FileDescription acquire(int fd) {
    while (true) {
      FileDescription[] now = slots;
      if (fd < 0 || fd >= now.length) {
        return null;
      }
      FileDescription f = (FileDescription) SLOT.getAcquire(now, fd);
      if (f == null) {
        return null;
      }
      if (f.tryAcquire()) {
        if (slots == now && SLOT.getAcquire(now, fd) == f) {
          return f;
        }
        f.close();
      } else if (slots == now && SLOT.getAcquire(now, fd) == f) {
        // Closing takes a file out of its slot first. One without references that is still there: somebody closed it
        // once too often, and who waits for it to go would wait for ever.
        return null;
      }
    }
  }

  /**
   * Gives {@code file} the lowest free descriptor and takes the caller's reference over, also when it fails.
   *
   * @param limit RLIMIT_NOFILE, {@link Task#fdLimit}
   * @throws ErrnoException EMFILE; the file has been closed then
   */
  public int install(FileDescription file, boolean cloexec, int limit) throws ErrnoException {
    return install(file, 0, cloexec, limit);
  }

  /** As {@link #install(FileDescription, boolean, int)}, with the lowest free descriptor from {@code from} on. */
  public int install(FileDescription file, int from, boolean cloexec, int limit) throws ErrnoException {
    int fd;
    tableLock.lock();
    try {
      fd = nextFree(Math.max(from, lowestFree));
      if (fd < Math.min(limit, MAX_FDS)) {
        reserve(fd, cloexec);
        SLOT.setRelease(slots, fd, file);
        if (from <= lowestFree) {
          lowestFree = fd + 1;
        }
        return fd;
      }
    } finally {
      tableLock.unlock();
    }
    file.close();
    throw EMFILE.error();
  }

  /**
   * Makes {@code fd} mean {@code file} ({@code dup2}), closing what it was, and takes the caller's reference over, also
   * when it fails.
   *
   * @throws ErrnoException EBADF when {@code fd} is negative or not below {@code limit}
   */
  public void replace(int fd, FileDescription file, boolean cloexec, int limit) throws ErrnoException {
    if (fd < 0 || fd >= Math.min(limit, MAX_FDS)) {
      file.close();
      throw EBADF.error();
    }
    FileDescription old;
    tableLock.lock();
    try {
      ensureLength(fd + 1);
      old = slots[fd];
      reserve(fd, cloexec);
      SLOT.setRelease(slots, fd, file);
    } finally {
      tableLock.unlock();
    }
    if (old != null) {
      try {
        closed(old);
      } catch (ErrnoException e) {
        // man 2 dup: errors of the implied close are lost.
      }
    }
  }

  /** Closes {@code fd}: EBADF, or what the file says when it is flushed; the descriptor is gone in any case. */
  public void close(int fd) throws ErrnoException {
    FileDescription old;
    tableLock.lock();
    try {
      if (fd < 0 || fd >= slots.length || slots[fd] == null) {
        throw EBADF.error();
      }
      old = slots[fd];
      clear(fd);
    } finally {
      tableLock.unlock();
    }
    closed(old);
  }

  /** Closes every descriptor from {@code first} to {@code last}, both included. */
  public void closeRange(int first, int last) {
    FileDescription[] old;
    int n = 0;
    tableLock.lock();
    try {
      int end = Math.min(last, slots.length - 1);
      old = new FileDescription[Math.max(0, end - first + 1)];
      for (int fd = first; fd <= end; fd++) {
        if (slots[fd] != null) {
          old[n++] = slots[fd];
          clear(fd);
        }
      }
    } finally {
      tableLock.unlock();
    }
    closeAll(old, n);
  }

  /** Has every descriptor of the range closed at exec (CLOSE_RANGE_CLOEXEC). */
  public void closeRangeOnExec(int first, int last) {
    tableLock.lock();
    try {
      int end = Math.min(last, slots.length - 1);
      for (int fd = first; fd <= end; fd++) {
        if (slots[fd] != null) {
          closeOnExec[fd >> 6] |= 1L << fd;
        }
      }
    } finally {
      tableLock.unlock();
    }
  }

  /** Closes what is to be closed at exec. The caller is the only user of the table. */
  public void exec() {
    FileDescription[] old;
    int n = 0;
    tableLock.lock();
    try {
      int count = 0;
      for (long word : closeOnExec) {
        count += Long.bitCount(word);
      }
      old = new FileDescription[count];
      for (int fd = 0; n < count; fd++) {
        if ((closeOnExec[fd >> 6] >>> fd & 1) != 0) {
          old[n++] = slots[fd];
          clear(fd);
        }
      }
    } finally {
      tableLock.unlock();
    }
    closeAll(old, n);
  }

  /** FD_CLOEXEC of {@code fd}. */
  public boolean isCloseOnExec(int fd) throws ErrnoException {
    tableLock.lock();
    try {
      checkOpen(fd);
      return (closeOnExec[fd >> 6] >>> fd & 1) != 0;
    } finally {
      tableLock.unlock();
    }
  }

  public void setCloseOnExec(int fd, boolean on) throws ErrnoException {
    tableLock.lock();
    try {
      checkOpen(fd);
      if (on) {
        closeOnExec[fd >> 6] |= 1L << fd;
      } else {
        closeOnExec[fd >> 6] &= ~(1L << fd);
      }
    } finally {
      tableLock.unlock();
    }
  }

  /** The lowest descriptor in use at or above {@code fd}, or -1: for walking the table ({@code /proc/[pid]/fd}). */
  public int nextUsed(int fd) {
    tableLock.lock();
    try {
      for (int i = Math.max(fd, 0); i < slots.length; i++) {
        if (slots[i] != null) {
          return i;
        }
      }
      return -1;
    } finally {
      tableLock.unlock();
    }
  }

  /** How many descriptors fit before the table grows: FDSize of {@code /proc/[pid]/status}. */
  public int capacity() {
    return slots.length;
  }

  /** A table of its own with the same files ({@code fork}). */
  public FdTable fork() {
    return forkRange(Integer.MAX_VALUE);
  }

  /** A table of its own with the descriptors below {@code end}. */
  public FdTable forkRange(int end) {
    FdTable child = new FdTable();
    tableLock.lock();
    try {
      int length = slots.length;
      child.slots = new FileDescription[length];
      child.used = new long[used.length];
      child.closeOnExec = new long[used.length];
      for (int fd = 0; fd < Math.min(end, length); fd++) {
        FileDescription f = slots[fd];
        if (f != null) {
          child.slots[fd] = f.acquire();
          child.used[fd >> 6] |= 1L << fd;
          child.closeOnExec[fd >> 6] |= closeOnExec[fd >> 6] & 1L << fd;
        }
      }
      child.lowestFree = Math.min(lowestFree, Math.max(0, end));
    } finally {
      tableLock.unlock();
    }
    return child;
  }

  /** Gives {@code task} a table of its own if it shares one (CLONE_FILES of {@code unshare}, {@code execve}). */
  public static void unshare(Task task) {
    FdTable old = task.fds();
    if (old.isShared()) {
      task.setFds(old.fork());
      old.release();
    }
  }

  /** One more task uses the table (CLONE_FILES). */
  public FdTable share() {
    tableLock.lock();
    try {
      users++;
    } finally {
      tableLock.unlock();
    }
    return this;
  }

  /** Whether more than one task uses it. */
  public boolean isShared() {
    tableLock.lock();
    try {
      return users > 1;
    } finally {
      tableLock.unlock();
    }
  }

  /** A task does not use the table any more; the last one closes every file. */
  public void release() {
    tableLock.lock();
    try {
      if (--users > 0) {
        return;
      }
    } finally {
      tableLock.unlock();
    }
    closeRange(0, Integer.MAX_VALUE - 1);
  }

  private void checkOpen(int fd) throws ErrnoException {
    if (fd < 0 || fd >= slots.length || slots[fd] == null) {
      throw EBADF.error();
    }
  }

  private int nextFree(int from) {
    int fd = from;
    while (fd < slots.length) {
      long free = ~used[fd >> 6] >>> fd;
      if (free != 0) {
        return fd + Long.numberOfTrailingZeros(free);
      }
      fd = (fd | 63) + 1;
    }
    return fd;
  }

  private void reserve(int fd, boolean cloexec) {
    ensureLength(fd + 1);
    used[fd >> 6] |= 1L << fd;
    if (cloexec) {
      closeOnExec[fd >> 6] |= 1L << fd;
    } else {
      closeOnExec[fd >> 6] &= ~(1L << fd);
    }
  }

  private void clear(int fd) {
    SLOT.setRelease(slots, fd, null);
    used[fd >> 6] &= ~(1L << fd);
    closeOnExec[fd >> 6] &= ~(1L << fd);
    lowestFree = Math.min(lowestFree, fd);
  }

  private void ensureLength(int length) {
    if (length <= slots.length) {
      return;
    }
    int grown = Math.max(length + 63 & ~63, slots.length * 2);
    used = Arrays.copyOf(used, grown / 64);
    closeOnExec = Arrays.copyOf(closeOnExec, grown / 64);
    slots = Arrays.copyOf(slots, grown);
  }

  private void closeAll(FileDescription[] files, int count) {
    for (int i = 0; i < count; i++) {
      try {
        closed(files[i]);
      } catch (ErrnoException e) {
        // Nobody is told: exit and exec have no result for it.
      }
    }
  }

  /** One descriptor of {@code file} is gone. */
  private void closed(FileDescription file) throws ErrnoException {
    try {
      file.descriptorClosed(this);
    } finally {
      file.close();
    }
  }
}
